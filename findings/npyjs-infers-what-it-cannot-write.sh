#!/usr/bin/env bash
# npyjs fails at a list with a whole number of more than 32 bits, and writes a list of numbers with fractions in single precision.
# Package: npyjs 1.2.0 (npm).
# A good guess: `dump` of a plain list writes its numbers as they are: numbers of JavaScript are doubles, and NumPy takes a list of them for
# float64. Seen: for 4294967296 it chooses int64 and then fails ("Cannot convert 4294967296 to a BigInt"), also if int64 is asked for;
# [0.1] and [16777217.5] become float32, 0.10000000149011612 and 16777218; 1e40 beside 0.5 is a double.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund npyjs@1.2.0
cat > look.mjs <<'JS'
import { dump, load } from "npyjs";

const seen = [];
const cases = [[[4294967295, 1]], [[4294967296, 1]], [[5, 6], { dtype: "i8" }], [[0.1]], [[16777217.5]], [[1e40, 0.5]]];
for (const [numbers, options] of cases) {
  let outcome;
  try {
    const { dtype, data } = await load(dump(numbers, [numbers.length], options));
    outcome = `${dtype} ${[...data]}`;
  } catch (error) {
    outcome = error.message;
  }
  console.log(`${numbers}${options ? " as int64" : ""}: ${outcome}`);
  seen.push(outcome);
}
const refused = ["Cannot convert 4294967296 to a BigInt", "Cannot convert 5 to a BigInt"];
const guess = ["u4 4294967295,1", ...refused, "f4 0.10000000149011612", "f4 16777218", "f8 1e+40,0.5"];
process.exit(seen.join() === guess.join() ? 0 : 1);
JS
node look.mjs
