#!/usr/bin/env bash
# superjson writes a Buffer, and a Float16Array, that it then refuses to read, and an ArrayBuffer as nothing.
# Package: superjson 2.2.7 (npm).
# A good guess: what `stringify` takes without an error `parse` gives back; typed arrays are among what it promises. Seen: the type is written as its
# class is called and looked up in a list that has neither, so the whole document fails at "Trying to deserialize unknown typed array", where it is read
# and not where it is written; an ArrayBuffer and a DataView become `{}`. Bytes that Node reads from a file are a Buffer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 superjson@2.2.7
cat > look.mjs <<'JS'
import superjson from "superjson";

const values = {
  Uint8Array: new Uint8Array([1, 2]),
  Float32Array: new Float32Array([1, NaN]),
  Buffer: Buffer.from([1, 2]),
  Float16Array: globalThis.Float16Array && new Float16Array([1, 2]),
  ArrayBuffer: new Uint8Array([1, 2]).buffer,
};
const seen = {};
for (const [name, output] of Object.entries(values)) {
  const written = superjson.stringify({ id: "a", output });
  try {
    const read = superjson.parse(written).output;
    seen[name] = `${read?.constructor.name} ${JSON.stringify(Object.values(read ?? {}).map(String))}`;
  } catch (error) {
    seen[name] = error.message;
  }
}
console.log(seen);
const refused = "Trying to deserialize unknown typed array";
const guess = ['Uint8Array ["1","2"]', 'Float32Array ["1","NaN"]', refused, refused, "Object []"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs
