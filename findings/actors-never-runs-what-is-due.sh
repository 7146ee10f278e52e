#!/usr/bin/env bash
# Cloudflare's Actors never run a callback that is scheduled for now, for less than a second or for the past, and run one that throws once.
# Packages: @cloudflare/actors 0.0.1-beta.6, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: `alarms.schedule(0, …)` runs at once, as an alarm of a Durable Object whose time has passed does, and what throws is tried
# again, as such an alarm is. Seen: no alarm is set, since one is looked for behind this second only. The rows stay, listed and not
# run, until something else wakes the Actor. What throws is logged, and its row is deleted. `cancelSchedule` is true for any id.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 @cloudflare/actors@0.0.1-beta.6
cat > worker.js <<'JS'
import { Actor } from "@cloudflare/actors";

export class Planned extends Actor {
  ran = [];
  keep(name) {
    this.ran.push(name);
  }
  fail(name) {
    this.ran.push(name);
    throw new Error("not now");
  }
  async due() {
    await this.alarms.schedule(0, "keep", "in 0 s");
    await this.alarms.schedule(new Date(Date.now() - 5000), "keep", "5 s ago");
    return this.ctx.storage.getAlarm();
  }
  async later() {
    await this.alarms.schedule(1, "fail", "in 1 s");
    await this.alarms.schedule(3, "keep", "in 3 s");
  }
  async told() {
    const left = this.alarms.getSchedules().map(({ payload }) => payload);
    return { ran: this.ran, left, canceled: await this.alarms.cancelSchedule("no such id") };
  }
}
export default {
  async fetch(request, { PLANNED }) {
    const [due, later] = [PLANNED.getByName("due"), PLANNED.getByName("later")];
    const alarm = await due.due();
    await later.later();
    await scheduler.wait(6000);
    return Response.json({ alarm, due: await due.told(), later: await later.told() });
  },
};
JS
cat > look.mjs <<'JS'
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const options = { entryPoints: ["worker.js"], bundle: true, format: "esm", target: "esnext", write: false, external: ["cloudflare:workers"] };
const { outputFiles } = await build(options);
const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, durableObjects: { PLANNED: { className: "Planned", useSQLite: true } } };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const { alarm, due, later } = await (await miniflare.dispatchFetch("http://127.0.0.1/")).json();
await miniflare.dispose();
console.log("for now and the past: alarm", alarm, JSON.stringify(due));
console.log("the first throws:    ", JSON.stringify(later));
const asSeen = alarm === null && due.ran.length === 0 && due.left.length === 2 && due.canceled;
process.exit(asSeen && later.ran.join() === "in 1 s,in 3 s" && later.left.length === 0 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs 2>errors.txt || { cat errors.txt; exit 1; }
