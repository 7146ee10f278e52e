#!/usr/bin/env bash
# opossum's cache, and its coalescing of calls, give one input's answer for another if the inputs are bytes, Blobs or forms.
# Package: opossum 10.0.0 (npm).
# A good guess: a call is answered from the cache if its arguments are the same, and one that can't be told from another is made. Seen: what tells
# calls apart is the JSON of their arguments, which is `{}` for every ArrayBuffer, Blob, FormData, Map and URLSearchParams, and null for NaN; a picture
# is classified as the one before it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit opossum@10.0.0
cat > look.mjs <<'JS'
import CircuitBreaker from "opossum";

const form = (text) => {
  const made = new FormData();
  made.set("prompt", text);
  return made;
};
const pairs = {
  texts: ["cat", "dog"],
  ArrayBuffers: [new Uint8Array([1]).buffer, new Uint8Array([1, 2]).buffer],
  Blobs: [new Blob(["cat"]), new Blob(["a dog"])],
  forms: [form("cat"), form("dog")],
};
const seen = {};
for (const [kind, inputs] of Object.entries(pairs)) {
  const told = [];
  for (const option of ["cache", "coalesce"]) {
    let calls = 0;
    const breaker = new CircuitBreaker(async (input) => { calls++; return inputs.indexOf(input); }, { [option]: true });
    const answers = option === "cache" ? [await breaker.fire(inputs[0]), await breaker.fire(inputs[1])] : await Promise.all(inputs.map((input) => breaker.fire(input)));
    breaker.shutdown();
    told.push(`${option}: answers ${answers.join(" and ")} of ${calls} calls`);
  }
  seen[kind] = told.join("; ");
}
console.log(seen);
const apart = "cache: answers 0 and 1 of 2 calls; coalesce: answers 0 and 1 of 2 calls";
const mixed = "cache: answers 0 and 0 of 1 calls; coalesce: answers 0 and 0 of 1 calls";
process.exit(Object.values(seen).join() === [apart, mixed, mixed, mixed].join() ? 0 : 1);
JS
node look.mjs
