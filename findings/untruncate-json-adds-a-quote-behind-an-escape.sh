#!/usr/bin/env bash
# untruncate-json adds a quote to JSON that is whole if a text in it ends in an escape of four digits, and best-effort-json-parser throws
# where a stream is cut within such an escape.
# Packages: untruncate-json 0.0.1, best-effort-json-parser 1.5.1; beside them partial-json 0.1.7 (npm).
# A good guess: JSON that is whole comes back as it is, and text that is cut in an escape is the text before it. Python's json.dumps writes
# each letter beyond ASCII in that way. Seen: {"a":"caf\u00e9"} comes back as {"a":"caf\u00e9"}"}, which no parser takes; the text of a
# stream comes and goes as its pieces arrive. partial-json reads every piece.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund untruncate-json@0.0.1 best-effort-json-parser@1.5.1 partial-json@0.1.7
cat > look.mjs <<'JS'
import { parse as bestEffort } from "best-effort-json-parser";
import { parse as partial } from "partial-json";
import untruncate from "untruncate-json";

const readers = { untruncate: (text) => JSON.parse(untruncate.default(text)).a, bestEffort: (text) => bestEffort(text).a, partial: (text) => partial(text).a };
const whole = '{"a":"caf\\u00e9"}';
const failures = { untruncate: [], bestEffort: [], partial: [] };
for (let length = 6; length <= whole.length; length += 1) {
  for (const [name, read] of Object.entries(readers)) {
    try {
      read(whole.slice(0, length));
    } catch {
      failures[name].push(whole.slice(0, length));
    }
  }
}
console.log(whole, "=>", untruncate.default(whole));
console.log("they throw at", failures);
const { untruncate: first, bestEffort: second, partial: third } = failures;
const cut = second.length > 0 && second.every((text) => /\\u[0-9a-f]{0,3}$/.test(text));
process.exit(untruncate.default(whole) === `${whole}"}` && first.includes(whole) && cut && third.length === 0 ? 0 : 1);
JS
node look.mjs
