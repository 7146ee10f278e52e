#!/usr/bin/env bash
# Arrow's JavaScript library gives a decimal without its scale, and one of 256 bits as a text of wrong digits.
# Packages: apache-arrow 21.2.0 (npm), pyarrow 26.0.1 (PyPI).
# A good guess: the decimal 1.5 of two digits behind the point is 1.5 or "1.50", as pyarrow has it; or an object that knows its scale.
# Seen: it is 150 as a number, as a text and in JSON, where the text has quotes of its own ("\"150\""). If the type is decimal256, the text
# and the JSON are 0, that of -1.5 is -0, and that of 12345678901234567890.12 is 2, while `Number` of the first two is 150 and -150.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund apache-arrow@21.2.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check pyarrow==26.0.1
cat > write.py <<'PY'
from decimal import Decimal

import pyarrow

values = [Decimal("1.5"), Decimal("-1.5"), Decimal("12345678901234567890.12")]
table = pyarrow.table({"128": pyarrow.array(values, pyarrow.decimal128(38, 2)), "256": pyarrow.array(values, pyarrow.decimal256(50, 2))})
with pyarrow.ipc.new_stream("decimals.arrows", table.schema) as writer:
    writer.write_table(table)
with pyarrow.ipc.open_stream("decimals.arrows") as reader:
    print("pyarrow reads", [str(value) for value in reader.read_all()["256"].to_pylist()])
PY
env/bin/python write.py
cat > look.mjs <<'JS'
import { readFileSync } from "node:fs";
import { tableFromIPC } from "apache-arrow";

const table = tableFromIPC(readFileSync("decimals.arrows"));
const numberOf = (value) => {
  try {
    return Number(value);
  } catch (error) {
    return error.name;
  }
};
const seen = {};
for (const bits of ["128", "256"]) {
  seen[bits] = [...table.getChild(bits)].map((value) => [String(value), JSON.stringify(value), numberOf(value)]);
  for (const [text, json, number] of seen[bits]) console.log(`decimal${bits}: text ${text}, JSON ${json}, number ${number}`);
}
const whole = "1234567890123456789012";
const expected = {
  128: [["150", '"\\"150\\""', 150], ["-150", '"\\"-150\\""', -150], [whole, `"\\"${whole}\\""`, "TypeError"]],
  256: [["0", '"\\"0\\""', 150], ["-0", '"\\"-0\\""', -150], ["2", '"\\"2\\""', "TypeError"]],
};
process.exit(JSON.stringify(seen) === JSON.stringify(expected) ? 0 : 1);
JS
node look.mjs
