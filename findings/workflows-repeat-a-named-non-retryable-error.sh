#!/usr/bin/env bash
# A step of Workflows is tried again after a NonRetryableError that was given a name.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `new NonRetryableError(message, name)`, whose
# second parameter is its own, ends the step at once, as without it, and so does a subclass that sets its `name`, as subclasses of Error do.
# Seen: the class does not count, the text of its name does: by another name the error is retried to the limit like any other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkflowEntrypoint } from "cloudflare:workers";
import { NonRetryableError } from "cloudflare:workflows";
class BadInput extends NonRetryableError { name = "BadInput"; }
const errors = [new NonRetryableError("no such model"), new NonRetryableError("no such model", "ModelError"), new BadInput("no such model")];
export class Flow extends WorkflowEntrypoint {
  async run({ payload }, step) {
    let attempts = 0;
    const config = { retries: { limit: 2, delay: 50, backoff: "constant" } };
    await step.do("infer", config, async () => { attempts++; throw errors[payload]; }).catch(() => {});
    return attempts;
  }
}
export default { async fetch(request, { FLOW }) {
  const attempts = [];
  for (const params of errors.keys()) {
    const instance = await FLOW.create({ params });
    for (let status = {}; status.status !== "complete"; await scheduler.wait(100)) status = await instance.status(), attempts[params] = status.output;
  }
  return Response.json(attempts);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const [plain, named, subclass] = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("NonRetryableError:", plain, "attempt; with a name:", named, "attempts; a subclass with a name:", subclass, "attempts");
process.exit(plain === 1 && named === 3 && subclass === 3 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
