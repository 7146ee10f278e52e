#!/usr/bin/env bash
# A step of Workflows that times out goes on beside its next attempt, and what it writes then is kept.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: one attempt of a step is under way at a time,
# and a step with a `timeout` is given a signal, or ended, so that a server of one slot is asked once. Seen: nothing ends it. The second
# attempt begins while the first still waits for its server, and the first one's write arrives after the second one has begun.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkflowEntrypoint } from "cloudflare:workers";
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const seen = [];
    const config = { timeout: 500, retries: { limit: 1, delay: 50, backoff: "constant" } };
    await step.do("infer", config, async ({ attempt }) => {
      seen.push("begins " + attempt);
      await scheduler.wait(1500);
      seen.push("writes " + attempt);
    }).catch(() => seen.push("has failed"));
    await scheduler.wait(2000);
    return seen;
  }
}
export default { async fetch(request, { FLOW }) {
  const instance = await FLOW.create();
  let status = await instance.status();
  for (; status.status !== "complete"; await scheduler.wait(100)) status = await instance.status();
  return Response.json(status.output);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(seen.join(", "));
const at = (what) => seen.indexOf(what);
process.exit(at("begins 2") > at("begins 1") && at("writes 1") > at("begins 2") && at("writes 2") > at("has failed") ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
