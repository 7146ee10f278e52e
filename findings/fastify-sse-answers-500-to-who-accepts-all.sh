#!/usr/bin/env bash
# @fastify/sse answers 500 to a client that accepts everything, leaves an id of 0 out, and ends a failed stream like a whole one.
# Package: @fastify/sse 0.6.0 (npm) with fastify 5.12.8.
# A good guess: a route of events sends them to who accepts anything, as curl and `fetch` do by default, and the first event of a log that counts from 0 has
# its id. Seen: without `text/event-stream` in `Accept` there is nothing to send events by, and the handler fails with a TypeError; ids and a `retry` of 0
# are not sent, so a client that was cut after the first event begins again; a handler or generator that throws later ends the answer without a sign.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit fastify@5.12.8 @fastify/sse@0.6.0
cat > look.mjs <<'JS'
import fastify from "fastify";
import sse from "@fastify/sse";

const app = fastify();
await app.register(sse);
app.get("/events", { sse: true }, async (request, reply) => {
  for (const id of [0, 1]) await reply.sse.send({ id, data: "x" });
});
app.get("/failure", { sse: true }, async (request, reply) => {
  await reply.sse.send({ data: "x" });
  throw new Error("no room on the GPU");
});
await app.listen({ host: "127.0.0.1", port: 0 });
async function read(path, accept) {
  const response = await fetch(`http://127.0.0.1:${app.server.address().port}${path}`, { headers: { Accept: accept } });
  const text = await response.text().catch((error) => error.message);
  return `${response.status} ${response.ok ? JSON.stringify(text) : JSON.parse(text).code}`;
}
const seen = {
  "accepts everything": await read("/events", "*/*"),
  "accepts events": await read("/events", "text/event-stream"),
  "the handler throws": await read("/failure", "text/event-stream"),
};
console.log(seen);
const x = 'data: \\"x\\"\\n\\n';
process.exit(Object.values(seen).join() === ["500 FST_ERR_SSE_LEGACY_MISUSE", `200 "${x}id: 1\\n${x}"`, `200 "${x}"`].join() ? 0 : 1);
JS
node look.mjs
