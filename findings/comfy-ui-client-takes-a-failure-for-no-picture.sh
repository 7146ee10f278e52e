#!/usr/bin/env bash
# comfy-ui-client gives no pictures and no error for a prompt that failed in ComfyUI, and waits without end for one that is done at once.
# Package: comfy-ui-client 0.1.2 (npm).
# A good guess: `getImages` rejects with the reason of an `execution_error`, checks the status of each picture, and listens before it sends
# the prompt. Seen: the error is passed over, and `{}` comes with the end of the prompt; the page of a 404 is a picture's Blob; and a prompt
# whose end comes before the answer to its order, as for one that ComfyUI has in its cache, is never resolved.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund comfy-ui-client@0.1.2
cat > look.cjs <<'JS'
const { createServer } = require("node:http");
const { ComfyUIClient } = require("comfy-ui-client");
const { WebSocketServer } = require("ws");

let socket, failed, first;
const tell = (type, data) => socket.send(JSON.stringify({ type, data: { ...data, prompt_id: "1" } }));
function run() {
  if (failed) tell("execution_error", { node_id: "3", exception_message: "out of memory" });
  tell("executing", { node: null });
}
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  const answer = () => send(200, { prompt_id: "1", number: 1, node_errors: {} });
  request.resume().on("end", () => {
    if (request.url.startsWith("/view")) return send(404, { detail: "no such picture" });
    const outputs = failed ? {} : { 9: { images: [{ filename: "1.png", subfolder: "", type: "output" }] } };
    if (request.method === "GET") return send(200, { 1: { outputs, status: { status_str: failed ? "error" : "success", completed: !failed } } });
    if (first === "end") run();
    setTimeout(first === "end" ? answer : run, 200);
    if (first === "answer") answer();
  });
});
new WebSocketServer({ server }).on("connection", (one) => (socket = one));
server.listen(0, "127.0.0.1", async () => {
  const client = new ComfyUIClient(`127.0.0.1:${server.address().port}`, "me");
  await client.connect();
  const seen = [];
  for ([failed, first] of [[true, "answer"], [false, "answer"], [false, "end"]]) {
    const images = await Promise.race([client.getImages({}), new Promise((resolve) => setTimeout(resolve, 3000, "nothing in 3 s"))]).catch(String);
    const picture = typeof images === "object" && images[9] ? await images[9][0].blob.text() : images;
    seen.push(JSON.stringify(picture));
    console.error(`${failed ? "a prompt that failed" : "one whose picture is gone"}, the ${first} comes first: ${seen.at(-1)}`);
  }
  const wanted = [{}, '{"detail":"no such picture"}', "nothing in 3 s"].map((value) => JSON.stringify(value));
  process.exit(seen.join() === wanted.join() ? 0 : 1);
});
JS
node look.cjs >log
