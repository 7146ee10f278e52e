#!/usr/bin/env bash
# p-queue starts the next task while one that was aborted or timed out is still running, beyond its `concurrency`, and calls itself idle.
# Package: p-queue 9.3.5 (npm).
# A good guess: a task holds its place until its function is done, since, as the page says, a running operation has to handle the signal
# itself; `onIdle` "guarantees that all work has finished". Seen: with `concurrency: 1` two functions are at work at once after each abort or
# timeout, so a GPU that holds one job is given two, and onIdle resolves while the first is at work; `pending` is 0 then.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund p-queue@9.3.5
cat > look.mjs <<'JS'
import { setTimeout as sleep } from "node:timers/promises";
import PQueue from "p-queue";

const seen = [];
for (const way of ["runs to its end", "is aborted", "times out"]) {
  const queue = new PQueue({ concurrency: 1 });
  const controller = new AbortController();
  let running = 0;
  let most = 0;
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    await sleep(400);
    running -= 1;
  };
  const options = { "is aborted": { signal: controller.signal }, "times out": { timeout: 100 } }[way];
  const first = queue.add(work, options).catch((error) => error.name);
  const second = queue.add(work);
  setTimeout(() => controller.abort(), 100);
  await first;
  await second;
  const third = queue.add(work, { timeout: 100 }).catch((error) => error.name);
  await queue.onIdle();
  seen.push(`${most} at once; idle while ${running} at work, pending ${queue.pending}`);
  console.log(`the first task ${way}: ${seen.at(-1)}`);
  await third;
  await sleep(400);
}
const idle = "idle while 1 at work, pending 0";
process.exit(seen.join() === `1 at once; ${idle},2 at once; ${idle},2 at once; ${idle}` ? 0 : 1);
JS
node look.mjs
