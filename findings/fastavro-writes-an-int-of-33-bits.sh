#!/usr/bin/env bash
# fastavro writes an `int` that needs 33 bits, 1.5 as 1 and the text "false" as true.
# Package: fastavro 1.13.1; beside it avro 1.12.1 (PyPI). A good guess: a value that is not of the schema's type is refused, as it refuses a text for
# an int, bytes for a text and what fits no branch of a union, and as avro refuses all of these. Seen: they are written without an error, so a
# reader in another language fails at a number that no int may have, or gets a tensor without its fractions; 1e300 for a float is infinity.
# Only `validator=True` looks first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check fastavro==1.13.1 avro==1.12.1
cat > look.py <<'PY'
import io
import sys

import avro.io
import avro.schema
import fastavro


def there_and_back(kind, value):
    schema = fastavro.parse_schema({"type": "record", "name": "Look", "fields": [{"name": "value", "type": kind}]})
    file = io.BytesIO()
    try:
        fastavro.schemaless_writer(file, schema, {"value": value})
    except (TypeError, ValueError, OverflowError):
        return "refused"
    file.seek(0)
    return fastavro.schemaless_reader(file, schema)["value"]


def by_avro(kind, value):
    return "fits" if avro.schema.parse(f'"{kind}"').validate(value) else "refused"


cases = [("int", 2**31), ("int", 1.5), ("boolean", "false"), ("float", 1e300), ("int", "7"), ("string", b"x"), (["null", "int"], 1.5)]
seen = [there_and_back(kind, value) for kind, value in cases]
for (kind, value), found in zip(cases, seen):
    print(f"{kind} {value!r}: {found}")
others = [by_avro(kind, value) for kind, value in cases[:3]]
print("avro:", others)
sys.exit(0 if seen == [2**31, 1, True, float("inf"), "refused", "refused", "refused"] and others == ["refused"] * 3 else 1)
PY
env/bin/python look.py
