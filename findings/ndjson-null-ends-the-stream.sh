#!/usr/bin/env bash
# A line `null` ends two JavaScript readers of JSON Lines, and what stands behind it is lost.
# Packages: ndjson 2.0.0, jsonlines 0.1.1, beside them can-ndjson-stream 1.0.2 (npm).
# A good guess: any JSON value may be a line of JSON Lines, null too, as its page says; a batch has such a line where a model gave nothing.
# Seen: both push the value into a stream of Node, for which null is the end, and fail with "stream.push() after EOF" at the next line; 0,
# false and "" pass. If null is the last line there is no error either. can-ndjson-stream reads them all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund ndjson@2.0.0 jsonlines@0.1.1 can-ndjson-stream@1.0.2
cat > look.mjs <<'JS'
import { Readable } from "node:stream";
import can from "can-ndjson-stream";
import jsonlines from "jsonlines";
import ndjson from "ndjson";

const read = (stream) =>
  new Promise((resolve) => {
    const values = [];
    stream.on("data", (value) => values.push(value));
    stream.on("end", () => resolve(JSON.stringify(values)));
    stream.on("error", (error) => resolve(`${JSON.stringify(values)}, then ${error.message}`));
  });
async function readWeb(lines) {
  const values = [];
  const reader = can(new Blob([lines]).stream()).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) values.push(next.value);
  return JSON.stringify(values);
}
const seen = [];
for (const lines of ['0\nfalse\n""\n', "1\nnull\n2\n", "1\nnull\n"]) {
  for (const { parse } of [ndjson, jsonlines]) seen.push(await read(Readable.from([Buffer.from(lines)]).pipe(parse())));
  seen.push(await readWeb(lines));
  console.log(`${JSON.stringify(lines)}: ndjson ${seen.at(-3)}; jsonlines ${seen.at(-2)}; can-ndjson-stream ${seen.at(-1)}`);
}
const [zero, , , middle, jsonlinesMiddle, all, last] = seen;
const fails = [middle, jsonlinesMiddle].every((outcome) => !outcome.includes("2]") && outcome.endsWith("after EOF"));
process.exit(zero === '[0,false,""]' && fails && all === "[1,null,2]" && last === "[1]" ? 0 : 1);
JS
node look.mjs
