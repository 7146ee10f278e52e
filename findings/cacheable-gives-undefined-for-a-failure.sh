#!/usr/bin/env bash
# cacheable gives undefined for a call that failed, to all that wait for it, and one argument's result for another that is a Map or a Blob.
# Package: cacheable 2.5.0 (npm).
# A good guess: a function behind `wrap` or `getOrSet` that rejects makes the call reject, as a cache that is missed should be no more than
# slow; and two Blobs of other bytes are two keys. Seen: without `throwErrors` the failure is an event, and the call resolves with
# undefined, as does each caller that shares it, so a model's failure reads like an empty answer; the second Blob gets the first one's result.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cacheable@2.5.0
cat > look.mjs <<'JS'
import { Cacheable } from "cacheable";

const cache = new Cacheable();
let calls = 0;
async function model() {
  calls += 1;
  throw new Error("out of memory");
}
const tell = (promise) => promise.then((value) => `resolves with ${value}`, (error) => `rejects with ${error.message}`);
const wrapped = cache.wrap(model, { ttl: 60_000, keyPrefix: "model" });
const seen = [await tell(wrapped("x"))];
seen.push(await tell(cache.getOrSet("one", model)));
seen.push((await Promise.all([tell(cache.getOrSet("two", model)), tell(cache.getOrSet("two", model))])).join());
seen.push(await tell(cache.getOrSet("three", model, { throwErrors: true })));
console.log(`a model that fails, behind wrap: ${seen[0]}; getOrSet: ${seen[1]}; two at once: ${seen[2]}; throwErrors: ${seen[3]}`);
console.log(`calls of the model: ${calls}`);
const read = cache.wrap(async (file) => (file instanceof Blob ? file.text() : [...file.keys()].join()), { ttl: 60_000, keyPrefix: "read" });
const files = [await read(new Blob(["a cat"])), await read(new Blob(["a dog"]))];
const maps = [await read(new Map([["cat", 1]])), await read(new Map([["dog", 1]]))];
const bytes = [new Uint8Array([1]), new Uint8Array([2])].map((array) => cache.hash(array));
console.log(`two Blobs: ${files}; two Maps: ${maps}; two arrays of bytes have other keys: ${bytes[0] !== bytes[1]}`);
const none = "resolves with undefined";
const wanted = [none, none, `${none},${none}`, "rejects with out of memory"];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) && calls === 4 && [files[1], maps[1]].join() === "a cat,a cat" && bytes[0] !== bytes[1] ? 0 : 1);
JS
node look.mjs
