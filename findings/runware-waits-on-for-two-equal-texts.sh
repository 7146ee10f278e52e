#!/usr/bin/env bash
# Runware's JavaScript client waits on for ten minutes if two results of a text are equal, or one is empty.
# Package: @runware/sdk-js 1.3.2 (npm).
# A good guess: `textInference` with `numberResults: 2` and `deliveryMethod: "async"` resolves once two results of its task are there. Seen:
# results are told apart by their text, so that a model which answers "yes" twice, as one that classifies does, has given one, and an empty
# text is none. The task is polled every two seconds for ten minutes, and then fails with a text that is no Error.
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
let texts, polls;
server.on("connection", (socket) => {
  const send = (data) => socket.send(JSON.stringify({ data }));
  socket.on("message", (message) => {
    for (const { taskType, taskUUID } of JSON.parse(message)) {
      if (taskType === "authentication") send([{ taskType, connectionSessionUUID: "session" }]);
      else if (taskType !== "getResponse") send([{ taskType, taskUUID }]);
      else {
        polls += 1;
        send(texts.map((text) => ({ taskType: "textInference", taskUUID, status: "success", text, finishReason: "stop" })));
      }
    }
  });
});
const runware = await RunwareServer.initialize({ apiKey: "key", url: `ws://127.0.0.1:${server.address().port}` });
const seen = [];
for (texts of [["yes", "no"], ["yes", "yes"], [""]]) {
  polls = 0;
  const messages = [{ role: "user", content: "Is it a cat?" }];
  const results = runware.textInference({ model: "m", messages, numberResults: texts.length, deliveryMethod: "async" });
  const said = await Promise.race([results, new Promise((resolve) => setTimeout(resolve, 7000, "nothing in 7 s"))]);
  seen.push(typeof said === "string" ? said : said.map(({ text }) => text).join());
  console.log(`${JSON.stringify(texts)}: ${seen.at(-1)}, after ${polls} polls`);
}
process.exit(JSON.stringify(seen) === JSON.stringify(["yes,no", "nothing in 7 s", "nothing in 7 s"]) && polls > 1 ? 0 : 1);
JS
node look.mjs
