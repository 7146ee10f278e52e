#!/usr/bin/env bash
# A `@Persist` property of Cloudflare's Actors makes an object of a member that is null or not there, and merges what is assigned.
# Packages: @cloudflare/actors 0.0.1-beta.6, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: the property reads like the object that it is, so that `job.error` of a job without one is undefined and false, and an
# assignment replaces. Seen: to read a member that is missing, or null, makes `{}` of it, which is true and is stored; an object that is
# assigned to a member keeps the old object's members; a Date comes back as a text, and a Map as `{}`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 @cloudflare/actors@0.0.1-beta.6
cat > worker.js <<'JS'
import { Actor, Persist } from "@cloudflare/actors";

export class Kept extends Actor {
  write() {
    this.job = { output: null, result: { score: 1 }, at: new Date(0), counts: new Map([["a", 1]]) };
    const failed = Boolean(this.job.error);
    const output = JSON.stringify(this.job.output);
    this.job.result = { label: "cat" };
    return { failed, output };
  }
  stored() {
    return JSON.parse(this.ctx.storage.sql.exec("SELECT value FROM _actor_persist").one().value);
  }
  async leave() {
    await this.ctx.storage.sync();
    this.ctx.abort("again");
  }
  read() {
    return [typeof this.job.at, this.job.counts instanceof Map];
  }
}
Persist(Kept.prototype, "job");
export default {
  async fetch(request, { KEPT }) {
    const kept = KEPT.getByName("one");
    const seen = { ...(await kept.write()), stored: await kept.stored() };
    await kept.leave().catch(() => {});
    return Response.json({ ...seen, read: await KEPT.getByName("one").read() });
  },
};
JS
cat > look.mjs <<'JS'
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const options = { entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false, external: ["cloudflare:workers"] };
const { outputFiles } = await build(options);
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { KEPT: { className: "Kept", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { failed, output, stored, read } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("a job without an error has one:", failed, "- its output, which is null, reads as", output);
console.log("stored:", JSON.stringify(stored));
console.log("read again: the Date is a", read[0], "- the Map is one:", read[1]);
const merged = stored.result.score === 1 && stored.result.label === "cat";
process.exit(failed && output === "{}" && "error" in stored && merged && read.join() === "string,false" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
