#!/usr/bin/env bash
# An error that a step of Workflows throws is caught outside of it without its name, its code and its cause.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `step.do` throws what its function threw,
# or at least its name, message and own members, as an RPC of the same workerd hands them on from this compatibility date. Seen: by RPC
# `name` and `code` arrive. Out of a step comes an Error called "Error", whose message has got the old name in front, and no code; so a
# `catch` that chooses by `name` or `code` never matches, and the status of an instance that ends so has the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkerEntrypoint, WorkflowEntrypoint } from "cloudflare:workers";
const fail = () => { throw Object.assign(new Error("busy", { cause: new Error("503") }), { name: "BackendError", code: 503 }); };
const told = ({ name, message, code, cause }) => ({ name, message, code: code ?? null, cause: cause?.message ?? null });
export class Beside extends WorkerEntrypoint {
  fail() { return fail(); }
}
export class Flow extends WorkflowEntrypoint {
  run(event, step) {
    return step.do("infer", { retries: { limit: 0, delay: 1 } }, async () => fail()).catch(told);
  }
}
export default { async fetch(request, { FLOW, BESIDE }) {
  const rpc = await BESIDE.fail().catch(told);
  const instance = await FLOW.create();
  let status = await instance.status();
  for (; status.status !== "complete"; await scheduler.wait(100)) status = await instance.status();
  return Response.json({ RPC: rpc, "a step": status.output });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const serviceBindings = { BESIDE: { name: "look", entrypoint: "Beside" } };
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, serviceBindings, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [from, error] of Object.entries(seen)) console.log(`from ${from}:`.padEnd(14), JSON.stringify(error));
const { RPC: rpc, "a step": step } = seen;
const lost = step.name === "Error" && step.message === "BackendError: busy" && step.code === null && step.cause === null;
process.exit(rpc.name === "BackendError" && rpc.code === 503 && lost ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
