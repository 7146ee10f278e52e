#!/usr/bin/env bash
# replicate-api says that a prediction timed out which it has just read as succeeded, and gives one up for a single refused poll.
# Package: replicate-api 0.4.5 (npm).
# A good guess: `poll(timeout)` returns what its last look has seen, and a 502 from a proxy is tried again, or at least told with its status.
# Seen: it sleeps past its timeout, asks once more, and throws "Prediction timed out" whatever the answer was: the output that it has in
# hand is gone. A refused poll whose body is no JSON is a SyntaxError without a status, and one refusal ends the wait for an hour's job.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund replicate-api@0.4.5
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { predict } from "replicate-api";

let answers, told;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    const status = request.method === "POST" ? "starting" : (answers.shift() ?? "succeeded");
    told.push(status);
    if (status === 502) return response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad Gateway</h1>");
    const value = { id: "1", version: "v", input: {}, status, output: status === "succeeded" ? "the output" : null };
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const options = { version: "v", input: {}, token: "t", apiUrl: `http://127.0.0.1:${server.address().port}/` };
const seen = [];
for (const [name, list, timeout] of [
  ["done at the second poll, 60 s to wait", ["processing", "succeeded"], 60000],
  ["done at the second poll, half a second to wait", ["processing", "succeeded"], 500],
  ["one poll refused by a proxy", [502, "succeeded"], 60000],
]) {
  [answers, told] = [[...list], []];
  const prediction = await predict(options);
  const said = await prediction.poll(timeout).then(
    ({ output }) => output,
    (error) => `${error.name}${error.name === "Error" ? `: ${error.message}` : ""}`,
  );
  seen.push(`${told.slice(1).join("+")} ${said}`);
  console.log(`${name}: it was told ${told.slice(1).join(", ")}, and gives ${said}`);
}
const wanted = ["processing+succeeded the output", "processing+succeeded Error: Prediction timed out", "502 SyntaxError"];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs
