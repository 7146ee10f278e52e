#!/usr/bin/env bash
# @cfworker/json-schema overlooks `$dynamicRef`, and takes every value where it stands.
# Packages: @cfworker/json-schema 4.1.6 (npm), beside it ajv 8.20.0 and @hyperjump/json-schema 1.18.0 (npm); node 24.21.0 (npm). A good
# guess: the draft 2020-12 that it is told to follow has `$dynamicRef`, so it is followed, or an unknown reference throws, as an unknown `$ref`
# does. Seen: neither. Also where it points to a `$dynamicAnchor` of the same schema, which is then a plain `$ref`, nothing is checked.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 @cfworker/json-schema@4.1.6 ajv@8.20.0 @hyperjump/json-schema@1.18.0
cat > look.mjs <<'JS'
import { Validator } from "@cfworker/json-schema";
import { registerSchema, validate } from "@hyperjump/json-schema/draft-2020-12";
import { Ajv2020 } from "ajv/dist/2020.js";

const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "https://example.com/node",
  $dynamicAnchor: "node",
  type: "object",
  properties: { name: { type: "string" }, children: { type: "array", items: { $dynamicRef: "#node" } } },
};
const value = { name: "root", children: [{ name: 5 }] };
registerSchema(schema);
const seen = {
  cfworker: new Validator(schema, "2020-12").validate(value).valid,
  ajv: new Ajv2020().validate(schema, value),
  hyperjump: (await validate(schema.$id, value)).valid,
};
console.log("a child whose name is a number is taken:", JSON.stringify(seen));
process.exit(Object.values(seen).join() === "true,false,false" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
