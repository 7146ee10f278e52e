#!/usr/bin/env bash
# @stable-canvas/comfyui-client takes a queue that it could not read for one in which its prompt is done.
# Package: @stable-canvas/comfyui-client 1.5.9 (npm).
# A good guess: a poll that meets a gateway's 502, or a connection that breaks off, is tried again, or rejects with what was met. Seen: the
# poll that failed is an empty queue, with a line in the log; so the prompt, which runs on, counts as done, is not found in the history yet, and
# is given up by "not found". Asked for later, its pictures are there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @stable-canvas/comfyui-client@1.5.9
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { Client } = createRequire(import.meta.url)("@stable-canvas/comfyui-client");
let polls, gateway;
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  const path = request.url.split("?")[0].replace(/^\/api/, "");
  request.resume().on("end", () => {
    if (path === "/prompt") return send(200, { prompt_id: "1", number: 1, node_errors: {} });
    if (path === "/queue") {
      polls += 1;
      if (gateway && polls === 2) return response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
      return send(200, { queue_running: polls < 4 ? [[1, "1", {}, {}, []]] : [], queue_pending: [] });
    }
    const outputs = { 9: { images: [{ filename: "1.png", subfolder: "", type: "output" }] } };
    send(200, polls < 4 ? {} : { 1: { prompt: [1, "1", {}, {}, []], outputs, status: { status_str: "success", completed: true } } });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new Client({ api_host: `127.0.0.1:${server.address().port}`, clientId: "me", fetch });
console.error = () => {};
const seen = [];
const count = ({ images }) => `${images.length} picture`;
for (gateway of [false, true]) {
  polls = 0;
  const said = await client.enqueue_polling({}, { polling_ms: 10 }).then(count, (error) => error.message);
  const asked = polls;
  polls = 4;
  const later = await client.getPromptResult("1").then(count);
  seen.push(`${said} ${asked} ${later}`);
  console.log(`${gateway ? "with one 502" : "without a 502"}: ${said}, after ${asked} polls; asked for later: ${later}`);
}
process.exit(seen.join() === "1 picture 4 1 picture,Prompt [1] not found in history 2 1 picture" ? 0 : 1);
JS
node look.mjs
