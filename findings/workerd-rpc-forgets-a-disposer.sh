#!/usr/bin/env bash
# The disposer of an RpcTarget that a Worker's method has returned is never called; that of a Durable Object is.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: `[Symbol.dispose]()` of an RpcTarget is called once its last
# stub is disposed, as the documentation has it, so that a lock or a lease that it stands for is let go. Seen: so it is for one that a
# Durable Object returned, and for one that was passed as an argument. Of one that a WorkerEntrypoint returned it is called
# neither after `using`, nor when the caller's request has ended.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject, RpcTarget, WorkerEntrypoint } from "cloudflare:workers";
const disposed = [];
class Lease extends RpcTarget {
  constructor(of) { super(); this.of = of; }
  renew() { return "renewed"; }
  [Symbol.dispose]() { disposed.push(this.of); }
}
export class Leases extends WorkerEntrypoint {
  lease(of) { return new Lease(of); }
  renew(lease) { return lease.renew(); }
}
export class Holder extends DurableObject {
  lease(of) { return new Lease(of); }
}
export default { async fetch(request, { LEASES, HOLDER }) {
  if (new URL(request.url).pathname === "/disposed") return Response.json(disposed);
  { using lease = await HOLDER.getByName("one").lease("returned by a Durable Object"); await lease.renew(); }
  { using lease = await LEASES.lease("returned by a Worker"); await lease.renew(); }
  await LEASES.renew(new Lease("passed to a Worker"));
  await scheduler.wait(1000);
  return Response.json([]);
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { HOLDER: { className: "Holder", useSQLite: true } }, serviceBindings: { LEASES: { name: "look", entrypoint: "Leases" } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
await miniflare.dispatchFetch("http://127.0.0.1/");
await new Promise((resolve) => setTimeout(resolve, 1000));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/disposed")).json();
await miniflare.dispose();
console.log("disposed a second after the request:", seen.join("; "));
process.exit(seen.toSorted().join() === "passed to a Worker,returned by a Durable Object" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
