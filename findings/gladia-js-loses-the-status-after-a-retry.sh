#!/usr/bin/env bash
# Gladia's JavaScript client throws an error without a status once it has tried again, and tries again before the time of `Retry-After`.
# Package: @gladiaio/sdk 2.1.0 (npm); node 24.21.0 (npm).
# A good guess: a 404 is an HttpError with `status` 404 and the server's words, also if the attempt before was a 503; a 429 with
# `Retry-After: 3` waits three seconds. Seen: after a retry it is a plain Error "failed after 2 attempts" without a status, whose words are two causes
# down, so a poll of a job that is gone can't be told from a server that is down. The pause is half a second, whatever the header says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 @gladiaio/sdk@2.1.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { GladiaClient } from "@gladiaio/sdk";

let answers;
let times;
const server = createServer((request, response) => {
  times.push(Date.now());
  const status = answers[times.length - 1];
  const body = status === 200 ? { id: "1", status: "queued" } : { statusCode: status, message: "no such job" };
  response.writeHead(status, { "content-type": "application/json", "retry-after": "3" }).end(JSON.stringify(body));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new GladiaClient({ apiKey: "key", apiUrl: `http://127.0.0.1:${server.address().port}` }).preRecorded();
const seen = [];
for (answers of [[404], [503, 404], [429, 200]]) {
  times = [];
  const said = await client.get("1").catch((error) => error);
  const early = times.length > 1 && times[1] - times[0] < 2500;
  seen.push(`${said.name} ${said.status} ${/no such job/.test(said.message)} ${early}`);
  console.log(`${answers.join(", then ")}: ${said.name ?? "answered"}, status ${said.status}; again before Retry-After: ${early}`);
}
server.close();
process.exit(seen.join() === "HttpError 404 true false,Error undefined false true,undefined queued false true" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
