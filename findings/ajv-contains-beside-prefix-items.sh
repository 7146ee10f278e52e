#!/usr/bin/env bash
# Ajv lets an empty array pass `contains` if `prefixItems` stands beside it.
# Package: ajv 8.20.0 (npm), ajv/dist/2020. A good guess: `contains` wants at least one item that matches (JSON Schema 2020-12, core
# 10.3.1.3), so an empty array is refused whatever `prefixItems` says of a first item. Seen: with `contains` alone it is refused, and
# with `"prefixItems": [{"type": "string"}]` beside it, it is valid.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ajv@8.20.0
cat > look.cjs <<'JS'
const Ajv = require("ajv/dist/2020.js").default;

const passes = (schema) => new Ajv({ strict: false }).validate(schema, []);
const contains = { type: "string" };
const alone = passes({ contains });
const beside = passes({ contains, prefixItems: [{ type: "string" }] });
console.log("an empty array, contains alone:", alone);
console.log("an empty array, prefixItems beside it:", beside);
process.exit(alone === false && beside === true ? 0 : 1);
JS
node look.cjs
