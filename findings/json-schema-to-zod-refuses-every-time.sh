#!/usr/bin/env bash
# The code that json-schema-to-zod makes refuses every `time`, throws where an `if` refuses, and overlooks an `if` beside a type.
# Package: json-schema-to-zod 2.8.1 (npm), with zod 4.6.7 to run what it makes.
# A good guess: a value passes if the schema takes it, `safeParse` throws never, and what can't be said is an error or a comment. Seen: the format `time` needs a
# zone and zod's `time()` refuses one; `if` without a type beside it reads `error.errors`, which zod 4 has not, so a value that is refused is a TypeError; beside
# `"type": "object"` it is left out, and with it the members that a kind of job needs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit json-schema-to-zod@2.8.1 zod@4.6.7
cat > look.mjs <<'JS'
import { jsonSchemaToZod } from "json-schema-to-zod";
import { z } from "zod";

const needs = (name) => ({ properties: { [name]: { type: "string" } }, required: [name] });
const conditional = { if: { type: "string" }, then: { type: "string", minLength: 3 }, else: { type: "number" } };
const kinds = { type: "object", properties: { kind: { type: "string" } }, if: { type: "object", properties: { kind: { const: "url" } } }, then: { type: "object", ...needs("url") } };
const cases = {
  "a time with a zone": [{ type: "string", format: "time" }, "10:00:00Z"],
  "a letter by its class": [{ type: "string", pattern: "^\\p{L}$" }, "é"],
  "a text that `if` takes": [conditional, "abc"],
  "a text that `if` refuses": [conditional, "a"],
  "without what its kind needs": [kinds, { kind: "url" }],
};
const seen = {};
for (const [what, [schema, value]] of Object.entries(cases)) {
  const made = new Function("z", `return ${jsonSchemaToZod(schema)}`)(z);
  try {
    seen[what] = made.safeParse(value).success;
  } catch (error) {
    seen[what] = error.message;
  }
}
console.log(seen);
const guess = [false, false, true, "Cannot read properties of undefined (reading 'forEach')", true];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
