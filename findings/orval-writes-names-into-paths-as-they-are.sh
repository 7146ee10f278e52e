#!/usr/bin/env bash
# orval's client writes a name into a path as it is, so one with a slash or a question mark asks for something else.
# Package: orval 8.38.0 (npm); node 24.21.0 (npm). A good guess: a path parameter is percent-encoded, as RFC 6570 has it for the form that
# OpenAPI gives it (`style: simple`). Seen: the URL of the model `org/name?x` is /models/org/name?x. With `urlEncodeParameters: true` in
# its configuration, which is not the default, it is /models/org%2Fname%3Fx.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm pkg set type=module
npm install --silent --no-audit --no-fund node@24.21.0 orval@8.38.0 typescript@5.9.3
cat > openapi.json <<'JSON'
{
  "openapi": "3.1.1",
  "info": { "title": "t", "version": "1" },
  "servers": [{ "url": "https://example.com" }],
  "paths": {
    "/models/{name}": {
      "get": {
        "operationId": "read",
        "parameters": [{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }],
        "responses": { "200": { "description": "it", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Job" } } } } }
      }
    }
  },
  "components": {
    "schemas": { "Job": { "type": "object", "required": ["stopped"], "properties": { "stopped": { "enum": ["confirmed", "best_effort", null] } } } }
  }
}
JSON
export PATH="$PWD/node_modules/node/bin:$PWD/node_modules/.bin:$PATH"
cat > orval.config.mjs <<'JS'
const client = (target, urlEncodeParameters) => ({ input: "./openapi.json", output: { target, client: "fetch", urlEncodeParameters } });
export default { plain: client("./plain.ts", false), encoded: client("./encoded.ts", true) };
JS
orval --config orval.config.mjs >/dev/null 2>&1
cat > look.mjs <<'JS'
const seen = {};
for (const how of ["plain", "encoded"]) seen[how] = (await import(`./${how}.ts`)).getReadUrl("org/name?x");
console.log(seen);
process.exit(seen.plain === "/models/org/name?x" && seen.encoded === "/models/org%2Fname%3Fx" ? 0 : 1);
JS
node look.mjs
