#!/usr/bin/env bash
# ndjson-readablestream ends like a whole stream where a line is no JSON, or was cut off.
# Package: ndjson-readablestream 1.4.0 (npm).
# A good guess: a line that is broken, as a proxy's message in the middle or the half that a lost connection leaves, is an error, as a failure of the stream
# itself is. Seen: the loop ends without one, and what stands behind the line is not given; so half
# of a model's answer is taken for all of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit ndjson-readablestream@1.4.0
cat > look.mjs <<'JS'
import read from "ndjson-readablestream";

async function look(...pieces) {
  const stream = ReadableStream.from(pieces).pipeThrough(new TextEncoderStream());
  const told = [];
  try {
    for await (const value of (read.default ?? read)(stream)) told.push(JSON.stringify(value));
    told.push("the end");
  } catch (error) {
    told.push(`failed: ${error.message}`);
  }
  return told.join(" ");
}
async function* fails() {
  yield new TextEncoder().encode('{"a":1}\n');
  throw new Error("the connection was reset");
}
const seen = {
  whole: await look('{"a":1}\n{"a"', ':2}\n'),
  "a line that is no JSON": await look('{"a":1}\n', "upstream timed out\n", '{"a":2}\n'),
  "cut in a line": await look('{"a":1}\n{"a"'),
};
const told = [];
try {
  for await (const value of (read.default ?? read)(ReadableStream.from(fails()))) told.push(JSON.stringify(value));
} catch (error) {
  told.push(`failed: ${error.message}`);
}
seen["the stream fails"] = told.join(" ");
console.log(seen);
const guess = ['{"a":1} {"a":2} the end', '{"a":1} the end', '{"a":1} the end', '{"a":1} failed: the connection was reset'];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
