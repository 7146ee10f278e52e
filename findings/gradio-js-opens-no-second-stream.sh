#!/usr/bin/env bash
# Gradio's JavaScript client waits for ever for each further job once its stream of events has ended.
# Package: @gradio/client 2.7.0 (npm).
# A good guess: if a proxy ends the stream, the client opens it again for the next job, and reports the job that was under way as failed.
# Seen: a stream that ends before the result leaves predict() waiting for ever. If it ends behind the result, but without the message
# `close_stream`, or its connection breaks, that job is answered. In all three cases no later job of the client has its stream opened: it
# is submitted, the server computes it, and predict() never returns.
set -euo pipefail
cd "$(mktemp -d)"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @gradio/client@2.7.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "@gradio/client";

console.error = () => {};
const text = { type: "string" };
const kind = { label: "x", type: text, python_type: { type: "str", description: "" }, component: "Textbox" };
const takes = { ...kind, parameter_name: "x", parameter_has_default: false, parameter_default: null, example_input: "x" };
const types = { generator: false, cancel: false };
const dependency = { id: 0, api_name: "predict", inputs: [1], outputs: [1], targets: [], backend_fn: true, queue: true, types, api_visibility: "public" };
const component = { id: 1, type: "textbox", props: {}, skip_api: false, api_info: text };
const config = { version: "6.0.0", api_prefix: "/gradio_api", protocol: "sse_v3", components: [component], dependencies: [dependency] };
const info = { named_endpoints: { "/predict": { parameters: [takes], returns: [kind], show_api: true } }, unnamed_endpoints: {} };

const event = (message) => `data: ${JSON.stringify({ event_id: `job-${jobs}`, ...message })}\n\n`;
const result = () => event({ msg: "process_completed", output: { data: ["done"], is_generating: false, duration: 1 }, success: true });
const ways = {
  "as Gradio ends it": (response) => response.end(result() + event({ msg: "close_stream" })),
  "behind the result": (response) => response.end(result()),
  "before the result": (response) => response.end(event({ msg: "process_starts", eta: 1 })),
  "with its connection": async (response) => {
    response.write(event({ msg: "process_starts", eta: 1 }));
    await sleep(100);
    response.socket.destroy();
  },
};
let jobs;
let streams;
let way;
const server = createServer((request, response) => {
  const path = request.url.split("?")[0];
  const json = (value) => response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
  if (path.endsWith("/queue/join")) {
    jobs++;
    json({ event_id: `job-${jobs}` });
  } else if (path.endsWith("/queue/data")) {
    streams++;
    response.writeHead(200, { "content-type": "text/event-stream" });
    (streams === 1 ? ways[way] : ways["as Gradio ends it"])(response);
  } else if (path.endsWith("/info")) json(info);
  else json({ ...config, root: `http://${request.headers.host}` });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

async function outcome(client) {
  const answer = client.predict("/predict", ["x"]).then(
    ({ data }) => data[0],
    () => "error",
  );
  return Promise.race([answer, sleep(3_000, "waits")]);
}
const seen = {};
for (way of Object.keys(ways)) {
  jobs = 0;
  streams = 0;
  const client = await Client.connect(`http://127.0.0.1:${server.address().port}`);
  seen[way] = [await outcome(client), await outcome(client), jobs, streams];
  console.log(`the stream ends ${way}: first job ${seen[way][0]}, next job ${seen[way][1]}; jobs ${jobs}, streams ${streams}`);
}
const expected = [["done", "done", 2, 2], ["done", "waits", 2, 1], ["waits", "waits", 2, 1], ["error", "waits", 2, 1]];
process.exit(JSON.stringify(Object.values(seen)) === JSON.stringify(expected) ? 0 : 1);
JS
node look.mjs
