#!/usr/bin/env bash
# hey-api's openapi-ts and swagger-typescript-api leave null out of the type of an enum that has it.
# Packages: @hey-api/openapi-ts 0.99.0 and swagger-typescript-api 13.13.0 (npm), beside orval 8.38.0; node 24.21.0 (npm). A good guess:
# `"enum": ["confirmed", "best_effort", null]` is `"confirmed" | "best_effort" | null`, as orval has it, since `type` is not needed beside
# `enum`. Seen: the type of the two has no null, so the type checker lets a caller read `stopped.length` of what is null.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 @hey-api/openapi-ts@0.99.0 swagger-typescript-api@13.13.0 orval@8.38.0 typescript@5.9.3
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
openapi-ts --input openapi.json --output hey >/dev/null 2>&1
swagger-typescript-api generate --path openapi.json --output swagger >/dev/null 2>&1
orval --input openapi.json --output orval.ts --client fetch >/dev/null 2>&1
cat > look.mjs <<'JS'
import { readFileSync } from "node:fs";

const files = { "hey-api": "hey/types.gen.ts", "swagger-typescript-api": "swagger/Api.ts", orval: "orval.ts" };
const seen = Object.entries(files).map(([name, file]) => {
  const text = readFileSync(file, "utf8");
  const type = /\bstopped\??:\s*(\w+);/.exec(text)?.[1];
  const said = type ? new RegExp(`type ${type} =[^;]*;`).exec(text)[0] : /\bstopped\??:[^;]*;/.exec(text)[0];
  console.log(name.padEnd(24), said.replaceAll(/\s+/g, " "));
  return said.includes("null");
});
process.exit(seen.join() === "false,false,true" ? 0 : 1);
JS
node look.mjs
