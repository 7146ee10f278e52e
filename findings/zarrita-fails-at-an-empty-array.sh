#!/usr/bin/env bash
# zarrita fails at an array of Zarr without elements, and says of one whose type it does not know that it is not there.
# Package: zarrita 0.7.5 (npm).
# A good guess: a batch that has no rows yet is an empty Float32Array with its shape, and complex numbers in Zarr's second format are refused
# with their type, as in its third. Seen: "Input contains an empty iterator" for any shape with a zero, in both formats, while an empty
# slice of a longer array is given; `<c8` of the second format is "Not found: v3 array or group".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund zarrita@0.7.5
cat > look.mjs <<'JS'
import { get, open, slice } from "zarrita";

const bytes = (value) => new TextEncoder().encode(JSON.stringify(value));
const codecs = [{ name: "bytes", configuration: { endian: "little" } }];
const chunks = (shape) => shape.map((length) => length || 1);
function second(dtype, shape) {
  const array = { zarr_format: 2, shape, chunks: chunks(shape), dtype, compressor: null, fill_value: null, order: "C", filters: null };
  return new Map([["/.zarray", bytes(array)]]);
}
function third(data_type, shape) {
  const grid = { name: "regular", configuration: { chunk_shape: chunks(shape) } };
  const keys = { name: "default", configuration: { separator: "/" } };
  const common = { zarr_format: 3, node_type: "array", shape, data_type, fill_value: 0, codecs, attributes: {} };
  return new Map([["/zarr.json", bytes({ ...common, chunk_grid: grid, chunk_key_encoding: keys })]]);
}
async function read(store, selection) {
  try {
    const { data, shape } = await get(await open(store, { kind: "array" }), selection);
    return `${data.constructor.name} of shape ${shape}`;
  } catch (error) {
    return error.message;
  }
}
const seen = {
  "second, two numbers": await read(second("<f4", [2])),
  "second, no rows": await read(second("<f4", [0, 3])),
  "second, complex": await read(second("<c8", [2])),
  "third, two numbers": await read(third("float32", [2])),
  "third, no rows": await read(third("float32", [0, 3])),
  "third, an empty slice": await read(third("float32", [4]), [slice(2, 2)]),
  "third, complex": await read(third("complex64", [2])),
};
console.log(seen);
const empty = "Input contains an empty iterator.";
const guess = ["Float32Array of shape 2", empty, "Not found: v3 array or group", "Float32Array of shape 2", empty, "Float32Array of shape 0"];
process.exit(Object.values(seen).join() === [...guess, "Unknown or unsupported dataType: complex64"].join() ? 0 : 1);
JS
node look.mjs
