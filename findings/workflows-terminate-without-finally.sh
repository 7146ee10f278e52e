#!/usr/bin/env bash
# A step of Workflows whose instance is terminated stops where it is, without its `finally`; one that is paused runs to its end.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: as an attempt that times out runs on, so does
# the step of an instance that is terminated, or its waiting call rejects; either way its `finally` gives back what it has taken, such as
# the slot of a server. Seen: nothing of the step runs after `terminate`, neither the rest nor `catch` or `finally`. And who sends an event
# to the instance afterwards is not told that nobody will read it: it resolves, where a second `terminate` rejects.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { WorkflowEntrypoint } from "cloudflare:workers";
const seen = { terminate: [], pause: [] };
export class Flow extends WorkflowEntrypoint {
  async run({ payload: how }, step) {
    await step.do("infer", async () => {
      seen[how].push("begins");
      try {
        await scheduler.wait(1000);
        seen[how].push("ends");
      } catch {
        seen[how].push("catch");
      } finally {
        seen[how].push("finally");
      }
    });
    return "done";
  }
}
const told = (call) => call.then(() => "resolves", () => "rejects");
export default { async fetch(request, { FLOW }) {
  for (const how of ["terminate", "pause"]) {
    const instance = await FLOW.create({ params: how });
    await scheduler.wait(300);
    await instance[how]();
    await scheduler.wait(2500);
    seen[how].push((await instance.status()).status);
    if (how === "terminate") {
      seen[how].push("event " + (await told(instance.sendEvent({ type: "go", payload: 1 }))));
      seen[how].push("terminate " + (await told(instance.terminate())));
    }
  }
  return Response.json(seen);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, workflows: { FLOW: { name: "flow", className: "Flow" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { terminate, pause } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log(`terminate: ${terminate.join(", ")}\npause:     ${pause.join(", ")}`);
const asSeen = terminate.join() === "begins,terminated,event resolves,terminate rejects" && pause.join() === "begins,ends,finally,paused";
process.exit(asSeen ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
