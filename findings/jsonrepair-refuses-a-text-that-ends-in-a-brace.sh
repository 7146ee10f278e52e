#!/usr/bin/env bash
# jsonrepair refuses valid JSON if the last text of an object ends in an opening brace, and makes members of a text that was cut.
# Package: jsonrepair 3.15.0 (npm).
# A good guess: what JSON.parse reads comes back as it is, and a text without its end gets one. Models that write code as JSON end texts in
# braces. Seen: {"code":"if (x) {"} is "Unexpected character", and so is the same with more text before the end; another member behind it
# helps. The text of {"a":"mix flour, water: , cut behind its colon, becomes two members, "a" and "water".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund jsonrepair@3.15.0
cat > look.mjs <<'JS'
import { jsonrepair } from "jsonrepair";

const valid = ['{"code":"if (x) {"}', '{"a":1,"text":"{"}', '{"code":"if (x) {","b":1}', '["if (x) {"]', '{"code":"if (x) ["}'];
const seen = [];
for (const text of [...valid, '{"a":"mix flour, water', '{"a":"mix flour, water:']) {
  let outcome;
  try {
    outcome = jsonrepair(text);
  } catch (error) {
    outcome = error.message;
  }
  console.log(`${text} => ${outcome}`);
  seen.push(outcome);
}
const refused = seen.slice(0, 2).every((outcome, i) => JSON.parse(valid[i]) && outcome.startsWith('Unexpected character "{"'));
const kept = seen.slice(2, 5).every((outcome, i) => outcome === valid[i + 2]);
const cut = seen[5] === '{"a":"mix flour, water"}' && Object.keys(JSON.parse(seen[6])).join() === "a,water";
process.exit(refused && kept && cut ? 0 : 1);
JS
node look.mjs
