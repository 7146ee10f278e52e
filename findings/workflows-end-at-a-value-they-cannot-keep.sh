#!/usr/bin/env bash
# A step of Workflows that returns what can't be kept, such as a Response, ends the instance past `catch`, `finally` and every retry.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: it fails like a step that throws: `step.do`
# rejects, after its retries, and the Workflow can catch that and clean up. Seen: the instance is `errored` at once. Neither the `catch` and
# `finally` around the step run, nor a second attempt. A step that returns a Map, a Date, a BigInt or a stream is kept.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkflowEntrypoint } from "cloudflare:workers";
const seen = {};
const values = {
  throws: () => { throw new Error("not now"); },
  Response: () => new Response("output"),
  method: () => ({ id: 1, cancel() {} }),
  Map: () => new Map([[new Date(0), 5n]]),
  stream: () => new Response("output").body,
};
export class Flow extends WorkflowEntrypoint {
  async run({ payload: name }, step) {
    const words = (seen[name] = []);
    try {
      await step.do("infer", { retries: { limit: 1, delay: 50, backoff: "constant" } }, async ({ attempt }) => {
        words.push("attempt " + attempt);
        return values[name]();
      });
    } catch {
      words.push("catch");
    } finally {
      words.push("finally");
    }
  }
}
export default { async fetch(request, { FLOW }) {
  await Promise.all(Object.keys(values).map(async (params) => {
    const instance = await FLOW.create({ params });
    await scheduler.wait(4000);
    seen[params].push((await instance.status()).status);
  }));
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [name, words] of Object.entries(seen)) console.log(`${name}: ${words.join(", ")}`);
const fatal = "attempt 1,errored";
const kept = "attempt 1,finally,complete";
const asSeen =
  seen.throws.join() === "attempt 1,attempt 2,catch,finally,complete" &&
  seen.Response.join() === fatal &&
  seen.method.join() === fatal &&
  seen.Map.join() === kept &&
  seen.stream.join() === kept;
process.exit(asSeen ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
