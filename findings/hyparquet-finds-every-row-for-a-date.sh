#!/usr/bin/env bash
# hyparquet finds every row for a filter that names a date, and none for one that names a whole number of 64 bits as a number.
# Package: hyparquet 1.33.0 (npm); its hyparquet-writer 0.17.0 makes the file.
# A good guess: `{ day: date }` and `{ tokens: 5 }` select as `{ day: { $eq: date } }` and `{ tokens: { $gt: 4 } }` do, or are refused. Seen: a date is
# taken for an object of operators that has none, which every row fulfils; an integer of the file is a BigInt, which is greater than a number but never
# equal to one, so `{ tokens: 5 }` gives nothing, and `$nin` gives what it should leave out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit hyparquet@1.33.0 hyparquet-writer@0.17.0
cat > look.mjs <<'JS'
import { parquetQuery } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";

const days = ["2026-11-28", "2026-11-29", "2026-11-30"].map((day) => new Date(day));
const file = parquetWriteBuffer({
  columnData: [
    { name: "day", data: days, type: "TIMESTAMP" },
    { name: "tokens", data: [4n, 5n, 6n], type: "INT64" },
  ],
});
const filters = {
  "the day": { day: days[1] },
  "the day by $gt": { day: { $gt: days[1] } },
  "tokens, a BigInt": { tokens: 5n },
  "tokens, a number": { tokens: 5 },
  "tokens above a number": { tokens: { $gt: 5 } },
  "tokens, none of a number": { tokens: { $nin: [5] } },
};
const seen = {};
for (const [what, filter] of Object.entries(filters)) {
  const rows = await parquetQuery({ file, filter });
  seen[what] = rows.map(({ tokens }) => String(tokens)).join(" ");
}
console.log(seen);
process.exit(Object.values(seen).join() === ["4 5 6", "6", "5", "", "6", "4 5 6"].join() ? 0 : 1);
JS
node look.mjs
