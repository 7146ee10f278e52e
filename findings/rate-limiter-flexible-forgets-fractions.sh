#!/usr/bin/env bash
# rate-limiter-flexible takes a cost of half a point for nothing, without end, and 1.9 for 1.
# Package: rate-limiter-flexible 11.4.0 (npm). A good guess: a call that costs a fraction of a point, such as its seconds on a GPU, is either
# added up as it is or refused; `points` itself may be a fraction. Seen: in memory the fraction of each call is cut off before it is added,
# so of five points ten calls of 0.9 use none and all pass, and a `penalty` of 0.5 is none. Who counts milliseconds instead is right.
set -euo pipefail
cd "$(mktemp -d)"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit rate-limiter-flexible@11.4.0
cat > look.mjs <<'JS'
import { RateLimiterMemory } from "rate-limiter-flexible";

const seen = {};
for (const cost of [1, 0.5, 0.9, 1.9]) {
  const limiter = new RateLimiterMemory({ points: 5, duration: 60 });
  let passed = 0;
  for (let call = 0; call < 10; call++) {
    await limiter.consume("account", cost).then(() => passed++, () => {});
  }
  seen[cost] = [passed, (await limiter.get("account")).consumedPoints];
  console.log(`of ten calls of ${cost} against 5 points pass ${passed}, and ${seen[cost][1]} points count as used`);
}
const limiter = new RateLimiterMemory({ points: 5, duration: 60 });
for (let call = 0; call < 10; call++) await limiter.penalty("account", 0.5);
const { consumedPoints } = await limiter.get("account");
console.log(`ten penalties of 0.5 count as ${consumedPoints}`);
process.exit(JSON.stringify([seen, consumedPoints]) === JSON.stringify([{ 0.5: [10, 0], 0.9: [10, 0], 1: [5, 10], 1.9: [5, 10] }, 0]) ? 0 : 1);
JS
node look.mjs
