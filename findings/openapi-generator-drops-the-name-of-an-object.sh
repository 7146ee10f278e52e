#!/usr/bin/env bash
# openapi-generator's client for TypeScript asks for members of an object without the object's name, and so for other parameters.
# Packages: org.openapitools:openapi-generator-cli 7.25.0 (Maven; target typescript-fetch), esbuild 0.28.1 and openapi-fetch 0.17.0 (npm).
# A good guess: a query parameter `metadata` of the style deepObject, whose members are strings, is sent as `metadata[k]=v`, as OpenAPI's
# table of styles has it. Seen: `k=v` is sent; `limit=5` of the metadata takes the place of the parameter `limit`. An object that names its
# members is sent as it should be, and so are both by openapi-fetch.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
mvn -q -B dependency:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=. >/dev/null 2>&1
npm init -y >/dev/null
npm install --silent --no-audit --no-fund esbuild@0.28.1 openapi-fetch@0.17.0
cat > api.json <<'JSON'
{
  "openapi": "3.1.0", "info": { "title": "x", "version": "1" },
  "paths": { "/jobs": { "get": { "operationId": "list", "parameters": [
    { "name": "limit", "in": "query", "schema": { "type": "integer" } },
    { "name": "metadata", "in": "query", "style": "deepObject", "explode": true, "schema": { "type": "object", "additionalProperties": { "type": "string" } } },
    { "name": "named", "in": "query", "style": "deepObject", "explode": true, "schema": { "type": "object", "properties": { "limit": { "type": "string" } } } }
  ], "responses": { "204": { "description": "nothing" } } } } }
}
JSON
java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar openapi-generator-cli-7.25.0.jar generate -i api.json -g typescript-fetch -o typescript >/dev/null 2>&1
cat > look.ts <<'TS'
import { createServer } from "node:http";
import createClient from "openapi-fetch";
import { Configuration, DefaultApi } from "./typescript/index";

let asked = "";
const server = createServer((request, response) => {
  asked = decodeURIComponent(request.url ?? "");
  response.writeHead(204).end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
const generated = new DefaultApi(new Configuration({ basePath: url }));
const other = createClient<any>({ baseUrl: url });
const seen: string[] = [];
for (const query of [{ limit: 2, metadata: { limit: "5" } }, { limit: 2, named: { limit: "5" } }]) {
  await generated.list(query);
  seen.push(asked);
  await other.GET("/jobs", { params: { query } });
  seen.push(asked);
  console.log(`${JSON.stringify(query)}: typescript-fetch asked for ${seen.at(-2)}, openapi-fetch for ${seen.at(-1)}`);
}
const named = "/jobs?limit=2&named[limit]=5";
process.exit(seen.join() === ["/jobs?limit=5", "/jobs?limit=2&metadata[limit]=5", named, named].join() ? 0 : 1);
TS
npx esbuild look.ts --bundle --format=esm --platform=node --outfile=look.mjs --log-level=error
node look.mjs
