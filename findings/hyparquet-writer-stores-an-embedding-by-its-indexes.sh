#!/usr/bin/env bash
# hyparquet-writer stores a Float32Array in a column of vectors as the JSON of its indexes.
# Package: hyparquet-writer 0.17.0 (npm); hyparquet 1.33.0 reads the file.
# A good guess: a column whose values are typed arrays, as embeddings are, is a list of floats, or an error that names the type to give. Seen: a text in JSON,
# `{"0":1.5,"1":2}`, of several times the length, which no other reader takes for numbers. A plain array is a list in the JSON; the column as a whole may be
# a typed array.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit hyparquet@1.33.0 hyparquet-writer@0.17.0
cat > look.mjs <<'JS'
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";

async function store(data) {
  const file = parquetWriteBuffer({ columnData: [{ name: "x", data }] });
  const column = parquetMetadata(file).schema.find(({ name }) => name === "x");
  const rows = await parquetReadObjects({ file });
  return `${column.type}/${column.converted_type}: ${JSON.stringify(rows.map(({ x }) => x))}`;
}
const seen = {
  "a column that is a Float32Array": await store(new Float32Array([1.5, 2])),
  "of Float32Arrays": await store([new Float32Array([1.5, 2]), new Float32Array([3, 4])]),
};
console.log(seen);
const guess = ["FLOAT/undefined: [1.5,2]", 'BYTE_ARRAY/JSON: [{"0":1.5,"1":2},{"0":3,"1":4}]'];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
