#!/usr/bin/env bash
# ComfyDeploy's JavaScript client asks on for five minutes for a run that has failed, and gives null for one that was refused.
# Package: comfydeploy 0.0.19 (npm).
# A good guess: `runSync` ends at the first poll that says "failed" or "timeout", and throws or returns the run; a refused order throws with
# its status. Seen: no status but "success" ends its loop of 300 polls, one a second; the run is returned then, as if it had been waited
# for. An order that is refused with a 402 is null, and its reason is nowhere but in the log.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund comfydeploy@0.0.19
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { ComfyDeployClient } from "comfydeploy";

let status, order;
const polls = {};
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.method === "POST") return order === 200 ? send(200, { run_id: status }) : send(order, { error: "no credit" });
    const id = request.url.split("=")[1];
    polls[id] = (polls[id] ?? 0) + 1;
    send(200, { id, status: id, outputs: [] });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new ComfyDeployClient({ apiBase: `http://127.0.0.1:${server.address().port}`, apiToken: "key" });
const logged = [];
console.error = (...words) => logged.push(words.join(" "));
const seen = [];
for ([status, order] of [["success", 200], ["failed", 200], ["timeout", 200], ["", 402]]) {
  const run = client.runSync({ deployment_id: "d", inputs: {} });
  const said = await Promise.race([run, new Promise((resolve) => setTimeout(resolve, 3500, "nothing in 3.5 s"))]);
  seen.push(`${said?.status ?? said} ${Math.min(polls[status] ?? 0, 3)}`);
  console.log(`a run that is ${status || "refused"}: ${said?.status ?? said}, after ${polls[status] ?? 0} polls; logged: ${logged.splice(0)}`);
}
// The two runs that have failed are still asked for.
const wanted = ["success 1", "nothing in 3.5 s 3", "nothing in 3.5 s 3", "null 0"];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs
