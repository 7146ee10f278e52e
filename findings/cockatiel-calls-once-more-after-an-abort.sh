#!/usr/bin/env bash
# cockatiel's retry makes its call once more after it was aborted, and not before its delay has passed.
# Package: cockatiel 4.0.0 (npm).
# A good guess: who aborts while the retry waits for its next attempt is told at once, and there is no further attempt. Seen: it waits to the end of
# the delay, calls the function again, and gives the failure of that call; where that call does not look at its signal and succeeds, the
# aborted one resolves. So a job whose submit was canceled is submitted nevertheless.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit cockatiel@4.0.0
cat > look.mjs <<'JS'
import { ConstantBackoff, handleAll, retry } from "cockatiel";

async function run(last) {
  const aborting = new AbortController();
  const policy = retry(handleAll, { maxAttempts: 5, backoff: new ConstantBackoff(500) });
  let calls = 0;
  const begun = performance.now();
  const told = await policy
    .execute(() => {
      if (++calls === 2) return last();
      setTimeout(() => aborting.abort(), 50);
      throw new Error("503");
    }, aborting.signal)
    .then((value) => `resolved with ${value}`, (error) => `rejected with ${error.message}`);
  return `${told} after ${calls} calls, ${performance.now() - begun < 400 ? "at once" : "after the delay"}`;
}
const seen = {
  "the second call succeeds": await run(() => "a second job"),
  "the second call fails": await run(() => { throw new Error("503 again"); }),
};
console.log(seen);
const guess = ["resolved with a second job after 2 calls, after the delay", "rejected with 503 again after 2 calls, after the delay"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
