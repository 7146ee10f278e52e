#!/usr/bin/env bash
# @cloudflare/ai-utils makes tools of an OpenAPI document that hide a request's body, and send `[object Object]` in the query.
# Package: @cloudflare/ai-utils 1.0.1 (npm); node 24.21.0 (npm). A good guess: the tool that `createToolsFromOpenAPISpec` makes of a POST has
# the members of its JSON body, and what the path and the body require, among its parameters, and a call by these parameters asks for just
# the URL that they name. Seen: the parameters name the path alone, and nothing as required; a POST goes out with `Content-Type:
# application/json` and no body, its members in the query. A call that has nothing but a path, as the parameters say, gets the query
# `path=[object Object]&query=[object Object]`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 @cloudflare/ai-utils@1.0.1
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { createToolsFromOpenAPISpec } from "@cloudflare/ai-utils";

const asked = [];
const server = createServer(async (request, response) => {
  const { method, url, headers } = request;
  asked.push(`${method} ${url} of ${headers["content-type"]}: "${await text(request)}"`);
  response.writeHead(202, { "content-type": "application/json" }).end("{}");
}).listen(0, "127.0.0.1");
await once(server, "listening");

const schema = { type: "object", properties: { prompt: { type: "string" } }, required: ["prompt"] };
const requestBody = { required: true, content: { "application/json": { schema } } };
const responses = { 202: { description: "Accepted" } };
const model = { name: "model", in: "path", required: true, schema: { type: "string" } };
const paths = {
  "/models/{model}/jobs": { post: { operationId: "submit", summary: "Submit", parameters: [model], requestBody, responses } },
  "/jobs": { post: { operationId: "plain", summary: "Submit", requestBody, responses } },
  "/models/{model}": { get: { operationId: "show", summary: "Show", parameters: [model], responses } },
};
const servers = [{ url: `http://127.0.0.1:${server.address().port}` }];
const document = { openapi: "3.0.3", info: { title: "Jobs", version: "1" }, servers, paths };
const [submit, plain, show] = await createToolsFromOpenAPISpec(JSON.stringify(document));
const told = [submit, plain, show].map(({ parameters }) => JSON.stringify(parameters));
await plain.function({ prompt: "Hello" });
await show.function({ path: { model: "m" } });
server.closeAllConnections();
server.close();
console.log(`submit is told as ${told[0]}\nplain is told as ${told[1]}, and sends ${asked[0]}\nshow is told as ${told[2]}, and sends ${asked[1]}`);
const withPath = '{"type":"object","properties":{"path":{"type":"object","properties":{"model":{"type":"string"}},"required":[]}},"required":[]}';
const asSeen =
  told[0] === withPath &&
  told[1] === '{"type":"object","properties":{},"required":[]}' &&
  told[2] === withPath &&
  asked[0].includes("POST /jobs?prompt=Hello&") &&
  asked[0].endsWith(' of application/json: ""') &&
  asked[1] === 'GET /models/m?path=%5Bobject+Object%5D&query=%5Bobject+Object%5D of undefined: ""';
process.exit(asSeen ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
