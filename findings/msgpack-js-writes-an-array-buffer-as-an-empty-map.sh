#!/usr/bin/env bash
# @msgpack/msgpack writes an ArrayBuffer as an empty map, and a Date that is none as the beginning of 1970.
# Package: @msgpack/msgpack 3.1.3 (npm).
# A good guess: an ArrayBuffer, which `arrayBuffer()` of an answer gives and `decode` takes, is bytes, as a Uint8Array of it is, or an error, as a
# function is. Seen: a map without members, without a word, as of a Set, a Map, a Blob and an Error; so a picture that is put into a request is not in it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @msgpack/msgpack@3.1.3
cat > look.mjs <<'JS'
import { decode, encode } from "@msgpack/msgpack";

const picture = await new Response(new Uint8Array([0x89, 0x50])).arrayBuffer();
const values = {
  Uint8Array: new Uint8Array(picture),
  ArrayBuffer: picture,
  Blob: new Blob([picture]),
  Map: new Map([["steps", 4]]),
  Set: new Set([1]),
  Error: new Error("no room"),
  "a Date": new Date(1500),
  "a Date that is none": new Date("soon"),
  "a function": () => 1,
};
const seen = {};
for (const [name, value] of Object.entries(values)) {
  try {
    const read = decode(encode(value));
    seen[name] = `${read.constructor.name} ${JSON.stringify(read)}`;
  } catch (error) {
    seen[name] = error.message;
  }
}
console.log(seen);
const none = "Object {}";
const dates = ['Date "1970-01-01T00:00:01.500Z"', 'Date "1970-01-01T00:00:00.000Z"'];
const guess = ['Uint8Array {"0":137,"1":80}', none, none, none, none, none, ...dates, "Unrecognized object: [object Function]"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
