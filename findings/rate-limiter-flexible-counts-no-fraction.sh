#!/usr/bin/env bash
# rate-limiter-flexible counts a cost of 0.9 as none and one of 1.9 as one, and a union takes points for what it refuses.
# Package: rate-limiter-flexible 11.4.0 (npm).
# A good guess: points are a number, so a call that costs half a GPU second takes half a point; and a call that one limiter of a union refuses costs
# nothing at the others. Seen: the fraction is cut off without a word, so a budget of 2 is never used up by calls of 0.9; refused calls use up the budget of
# a day at the limiter beside that of the second which refused them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit rate-limiter-flexible@11.4.0
cat > look.mjs <<'JS'
import { RateLimiterMemory, RateLimiterUnion } from "rate-limiter-flexible";

async function allowed(cost) {
  const limiter = new RateLimiterMemory({ points: 2, duration: 60 });
  let calls = 0;
  while (calls < 20 && (await limiter.consume("user", cost).then(() => true, () => false))) calls++;
  return calls;
}
const second = new RateLimiterMemory({ keyPrefix: "second", points: 1, duration: 60 });
const day = new RateLimiterMemory({ keyPrefix: "day", points: 100, duration: 86_400 });
const union = new RateLimiterUnion(second, day);
const told = [];
for (let call = 0; call < 5; call++) told.push(await union.consume("user").then(() => "taken", () => "refused"));
const seen = {
  "calls of a budget of 2, at 1 each": await allowed(1),
  "at 1.9 each": await allowed(1.9),
  "at 0.9 each": await allowed(0.9),
  "five calls of a union": told.join(" "),
  "left of 100 for the day": (await day.get("user")).remainingPoints,
};
console.log(seen);
process.exit(Object.values(seen).join() === [2, 2, 20, "taken refused refused refused refused", 95].join() ? 0 : 1);
JS
node look.mjs
