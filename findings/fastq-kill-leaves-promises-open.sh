#!/usr/bin/env bash
# `kill` of fastq's queue of promises leaves those who wait for a removed task waiting for ever.
# Package: fastq 1.20.3 (npm), node 24.21.0 (npm). A good guess: the promise of a task that `kill` or `killAndDrain` removes rejects, so that who awaits
# `push` goes on and its `finally` runs. Seen: neither settles, and neither does anything say so; a script that awaits one ends in the
# middle, with Node's status 13.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 fastq@1.20.3
cat > look.mjs <<'JS'
import fastq from "fastq";

const sleep = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
const seen = {};
for (const way of ["kill", "killAndDrain"]) {
  const queue = fastq.promise(async (ms) => sleep(ms, "done"), 1);
  const runs = queue.push(100);
  const waits = queue.push(1).then(() => "done", () => "rejected");
  queue[way]();
  seen[way] = { "the one that runs": await runs, "the one that waited": await Promise.race([waits, sleep(2000, "neither done nor rejected")]) };
  console.log(way.padEnd(12), JSON.stringify(seen[way]));
}
process.exit(Object.values(seen).every((of) => of["the one that runs"] === "done" && /^neither/.test(of["the one that waited"])) ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
