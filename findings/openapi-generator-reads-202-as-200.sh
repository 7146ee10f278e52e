#!/usr/bin/env bash
# openapi-generator's client for TypeScript reads a 202 as if it were the 200, so what only the 202 has is gone.
# Packages: org.openapitools:openapi-generator-cli 7.25.0 (Maven; target typescript-fetch), esbuild 0.28.1 (npm).
# A good guess: an operation that answers 200 with a result or 202 with a job gives either, by the status, and both types are named.
# Seen: the code tells the statuses apart, and reads both as the 200's type, which alone is named: a job's id is gone, also from what
# `getResultRaw().value()` gives. If the result has a required member, it is undefined where its type says that it is a string.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
mvn -q -B dependency:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=. >/dev/null 2>&1
generate() { java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar openapi-generator-cli-7.25.0.jar generate -i api.json -g "$1" -o "$2" >/dev/null 2>&1; }
npm init -y >/dev/null
npm install --silent --no-audit --no-fund esbuild@0.28.1
cat > api.json <<'JSON'
{
  "openapi": "3.1.0", "info": { "title": "x", "version": "1" },
  "paths": { "/result": { "get": { "operationId": "getResult", "responses": {
    "200": { "description": "the result", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Result" } } } },
    "202": { "description": "not yet", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Job" } } } }
  } } } },
  "components": { "schemas": {
    "Job": { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
    "Result": { "type": "object", "required": ["output"], "properties": { "output": { "type": "string" } } }
  } }
}
JSON
generate typescript-fetch typescript
cat > look.ts <<'TS'
import { createServer } from "node:http";
import { Configuration, DefaultApi } from "./typescript/index";

const answers: [number, object][] = [
  [200, { output: "a cat" }],
  [202, { id: "job-1" }],
];
let answer: [number, object];
const server = createServer((request, response) => response.writeHead(answer[0], { "content-type": "application/json" }).end(JSON.stringify(answer[1])));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const api = new DefaultApi(new Configuration({ basePath: `http://127.0.0.1:${(server.address() as { port: number }).port}` }));
const seen: string[] = [];
for (answer of answers) {
  const whole = JSON.stringify(await api.getResult());
  const raw = JSON.stringify(await (await api.getResultRaw()).value());
  console.log(`${answer[0]} ${JSON.stringify(answer[1])} is read as ${whole}, and raw as ${raw}`);
  seen.push(whole, raw);
}
const output = '{"output":"a cat"}';
process.exit(seen.join() === [output, output, "{}", "{}"].join() ? 0 : 1);
TS
npx esbuild look.ts --bundle --format=esm --platform=node --outfile=look.mjs --log-level=error
grep -o "async getResult(.*Promise<[A-Za-z |]*>" typescript/apis/DefaultApi.ts
node look.mjs
