#!/usr/bin/env bash
# inference.sh's JavaScript client waits without end for a task that is done when it is ordered, or whose stream ends before it does.
# Package: @inferencesh/sdk 0.6.54, bundled by esbuild 0.28.2 (npm).
# A good guess: `run` resolves with a task that the answer to its order calls completed, and asks again, or rejects, if the stream of a task
# ends in the middle, as at a server's restart. Seen: polls are looked at only where the status differs from the order's, so it polls for
# ever; the end of a stream is told to nobody, and the promise stays open. One refused poll rejects, whatever `maxReconnects` is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @inferencesh/sdk@0.6.54 esbuild@0.28.2
cat > look.js <<'JS'
import { createServer } from "node:http";
import { inference, TaskStatusCompleted, TaskStatusRunning } from "@inferencesh/sdk";

let first, end, refused, polls;
const server = createServer((request, response) => {
  const task = (status) => ({ id: "1", status, input: {}, output: status === TaskStatusCompleted ? { text: "a cat" } : null });
  const send = (code, data) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify({ data }));
  request.resume().on("end", () => {
    if (request.method === "POST") return send(200, task(first));
    if (request.url.endsWith("/stream")) {
      response.writeHead(200, { "content-type": "application/x-ndjson" });
      return response.end([TaskStatusRunning, ...end].map((status) => `${JSON.stringify({ data: task(status) })}\n`).join(""));
    }
    polls += 1;
    send(polls === 1 && refused ? 503 : 200, task(TaskStatusCompleted));
  });
});
server.listen(0, "127.0.0.1", async () => {
  const client = inference({ apiKey: "key", baseUrl: `http://127.0.0.1:${server.address().port}` });
  const late = () => new Promise((resolve) => setTimeout(resolve, 2000, "nothing in 2 s"));
  const seen = [];
  for (const [name, stream, ...how] of [
    ["polls", false, TaskStatusRunning, [], false],
    ["polls, the first is refused", false, TaskStatusRunning, [], true],
    ["a whole stream", true, TaskStatusRunning, [TaskStatusCompleted], false],
    ["a stream that ends early", true, TaskStatusRunning, [], false],
    ["polls, done at once", false, TaskStatusCompleted, [], false],
  ]) {
    [first, end, refused] = how;
    polls = 0;
    const told = client.tasks.run({ app: "a/b" }, {}, { stream, pollIntervalMs: 50, maxReconnects: 5 });
    const said = await Promise.race([told.then((task) => task.output.text, (error) => `rejects with ${error.statusCode}`), late()]);
    seen.push(said);
    console.log(`${name}: ${said}, after ${polls} polls`);
  }
  const wanted = ["a cat", "rejects with 503", "a cat", "nothing in 2 s", "nothing in 2 s"];
  process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
});
JS
./node_modules/.bin/esbuild look.js --bundle --platform=node --format=cjs --log-level=error --outfile=look.cjs
node look.cjs
