#!/usr/bin/env bash
# Replicate's JavaScript client throws a ReferenceError for an output that can't be fetched, and fetches every file of an output unasked.
# Package: replicate 1.4.0 (npm). Node 20 or newer.
# A good guess: a FileOutput is fetched when it is read, and a file that is gone, as outputs are after an hour, rejects with the client's
# ApiError and the status 404. Seen: `run` starts to fetch each file at once, to its end, though the program wants no more than its URL; and
# who reads one that is refused gets "init is not defined", without a status, since the error is made of a name that is not there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund replicate@1.4.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import Replicate from "replicate";

const fetched = [];
const server = createServer((request, response) => {
  const output = ["https://files.example/1.png", "https://files.example/2.png"];
  const body = { id: "1", status: "succeeded", output, error: null, input: {}, urls: {}, version: "v", model: "o/m", logs: "" };
  request.resume().on("end", () => {
    if (request.method === "POST") return response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(body));
    fetched.push(request.url);
    if (request.url === "/2.png") return response.writeHead(404, { "content-type": "application/json" }).end('{"detail": "expired"}');
    response.writeHead(200, { "content-type": "image/png" }).end(Buffer.alloc(8_000_000));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
// The files lie on this server too.
const pending = [];
const throughHere = (to, options) => {
  const answer = fetch(String(to).replace("https://files.example", url), options);
  pending.push(answer);
  return answer;
};
const replicate = new Replicate({ auth: "key", baseUrl: `${url}/v1`, fetch: throughHere });
const [good, gone] = await replicate.run("o/m", { input: {} });
console.log(`the program asks for ${good.url().pathname}, and reads nothing`);
await Promise.all(pending);
const unasked = [...fetched].sort();
console.log(`fetched by then: ${unasked}`);
const said = await gone.blob().then(() => "nothing", (error) => `${error.name}: ${error.message}, status ${error.response?.status}`);
console.log(`reading the file that is gone throws ${said}`);
process.exit(unasked.join() === "/1.png,/2.png" && said === "ReferenceError: init is not defined, status undefined" ? 0 : 1);
JS
node look.mjs
