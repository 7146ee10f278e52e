#!/usr/bin/env bash
# openapi-fetch gives no error for a 503 without a body.
# Package: openapi-fetch 0.17.0 (npm).
# A good guess: `if (error)`, as its documentation writes it, sees every status above 299, whatever the body.
# Seen: `error` is what the body says: "" for an empty one, undefined for one of `Content-Length: 0`, and null for `null`, with `data`
# undefined in each case. Proxies, load balancers and health routes of model servers (Triton's 400) send such answers. `response.ok` tells.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund openapi-fetch@0.17.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import createClient from "openapi-fetch";

let answer;
const server = createServer((_, response) => answer(response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = createClient({ baseUrl: `http://127.0.0.1:${server.address().port}` });
const answers = {
  "a reason": (response) => response.writeHead(503).end('{"detail":"busy"}'),
  "an empty body": (response) => {
    response.writeHead(503);
    response.flushHeaders();
    response.end();
  },
  "Content-Length: 0": (response) => response.writeHead(503, { "content-length": "0" }).end(),
  null: (response) => response.writeHead(503, { "content-type": "application/json" }).end("null"),
};
const seen = [];
for (const name of Object.keys(answers)) {
  answer = answers[name];
  const { data, error, response } = await client.GET("/jobs/1");
  seen.push(error ? "an error" : "no error");
  console.log(`503 with ${name}: error ${JSON.stringify(error)}, data ${data}, response.ok ${response.ok}: if (error) sees ${seen.at(-1)}`);
}
process.exit(JSON.stringify(seen) === '["an error","no error","no error","no error"]' ? 0 : 1);
JS
node look.mjs
