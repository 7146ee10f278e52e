#!/usr/bin/env bash
# The output of a Workflow's instance has words where the Workflow returned bytes or a BigInt, and nothing where it returned a Map.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what `run` returns comes to who asks for
# `status().output` as it went, as what a step returns comes to the Workflow; or it is refused. Seen: a step's result is kept as it is. Of
# the instance's own result a Uint8Array is the text `[Uint8Array(2 bytes)]`, 5n is `[BigInt(5)]`, a Map is an empty object, and NaN is null:
# the result of a model is lost, and nobody is told.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkflowEntrypoint } from "cloudflare:workers";
const told = ({ bytes, large, map, number }) => [bytes.constructor.name, bytes.length, typeof large, map instanceof Map && map.get("a"), String(number)].join();
export class Flow extends WorkflowEntrypoint {
  async run(event, step) {
    const result = await step.do("infer", async () => ({ bytes: new Uint8Array([1, 2]), large: 5n, map: new Map([["a", 1]]), number: NaN }));
    return { ...result, step: told(result) };
  }
}
export default { async fetch(request, { FLOW }) {
  const instance = await FLOW.create();
  let status = await instance.status();
  for (; status.status !== "complete"; await scheduler.wait(100)) status = await instance.status();
  const { step, ...output } = status.output;
  return Response.json({ step, output, told: told(output) });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { step, output, told } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("what the step gave:", step);
console.log("what status() gave:", told, JSON.stringify(output));
process.exit(step === "Uint8Array,2,bigint,1,NaN" && JSON.stringify(output) === '{"bytes":"[Uint8Array(2 bytes)]","large":"[BigInt(5)]","map":{},"number":null}' ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
