#!/usr/bin/env bash
# Arrow's JavaScript library makes NaN of a text that follows a number, null of what follows an empty list, and leaves a late member out.
# Package: apache-arrow 21.2.0 (npm).
# A good guess: `tableFromJSON` looks at all rows, or throws at one that does not fit the first, as `vectorFromArray` does for the text. Seen: the first row's type
# is all there is: "out of memory" among losses is NaN, `[]` makes a list of nothing of which the next row's numbers are null, and a member that a later object
# has is dropped, one that it lacks is NaN. 2^63 of UINT64 is negative.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit apache-arrow@21.2.0
cat > look.mjs <<'JS'
import { tableFromIPC, tableFromJSON, tableToIPC, vectorFromArray } from "apache-arrow";

const shown = (key, value) => (typeof value === "bigint" || Number.isNaN(value) ? String(value) : value);
function store(values) {
  const table = tableFromIPC(tableToIPC(tableFromJSON(values.map((x) => ({ x })))));
  return JSON.stringify(table.toArray().map((row) => row.toJSON().x), shown);
}
const seen = {
  numbers: store([1, 0.5]),
  "a text behind a number": store([1, "out of memory"]),
  "a list behind an empty one": store([[], [0.5]]),
  "a member that comes late": store([{ a: 1 }, { a: 2, b: 3 }]),
  "a member that is not there": store([{ a: 1, b: 2 }, { a: 3 }]),
  "2^63": store([2n ** 63n]),
};
let refused;
try {
  vectorFromArray([1, "out of memory"]);
} catch (error) {
  refused = error.message;
}
console.log(seen, refused);
const guess = ["[1,0.5]", '[1,"NaN"]', "[[],[null]]", '[{"a":1},{"a":2}]', '[{"a":1,"b":2},{"a":3,"b":"NaN"}]', '["-9223372036854775808"]'];
process.exit(Object.values(seen).join() === guess.join() && /infer/.test(refused) ? 0 : 1);
JS
node look.mjs
