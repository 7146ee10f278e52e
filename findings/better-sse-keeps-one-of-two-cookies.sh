#!/usr/bin/env bash
# better-sse sends the last of several `Set-Cookie` headers alone.
# Package: better-sse 0.16.1 (npm).
# A good guess: the headers that a handler has set before it makes the session go out as they were, as with `res.writeHead`. Seen: they are
# put into an object with one value for each name. Of two cookies, as a login and a load balancer's for the stream, the first is not sent, and
# nothing tells of it; the `headers` option, whose documentation takes a list for a name, loses it likewise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund better-sse@0.16.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createResponse, createSession } from "better-sse";

const cookies = ["session=1", "route=2"];
const ways = {
  "/plain": async (request, response) => response.setHeader("set-cookie", cookies).end("plain"),
  "/before": async (request, response) => {
    response.setHeader("set-cookie", cookies);
    (await createSession(request, response)).push("x");
    response.end();
  },
  "/option": async (request, response) => {
    (await createSession(request, response, { headers: { "Set-Cookie": cookies } })).push("x");
    response.end();
  },
};
const server = createServer((request, response) => ways[request.url](request, response));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const seen = [];
for (const path of Object.keys(ways)) {
  const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`);
  await response.text();
  seen.push(response.headers.getSetCookie().join());
  console.log(`Node, ${path.slice(1)}: ${seen.at(-1)}`);
}
const made = createResponse(new Request("http://host/"), { headers: { "Set-Cookie": cookies } }, (session) => session.push("x"));
seen.push(made.headers.getSetCookie().join());
console.log(`by fetch's own Response: ${seen.at(-1)}`);
process.exit(JSON.stringify(seen) === JSON.stringify(["session=1,route=2", "route=2", "route=2", "session=1,route=2"]) ? 0 : 1);
JS
node look.mjs
