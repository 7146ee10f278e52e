#!/usr/bin/env bash
# better-queue runs a task that is canceled right after its push, and tells nobody of one that it has canceled while it waited.
# Package: better-queue 3.8.12 (npm), node 24.21.0 (npm). A good guess: `cancel(id)` takes a task out that has not begun, and its callback is called with "cancelled",
# as that of a running one is. Seen: a task is stored only later on, so a cancel in the same turn finds nothing, and it runs. One that
# has been stored is taken out, and neither its callback nor an event tells it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 better-queue@3.8.12
cat > look.mjs <<'JS'
import { setTimeout as sleep } from "node:timers/promises";
import Queue from "better-queue";

const ran = [];
const told = {};
const queue = new Queue((task, done) => {
  ran.push(task.id);
  const timer = setTimeout(done, 300, null, "ran");
  return { cancel: () => clearTimeout(timer) };
});
for (const event of ["task_failed", "task_finish"]) queue.on(event, (id) => (told[id] ??= event));
const push = (id) => queue.push({ id }, (error, result) => (told[id] = error ?? result));

push("running");
await sleep(100);
queue.cancel("running");
await sleep(300);
push("whole");
push("canceled at once");
queue.cancel("canceled at once");
push("canceled as it waits");
await sleep(100);
await new Promise((resolve) => queue.cancel("canceled as it waits", resolve));
await sleep(2000);
for (const id of ["running", "whole", "canceled at once", "canceled as it waits"])
  console.log(id.padEnd(21), ran.includes(id) ? "began" : "did not begin", "- its callback:", told[id] ?? "never called");
const isOdd = ran.includes("canceled at once") && !ran.includes("canceled as it waits") && told["canceled as it waits"] === undefined;
process.exit(isOdd && told.running === "cancelled" && told.whole === "ran" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
