#!/usr/bin/env bash
# Runware's JavaScript client gives two pictures of three as if they were all, throws the one of two away, and leaves a seed of 0 out.
# Package: @runware/sdk-js 1.3.2 (npm).
# A good guess: if not all pictures come, even when the rest is ordered once more, `requestImages` rejects with an Error that has those that
# came, or resolves with them in both cases. Seen: from two pictures on it resolves, with too few and no word; a single one is thrown away,
# though it is paid for, and what is thrown is a text. `seed: 0` is not sent, so the pictures are random.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @runware/sdk-js@1.3.2
cat > look.mjs <<'JS'
import { RunwareServer } from "@runware/sdk-js";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
await new Promise((resolve) => server.on("listening", resolve));
let left, orders;
server.on("connection", (socket) => {
  const send = (data) => socket.send(JSON.stringify({ data }));
  socket.on("message", (message) => {
    for (const { taskType, taskUUID, numberResults, seed } of JSON.parse(message)) {
      if (taskType === "authentication") send([{ taskType, connectionSessionUUID: "session" }]);
      if (taskType !== "imageInference") continue;
      orders.push([numberResults, seed]);
      for (; left > 0; left--) send([{ taskType, taskUUID, imageUUID: `image-${left}`, imageURL: "https://a.example/1.png" }]);
    }
  });
});
const url = `ws://127.0.0.1:${server.address().port}`;
const runware = await RunwareServer.initialize({ apiKey: "key", url, timeoutDuration: 1000, globalMaxRetries: 2 });
const seen = [];
for (const [numberResults, come] of [[2, 2], [3, 2], [2, 1]]) {
  [left, orders] = [come, []];
  const said = await runware.requestImages({ model: "m", positivePrompt: "x", width: 512, height: 512, seed: 0, numberResults }).then(
    (images) => `${images.length} pictures`,
    (error) => `throws a ${typeof error}`,
  );
  const seeds = orders.filter(([, seed]) => seed !== undefined).length;
  seen.push(`${said} ${orders.map(([count]) => count)} ${seeds}`);
  console.log(`${come} of ${numberResults} come: ${said}; ordered: ${orders.map(([count]) => count)}; orders with a seed: ${seeds}`);
}
process.exit(seen.join() === "2 pictures 2 0,2 pictures 3,1 0,throws a string 2,1 0" ? 0 : 1);
JS
node look.mjs
