#!/usr/bin/env bash
# Bottleneck runs more jobs at once than `maxConcurrent` if their `expiration` has passed.
# Package: bottleneck 2.19.5 (npm), node 24.21.0 (npm). A good guess: `expiration`, which its README recommends for jobs of a cluster, fails a job that takes
# longer, and the limit goes on to hold for what really runs, or the function is told to stop. Seen: the job's promise rejects, its
# function runs on and is told nothing, and its place is given away, so with `maxConcurrent: 1` three run at once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 bottleneck@2.19.5
cat > look.mjs <<'JS'
import Bottleneck from "bottleneck";

const limiter = new Bottleneck({ maxConcurrent: 1 });
let running = 0;
let most = 0;
const ended = [];
const job = async (name, ...rest) => {
  running += 1;
  most = Math.max(most, running);
  await new Promise((resolve) => setTimeout(resolve, 600));
  running -= 1;
  ended.push(name);
  return rest.length;
};
const schedule = (name) => limiter.schedule({ expiration: 200 }, job, name).then(() => "done", ({ message }) => message);
const said = await Promise.all(["first", "second", "third"].map(schedule));
await new Promise((resolve) => setTimeout(resolve, 1000));
console.log("said of the three:", said.join(" "));
console.log("most at once:", most, "- functions that ran to their end:", ended.join(", "));
process.exit(most === 3 && ended.length === 3 && said.every((text) => /timed out/.test(text)) ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
