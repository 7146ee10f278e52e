#!/usr/bin/env bash
# srsly writes ten digits of a number, and reads most numbers as a neighbour of what was written.
# Package: srsly 2.5.6 (PyPI), which spaCy and its models stand on. A good guess: a float that is written as JSON and read again is the same, as with
# Python's own json and, as far as it can be said in 64 bits, with every reader. Seen: of 20,000 numbers between 0 and 1 all are written with
# ten digits, and so as another number, and nine of ten that json has written are read as a neighbour; 5e-324 and -0.0 are written
# as 0.0, and the key True as "True". So an embedding or a score that was stored does not equal the one that was computed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check srsly==2.5.6
cat > look.py <<'PY'
import json
import random
import sys

import srsly

random.seed(1)
numbers = [random.random() for _ in range(20_000)]
written = sum(json.loads(srsly.json_dumps([number]))[0] != number for number in numbers)
read = sum(srsly.json_loads(json.dumps([number]))[0] != number for number in numbers)
own = sum(json.loads(json.dumps([number]))[0] != number for number in numbers)
small = [srsly.json_dumps(value) for value in (5e-324, -0.0, {True: 1})]
print(f"of {len(numbers)}: {written} written as another number, {read} read as another, {own} by json itself")
print(f"{numbers[0]!r} is written as {srsly.json_dumps(numbers[0])}")
print("5e-324, -0.0 and the key True:", *small)
sys.exit(0 if written == len(numbers) and read > 10_000 and own == 0 and small == ["0.0", "0.0", '{"True":1}'] else 1)
PY
env/bin/python look.py
