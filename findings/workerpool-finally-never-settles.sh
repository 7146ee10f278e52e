#!/usr/bin/env bash
# Who awaits `finally` of a call of workerpool waits for ever, and a text that a worker throws becomes an Error without a message.
# Package: workerpool 10.0.3 (npm).
# A good guess: `pool.exec(…).finally(done)`, the way to release what a call holds, settles as the call does, as a Promise's `finally`; and
# a thrown text is rejected with as it is, or is the message. Seen: `done` is called, and what `finally` returns stays open for good, for a
# success and for a failure; the thrown text is spread into members "0", "1" and so on of an Error whose message is empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund workerpool@10.0.3
cat > look.mjs <<'JS'
import workerpool from "workerpool";

const pool = workerpool.pool({ maxWorkers: 1 });
const functions = {
  "a success": () => 1,
  "a failure": () => {
    throw new Error("out of memory");
  },
};
const late = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 2000, "nothing in 2 s"))]);
const seen = [];
for (const [name, run] of Object.entries(functions)) {
  const alone = await late(pool.exec(run).then(String, (error) => error.message));
  let called = false;
  const settled = pool.exec(run).finally(() => {
    called = true;
  });
  const behind = await late(settled.then(String, (error) => error.message));
  seen.push([alone, called, behind]);
  console.log(`${name}: ${alone}; with finally: called ${called}, then ${behind}`);
}
const thrown = await pool
  .exec(() => {
    throw "no room";
  })
  .then(String, (error) => [error instanceof Error, error.message, Object.values(error).join("")]);
console.log(`a text that is thrown: an Error ${thrown[0]}, message ${JSON.stringify(thrown[1])}, members ${thrown[2]}`);
const wanted = [["1", true, "nothing in 2 s"], ["out of memory", true, "nothing in 2 s"]];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) && JSON.stringify(thrown) === '[true,"","no room"]' ? 0 : 1);
JS
node look.mjs
