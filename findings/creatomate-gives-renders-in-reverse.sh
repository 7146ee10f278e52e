#!/usr/bin/env bash
# Creatomate's client gives the renders of one order in reverse, a failed one among them, and gives all up if one poll is refused.
# Package: creatomate 1.2.1 (npm), against a server here.
# A good guess: `render` resolves with the renders in the order in which the answer to the order named them, rejects if one failed, and asks
# again after a 503. Seen: they come in the order in which polls found them done, which begins at the last, so the first picture is under the
# last one's name where ids are not compared; "failed" is a result like any; and a 503 rejects with an error without a status and an id.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund creatomate@1.2.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { Client } = createRequire(import.meta.url)("creatomate");
const states = { wide: "succeeded", square: "failed", tall: "succeeded" };
let refused;
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.method === "POST") return send(202, Object.keys(states).map((id) => ({ id, status: "planned" })));
    if (refused) return send(503, { message: "try again" });
    const id = request.url.split("/").pop();
    send(200, { id, status: states[id], error_message: states[id] === "failed" ? "no source" : undefined });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new Client("key");
// The client's address is fixed; here it is this server's.
client.httpClient.defaults.baseURL = `http://127.0.0.1:${server.address().port}`;
const seen = [];
for (refused of [false, true]) {
  const told = client.render({ templateId: "t", modifications: { "Title.text": "x" } });
  const said = await told.then(
    (renders) => renders.map(({ id, status }) => `${id} ${status}`).join(),
    (error) => `${error.constructor.name}: ${JSON.stringify({ ...error })} ${error.message}`.trim(),
  );
  seen.push(said);
  console.log(`${refused ? "a poll is refused" : "every poll is answered"}: ${said}`);
}
const hidden = seen[1].startsWith("CreatomateError") && !/503|wide|square|tall/.test(seen[1]);
process.exit(seen[0] === "tall succeeded,square failed,wide succeeded" && hidden ? 0 : 1);
JS
node look.mjs
