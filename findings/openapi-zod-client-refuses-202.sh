#!/usr/bin/env bash
# A client made by openapi-zod-client refuses the 202 that the document describes, and takes numbers that it forbids.
# Packages: openapi-zod-client 1.18.3, @zodios/core 10.9.6, zod 3.25.76, axios 1.21.1 (npm).
# A good guess: each status has its own schema, and `type: ["number", "null"]` with a maximum keeps it, as the plain type does.
# Seen: of 200 and 202 the client knows the first alone and checks every success by it, so an accepted job raises "Invalid response" and
# its id is lost. A nullable number has no bounds any more: 5 passes for a progress of at most 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openapi-zod-client@1.18.3 @zodios/core@10.9.6 zod@3.25.76 axios@1.21.1 typescript@5.9.3
cat > openapi.json <<'JSON'
{
  "openapi": "3.1.1",
  "info": { "title": "t", "version": "1" },
  "paths": {
    "/jobs": {
      "post": {
        "operationId": "submit",
        "responses": {
          "200": { "description": "done", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Done" } } } },
          "202": { "description": "accepted", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Accepted" } } } }
        }
      }
    }
  },
  "components": {
    "schemas": {
      "Accepted": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
      "Done": {
        "type": "object",
        "required": ["output", "progress", "share"],
        "properties": {
          "output": { "type": "string" },
          "progress": { "type": ["number", "null"], "maximum": 1 },
          "share": { "type": "number", "maximum": 1 }
        }
      }
    }
  }
}
JSON
node_modules/.bin/openapi-zod-client openapi.json -o client.ts --export-schemas >/dev/null
node_modules/.bin/tsc client.ts --module nodenext --moduleResolution nodenext --target es2022 --skipLibCheck || true
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import made from "./client.js";

let answer;
const server = createServer((request, response) => {
  request.resume().on("end", () => response.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1])));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = made.createApiClient(`http://127.0.0.1:${server.address().port}`);
const done = { output: "x", progress: null, share: 1 };
const seen = [];
for (answer of [[200, done], [202, { id: "1" }], [200, { ...done, progress: 5 }], [200, { ...done, share: 5 }]]) {
  const outcome = await client.submit(undefined).then(JSON.stringify, (error) => error.message.split("\n")[0]);
  seen.push(outcome.startsWith("{"));
  console.log(`${answer[0]} ${JSON.stringify(answer[1])}: ${outcome}`);
}
process.exit(JSON.stringify(seen) === "[true,false,true,false]" ? 0 : 1);
JS
node look.mjs
