#!/usr/bin/env bash
# A client of Restate's that an async function returns is a TypeError about options, and the function's caller gets no client.
# Package: @restatedev/restate-sdk-clients 1.17.2 (npm); node 24.21.0 (npm). A good guess: `await` of what is no promise gives the thing
# itself, so that a client can be made by an async function, which first fetches its address or a secret. Seen: each name that is read of a
# client is one of its service's handlers, `then` too. `await` calls it with two functions, and rejects with "The second argument must be
# either Opts or SendOpts" before anything is sent. The connection itself can be returned, and a client within an object.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 @restatedev/restate-sdk-clients@1.17.2
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "@restatedev/restate-sdk-clients";

const asked = [];
const server = createServer((request, response) => {
  asked.push(request.url);
  response.writeHead(200, { "content-type": "application/json" }).end('"done"');
}).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;

const seen = {};
const look = async (name, call) => {
  asked.length = 0;
  const words = await call().catch((error) => `${error.name}: ${error.message}`);
  seen[name] = `${words}, asked ${asked.join() || "nothing"}`;
  console.log(`${name}: ${seen[name]}`);
};
const make = (kind) => async () => connect({ url })[kind]({ name: "models" }, "key");
await look("plain", () => connect({ url }).serviceClient({ name: "models" }).infer({ prompt: "Hello" }));
await look("in an object", async () => {
  const { client } = await (async () => ({ client: connect({ url }).serviceClient({ name: "models" }) }))();
  return client.infer({ prompt: "Hello" });
});
for (const kind of ["serviceClient", "objectClient", "workflowClient"]) {
  await look(kind, async () => {
    const client = await make(kind)();
    return client.infer({ prompt: "Hello" });
  });
}
server.closeAllConnections();
server.close();
const good = "done, asked /models/infer";
const fault = "TypeError: The second argument must be either Opts or SendOpts, asked nothing";
const asSeen = [good, good, fault, fault, fault];
process.exit(Object.values(seen).join() === asSeen.join() ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
