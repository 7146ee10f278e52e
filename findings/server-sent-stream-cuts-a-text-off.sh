#!/usr/bin/env bash
# @server-sent-stream/parser cuts a text off at U+2028 or U+2029 without a word.
# Package: @server-sent-stream/parser 1.0.4 (npm; @server-sent-stream/web and node use it).
# A good guess: a line ends at CR, LF or both, so a line separator that a model writes is a letter like any other. Seen: what stands behind
# the separator in its line is gone. Plain text is shorter, and nothing tells of it; JSON, in which the separator may stand as it is, no
# longer is JSON.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @server-sent-stream/parser@1.0.4
cat > look.cjs <<'JS'
const imported = require("@server-sent-stream/parser");
const Parser = imported.default ?? imported;

const read = (text) => {
  const events = [];
  const parser = new Parser((data, type, id) => events.push([type, data, id]));
  parser.push(text);
  parser.end();
  return JSON.stringify(events);
};
const seen = [
  "data: one two\n\n",
  "data: one\u2028two\n\n",
  "data: one\u2029two\ndata: three\n\n",
  `data: ${JSON.stringify({ text: "one\u2028two" })}\n\n`,
].map((text) => {
  const events = read(text);
  console.log(`${JSON.stringify(text).replace(/[\u2028\u2029]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16)}`)}: ${events}`);
  return events;
});
const event = (data) => ["message", data, ""];
const wanted = [
  [event("one two")],
  [event("one")],
  [event("one\nthree")],
  [event('{"text":"one')],
];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted.map((events) => JSON.stringify(events))) ? 0 : 1);
JS
node look.cjs
