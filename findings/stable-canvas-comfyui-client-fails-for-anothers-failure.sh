#!/usr/bin/env bash
# @stable-canvas/comfyui-client fails a prompt for another one's failure, and gives the pictures of the first output node for all.
# Packages: @stable-canvas/comfyui-client 1.5.9, ws 8.23.0 (npm).
# A good guess: `enqueue` settles by the events that name its own prompt: it resolves at the prompt's `execution_success`, with the
# pictures of each output node, and rejects at its own `execution_error`. Seen: the first `executed` resolves it, so the second node's
# pictures are lost; and the error of any prompt of the client rejects every one that waits, though theirs go on and succeed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @stable-canvas/comfyui-client@1.5.9 ws@8.23.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { WebSocket, WebSocketServer } from "ws";

const { Client } = createRequire(import.meta.url)("@stable-canvas/comfyui-client");
let socket;
const tell = (type, prompt_id, data) => socket.send(JSON.stringify({ type, data: { prompt_id, ...data } }));
const picture = (name) => ({ output: { images: [{ filename: name, subfolder: "", type: "output" }] } });
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const id = body === "" ? "" : JSON.parse(body).prompt.id;
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ prompt_id: id, number: 1, node_errors: {} }));
});
new WebSocketServer({ server }).on("connection", (one) => {
  socket = one;
  socket.send(JSON.stringify({ type: "status", data: { status: { exec_info: { queue_remaining: 0 } }, sid: "me" } }));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new Client({ api_host: `127.0.0.1:${server.address().port}`, clientId: "me", WebSocket, fetch });
client.connect({ websocket: { enabled: true } });
while (socket === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
const wait = (id) =>
  client.enqueue({ id }, { timeout_ms: 5000 }).then(
    ({ images }) => images.map((image) => new URL(image.data).searchParams.get("filename")).join(),
    (error) => error.message,
  );
const pause = () => new Promise((resolve) => setTimeout(resolve, 300));
const seen = [];
const both = wait("both");
await pause();
tell("executed", "both", { node: "8", ...picture("first.png") });
tell("executed", "both", { node: "9", ...picture("second.png") });
tell("execution_success", "both");
seen.push(await both);
console.log(`a prompt with two output nodes: ${seen[0]}`);
const [good, bad] = [wait("good"), wait("bad")];
await pause();
tell("execution_error", "bad", { node_id: "3", exception_message: "out of memory", exception_type: "MemoryError" });
await pause();
tell("executed", "good", { node: "9", ...picture("good.png") });
tell("execution_success", "good");
seen.push(await good, await bad);
console.log(`a good prompt beside one that fails: ${seen[1]}; the one that fails: ${seen[2]}`);
const failed = "Execution error: out of memory (MemoryError)";
process.exit(seen.join() === ["first.png", failed, failed].join() ? 0 : 1);
JS
node look.mjs
