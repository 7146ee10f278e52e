#!/usr/bin/env bash
# The OpenTelemetry wrapper for Workers takes the delay away from a message's `retry`, and tells of a batch that failed as a success.
# Packages: @microlabs/otel-cf-workers 0.9.1, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: to instrument a Worker changes nothing of what it does. Seen: `message.retry({ delaySeconds: 4 })` has the message back
# within milliseconds, since the call is handed on without its options. An async `queue` handler that throws has a span that says that all
# messages succeeded, and a `fetch` that throws has no span at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 @microlabs/otel-cf-workers@0.9.1
cat > worker.js <<'JS'
import { instrument } from "@microlabs/otel-cf-workers";

const came = [];
const handler = {
  async fetch(request, { QUEUE }) {
    if (request.url.endsWith("/came")) return Response.json(came);
    await fetch("http://127.0.0.1:1/").catch(() => {});
    for (const body of ["later", "fails"]) await QUEUE.send(body);
    return new Response("sent");
  },
  async queue({ messages: [message] }) {
    if (message.body === "fails") throw new Error("out of memory");
    came.push(Date.now());
    if (message.attempts === 1) message.retry({ delaySeconds: 4 });
  },
};
const instrumented = (env) => instrument(handler, { exporter: { url: env.COLLECTOR }, service: { name: "look" } });
export default {
  fetch: (request, env, ctx) => (env.PLAIN ? handler : instrumented(env)).fetch(request, env, ctx),
  queue: (batch, env, ctx) => (env.PLAIN ? handler : instrumented(env)).queue(batch, env, ctx),
};
JS
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const spans = [];
const collector = createServer(async (request, response) => {
  const { resourceSpans } = JSON.parse(Buffer.concat(await request.toArray()));
  spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
  response.end("{}");
});
await new Promise((resolve) => collector.listen(0, "127.0.0.1", resolve));
const options = { entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false, external: ["cloudflare:workers", "node:*"] };
const { outputFiles } = await build(options);
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const pauses = [];
for (const PLAIN of [true, false]) {
  const bindings = { PLAIN, COLLECTOR: `http://127.0.0.1:${collector.address().port}/v1/traces` };
  const queues = { queueProducers: { QUEUE: { queueName: "jobs" } }, queueConsumers: { jobs: { maxBatchTimeout: 0, maxBatchSize: 1, maxRetries: 1 } } };
  const worker = { name: "look", compatibilityDate: "2026-10-01", compatibilityFlags: ["nodejs_compat"], modules, bindings, ...queues };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
  await miniflare.dispatchFetch("http://127.0.0.1/");
  let came = [];
  while (came.length < 2) {
    await setTimeout(250);
    came = await (await miniflare.dispatchFetch("http://127.0.0.1/came")).json();
  }
  pauses.push(came[1] - came[0]);
  await setTimeout(1000);
  await miniflare.dispose();
}
console.log(`a message to be retried in 4 s: plain after ${pauses[0]} ms, instrumented after ${pauses[1]} ms`);
const batches = spans.filter(({ name }) => name.startsWith("queueHandler"));
const failed = batches.filter(({ attributes }) => attributes.some(({ key, value }) => key === "queue.implicitly_acked" && value.intValue === 1));
const success = failed.filter(({ attributes }) => attributes.some(({ key, value }) => key === "queue.batch_success" && value.boolValue));
const codes = new Set(batches.map(({ status }) => status.code));
const calls = spans.filter(({ name }) => name.startsWith("fetch:"));
console.log(`batches: ${batches.length}, of which none is an error: ${!codes.has(2)}; left to themselves and told as a success: ${success.length}`);
console.log("spans of the fetch that threw:", calls.length);
process.exit(pauses[0] > 3500 && pauses[1] < 2000 && success.length > 0 && !codes.has(2) && calls.length === 0 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs 2>errors.txt || { cat errors.txt; exit 1; }
