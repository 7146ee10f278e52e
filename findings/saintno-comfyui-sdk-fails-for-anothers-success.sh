#!/usr/bin/env bash
# @saintno/comfyui-sdk gives a prompt up as failed when another prompt of the same client succeeds.
# Packages: @saintno/comfyui-sdk 0.3.1, ws 8.23.0 (npm).
# A good guess: of two prompts that one client has ordered, each settles by the events that name it, as the sibling events for an error and
# an interruption are told apart. Seen: the first `execution_success` counts for all that wait, so the one that still runs is false, with
# "Execution failed", and its pictures, which come a moment later, are lost. Alone, each succeeds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @saintno/comfyui-sdk@0.3.1 ws@8.23.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { WebSocketServer } from "ws";

const { CallWrapper, ComfyApi, PromptBuilder } = createRequire(import.meta.url)("@saintno/comfyui-sdk");
const running = new Set();
let socket;
const tell = (type, data) => socket.send(JSON.stringify({ type, data }));
const server = createServer(async (request, response) => {
  let body = "";
  for await (const part of request) body += part;
  const send = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  const path = request.url.split("?")[0];
  if (path === "/system_stats") return send({ system: { os: "posix" }, devices: [] });
  if (path === "/queue") return send({ queue_running: [...running].map((id) => [1, id, {}, {}, []]), queue_pending: [] });
  if (path !== "/prompt" || request.method === "GET") return send({});
  const { id } = JSON.parse(body).prompt["1"].inputs;
  running.add(id);
  send({ prompt_id: id, number: 1, node_errors: {} });
});
new WebSocketServer({ server }).on("connection", (one) => {
  socket = one;
  tell("status", { status: { exec_info: { queue_remaining: 0 } }, sid: "me" });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const api = new ComfyApi(`http://127.0.0.1:${server.address().port}`, "me");
await api.init().waitForReady();
const pause = () => new Promise((resolve) => setTimeout(resolve, 500));
async function order(id) {
  const builder = new PromptBuilder({ 1: { inputs: { id }, class_type: "SaveImage" } }, [], ["images"]).setOutputNode("images", "1");
  let reason = "no reason";
  const result = await new CallWrapper(api, builder).onFailed((error) => (reason = error.message)).run();
  return result === false ? `failed, ${reason}` : result.images.images[0].filename;
}
function finish(id) {
  tell("executed", { node: "1", prompt_id: id, output: { images: [{ filename: `${id}.png` }] } });
  tell("execution_success", { prompt_id: id });
}
const seen = [];
for (const ids of [["alone"], ["first", "second"]]) {
  const results = ids.map(order);
  await pause();
  for (const id of ids) tell("executing", { node: "1", prompt_id: id });
  for (const id of ids) {
    await pause();
    finish(id);
  }
  seen.push((await Promise.all(results)).join("; "));
  console.log(`${ids}: ${seen.at(-1)}`);
}
process.exit(seen.join() === "alone.png,first.png; failed, Execution failed" ? 0 : 1);
JS
timeout 40 node look.mjs
