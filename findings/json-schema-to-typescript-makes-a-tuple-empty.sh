#!/usr/bin/env bash
# json-schema-to-typescript makes a list that must be empty of a tuple in JSON Schema's present form.
# Package: json-schema-to-typescript 16.0.0 (npm).
# A good guess: `prefixItems` with `"items": false` is `[string, number]`, as the older form, a list of `items`, is; or it is overlooked and gives
# `unknown[]`. Seen: `prefixItems` is overlooked and `"items": false` is not, which gives `never[]`, a type that no value of the schema has; without `items` it is
# `unknown[]`. `required` of what `properties` does not name is left out, so an `allOf` that adds a requirement adds none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit json-schema-to-typescript@16.0.0
cat > look.mjs <<'JS'
import { compile } from "json-schema-to-typescript";

const tuple = [{ type: "string" }, { type: "number" }];
const schemas = {
  "items, as until 2019": { type: "array", items: tuple, additionalItems: false, minItems: 2 },
  "prefixItems, and no more": { type: "array", prefixItems: tuple, items: false, minItems: 2 },
  "prefixItems, and others": { type: "array", prefixItems: tuple },
  "a requirement by allOf": { allOf: [{ type: "object", properties: { a: { type: "string" } }, additionalProperties: false }, { required: ["a"] }] },
};
const seen = {};
for (const [name, schema] of Object.entries(schemas)) {
  const made = await compile({ type: "object", properties: { made: schema }, additionalProperties: false }, "T", { bannerComment: "" });
  seen[name] = /made\?: ([^]*);\n\}/.exec(made)[1].replace(/\/\*[^]*?\*\//g, "").replace(/\s+/g, " ");
}
console.log(seen);
process.exit(seen["items, as until 2019"] === "[string, number]" && seen["prefixItems, and no more"].endsWith("never[]") ? 0 : 1);
JS
node look.mjs
