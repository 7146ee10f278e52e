#!/usr/bin/env bash
# The code that Ajv makes of a valid schema can fail for every value.
# Package: ajv 8.20.0 (npm), ajv/dist/2020. A good guess: a schema that Ajv compiles validates values, or says what is wrong with it.
# Seen: `prefixItems` within `anyOf` within `if`, with a `not` beside the `anyOf`, compiles without a word, and validating anything
# raises "items0 is not defined", a ReferenceError of the code that Ajv wrote; each part alone works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ajv@8.20.0
cat > look.cjs <<'JS'
const Ajv = require("ajv/dist/2020.js").default;

function said(schema) {
  const ajv = new Ajv({ strict: false });
  if (!ajv.validateSchema(schema)) return "schema refused";
  const validate = ajv.compile(schema);
  try {
    return String(validate([1]));
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
}

const anyOf = [{ prefixItems: [false] }, true];
const alone = said({ if: { anyOf }, then: false });
const beside = said({ if: { anyOf, not: true }, then: false });
console.log("anyOf within if:", alone);
console.log("with not beside it:", beside);
process.exit(alone === "false" && beside === "ReferenceError: items0 is not defined" ? 0 : 1);
JS
node look.cjs
