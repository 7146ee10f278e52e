#!/usr/bin/env bash
# An RPC of workerd refuses what `Object.groupBy` and the named groups of a pattern give, which `structuredClone` and storage take.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm). A good guess: what structured cloning takes, RPC takes, and
# plain data in any case. Seen: an object without a prototype can neither be passed nor be returned: "Could not serialize object of type
# "Object"". `structuredClone` takes the same objects, and so does the storage of a Durable Object; spread into a new object they pass.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const script = `import { DurableObject } from "cloudflare:workers";
const told = (promise) => promise.then((value) => JSON.stringify(value), (error) => error.name);
const groups = () => Object.groupBy([1, 2, 3], (n) => (n % 2 ? "odd" : "even"));
const named = () => /^(?<model>[^:]+):(?<tag>.+)$/.exec("llama:8b").groups;
export class Jobs extends DurableObject {
  echo(value) { return value; }
  gives() { return groups(); }
  async stored() {
    await this.ctx.storage.put("groups", groups());
    return { ...(await this.ctx.storage.get("groups")) };
  }
}
export default { async fetch(request, { JOBS }) {
  const jobs = JOBS.getByName("jobs");
  return Response.json({
    "groups, cloned": await told(Promise.resolve({ ...structuredClone(groups()) })),
    "groups, stored and read": await told(jobs.stored()),
    "groups, passed": await told(jobs.echo(groups())),
    "groups, returned": await told(jobs.gives()),
    "groups, spread": await told(jobs.echo({ ...groups() })),
    "named groups, passed": await told(jobs.echo(named())),
    "named groups, spread": await told(jobs.echo({ ...named() })),
  });
} }`;
const modules = [{ type: "ESModule", path: "look.js", contents: script }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { JOBS: { className: "Jobs", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
for (const [what, told] of Object.entries(seen)) console.log(what.padEnd(24), told);
const lists = '{"odd":[1,3],"even":[2]}';
const refused = "DataCloneError";
process.exit(Object.values(seen).join() === [lists, lists, refused, refused, lists, refused, '{"model":"llama","tag":"8b"}'].join() ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
