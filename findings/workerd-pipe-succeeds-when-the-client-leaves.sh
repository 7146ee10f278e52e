#!/usr/bin/env bash
# `pipeTo` of workerd resolves when the client has left, as if all had been sent.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: a body that is piped through a TransformStream into an answer
# rejects when its client breaks off, as the standard has it for a destination that fails, so `pipeTo(…).then(…)` is where a Worker
# notes that an answer was sent whole. Seen: it resolves, of a source without end. Who writes to the same stream by a writer
# has a rejection, with `undefined` for its reason; an IdentityTransformStream gives an Error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { connect } from "node:net";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `const seen = {};
const chunk = new TextEncoder().encode("chunk");
const said = (what, work) => work.then(() => { seen[what] = "resolved"; }, (error) => { seen[what] = "rejected with " + error; });
export default { async fetch(request, env, context) {
  const { pathname } = new URL(request.url);
  if (pathname === "/seen") return Response.json(seen);
  const { readable, writable } = pathname === "/identity" ? new IdentityTransformStream() : new TransformStream();
  if (pathname === "/pipe") {
    const endless = new ReadableStream({ async pull(controller) { await scheduler.wait(20); controller.enqueue(chunk); } });
    context.waitUntil(said("pipeTo", endless.pipeTo(writable)));
  } else {
    const writer = writable.getWriter();
    const write = async () => { for (;;) { await writer.write(chunk); await scheduler.wait(20); } };
    context.waitUntil(said(pathname === "/identity" ? "write to an IdentityTransformStream" : "write", write()));
  }
  return new Response(readable);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { port } = await miniflare.ready;
for (const path of ["/pipe", "/write", "/identity"]) {
  const client = connect(Number(port), "127.0.0.1");
  client.write(`GET ${path} HTTP/1.1\r\nHost: look\r\n\r\n`);
  await new Promise((resolve) => client.once("data", resolve));
  client.destroy();
}
await new Promise((resolve) => setTimeout(resolve, 2000));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/seen")).json();
await miniflare.dispose();
for (const [what, outcome] of Object.entries(seen)) console.log(`${what}: ${outcome}`);
const isOdd = seen.pipeTo === "resolved" && seen.write === "rejected with undefined";
process.exit(isOdd && /^rejected with Error/.test(seen["write to an IdentityTransformStream"]) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
