#!/usr/bin/env bash
# numpy-parser gives a list one dimension more than it has, and reads text as numbers.
# Package: numpy-parser 1.2.3 (npm), with files that numpy 2.4.6 writes, here byte by byte. A good guess: an array of two floats has the
# shape [2], and one of text, `<U2`, is refused, as one of booleans is. Seen: its shape is [2, 1], though a list of lists has its own; and
# the text is a Uint16Array, since the letter is compared without its case, so that U, text, is u, a whole number without a sign.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund numpy-parser@1.2.3
cat > look.mjs <<'JS'
import parser from "numpy-parser";

/** A file of version 1.0 as numpy.save writes it: magic, length, header padded to a multiple of 64, data. */
function npy(descr, shape, data) {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`.padEnd(117) + "\n";
  const bytes = new Uint8Array(Buffer.concat([Buffer.from("\x93NUMPY\x01\x00", "latin1"), Buffer.from([118, 0]), Buffer.from(header), Buffer.from(data.buffer)]));
  return bytes.buffer;
}
const list = parser.fromArrayBuffer(npy("<f4", "(2,)", new Float32Array([1.5, 2])));
const lists = parser.fromArrayBuffer(npy("<f4", "(1, 2)", new Float32Array([1.5, 2])));
const text = parser.fromArrayBuffer(npy("<U2", "(1,)", new Uint32Array([0x61, 0x62])));
console.log("a list of two:", list.shape, "a list of one list:", lists.shape);
console.log("text:", text.data);
process.exit(list.shape.join() === "2,1" && lists.shape.join() === "1,2" && text.data instanceof Uint16Array ? 0 : 1);
JS
node look.mjs
