#!/usr/bin/env bash
# A stream that is handed over RPC and fails says "disconnected prematurely": its own error is lost.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what a method throws keeps its name,
# message and members over RPC (from compatibility date 2026-04-21), so what its stream fails with does too, and a reader can tell a model
# that failed from a connection that broke. Seen: the method's error is whole; the stream's is an Error of the runtime's own, whatever it
# was.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkerEntrypoint } from "cloudflare:workers";
const failure = () => Object.assign(new Error("the model failed"), { code: 7 });
export class Model extends WorkerEntrypoint {
  fails() { throw failure(); }
  stream() {
    let parts = 0;
    return new ReadableStream({ type: "bytes", pull(controller) {
      if (parts++ === 0) controller.enqueue(new TextEncoder().encode("word"));
      else controller.error(failure());
    } });
  }
}
const told = (error) => error.message + ", code " + error.code;
export default { async fetch(request, { MODEL }) {
  const method = await MODEL.fails().catch(told);
  const reader = (await MODEL.stream()).getReader();
  await reader.read();
  return Response.json({ method, stream: await reader.read().catch(told) });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, serviceBindings: { MODEL: { name: "look", entrypoint: "Model" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [of, told] of Object.entries(seen)) console.log(of.padEnd(8), told);
process.exit(seen.method === "the model failed, code 7" && /disconnected prematurely.*undefined/.test(seen.stream) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
