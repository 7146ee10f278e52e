#!/usr/bin/env bash
# openapi-typescript makes a member of a request that has a default a required one.
# Package: openapi-typescript 7.13.0 (npm), with TypeScript 5.9.3. A good guess: a member that `required` does not name may be left out
# of a request, and `default` says what holds then (JSON Schema 2020-12, validation 9.2). Seen: its type is `expires: number`, so a
# caller who leaves it out is refused by the type checker, unless the client was generated with `--default-non-nullable=false`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund openapi-typescript@7.13.0 typescript@5.9.3
cat > openapi.json <<'JSON'
{
  "openapi": "3.1.1",
  "info": { "title": "Links", "version": "1" },
  "paths": {
    "/links": {
      "post": {
        "requestBody": {
          "required": true,
          "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Link" } } }
        },
        "responses": { "204": { "description": "Made." } }
      }
    }
  },
  "components": {
    "schemas": {
      "Link": {
        "type": "object",
        "required": ["url"],
        "properties": { "url": { "type": "string" }, "expires": { "type": "integer", "default": 3600 } }
      }
    }
  }
}
JSON
npx openapi-typescript openapi.json --output api.ts >/dev/null
cat > use.ts <<'TS'
import type { components } from "./api";

export const link: components["schemas"]["Link"] = { url: "https://example.com" };
TS
grep "expires" api.ts
seen=$(npx tsc --noEmit --strict use.ts || true)
echo "$seen"
grep -q "Property 'expires' is missing" <<<"$seen"
npx openapi-typescript openapi.json --default-non-nullable=false --output api.ts >/dev/null
npx tsc --noEmit --strict use.ts
