#!/usr/bin/env bash
# An instance of Workflows that is paused in a `sleepUntil` fails when it is resumed after that time.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: whoever sleeps until a time that has passed
# goes on at once, as with a `sleep` of 0, so that an instance which was paused over its time wakes up when it is resumed. Seen: a time in
# the past is an error, and not at the first call alone. The resumed instance meets its own time again and ends as `errored`, though what
# it had done before the pause is kept. Beside it, one that waits by `sleep` for as long goes on.
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
    const at = await step.do("plan", async () => Date.now() + 1000);
    if (event.payload === "sleep") await step.sleep("rest", 1000);
    else await step.sleepUntil("rest", new Date(at));
    return "awake";
  }
}
export default { async fetch(request, { FLOW }) {
  const seen = {};
  await Promise.all(["sleep", "sleepUntil"].map(async (params) => {
    const instance = await FLOW.create({ params });
    await scheduler.wait(400);
    await instance.pause();
    await scheduler.wait(2000);
    const paused = await instance.status();
    await instance.resume();
    await scheduler.wait(2000);
    const resumed = await instance.status();
    seen[params] = [paused.status, resumed.status, resumed.output, resumed.error?.message];
  }));
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { sleep, sleepUntil } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(`sleep:      ${sleep.join(", ")}\nsleepUntil: ${sleepUntil.join(", ")}`);
process.exit(sleep.slice(0, 3).join() === "paused,complete,awake" && sleepUntil.slice(0, 2).join() === "paused,errored" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
