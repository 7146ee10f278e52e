#!/usr/bin/env bash
# pydantic refuses 1e20 for an int that it takes when it is written out, and takes 1.0 and `true` for `Literal[1]`.
# Package: pydantic 2.14.4 (PyPI). A good guess: a whole number of JSON is the same int however it is spelled, since 1.0 and 1e2 are taken
# and ints have no bound; a Literal takes its own value alone. Seen: from 2**63 on the spelling with an exponent, as JavaScript writes seeds
# from 1e21 on, or with a fraction of zero is "int_parsing_size"; digits alone are taken at any length. Where `bool | int` is declared, 1 is
# 1 and 1.0 is True. `Literal[1]` takes `true` from JSON, as `Literal[True]` takes 1, and gives its own value in its place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check pydantic==2.14.4
cat > look.py <<'PY'
import sys
from typing import Literal

from pydantic import TypeAdapter, ValidationError


def read(kind, text):
    try:
        return repr(TypeAdapter(kind).validate_json(text))
    except ValidationError as error:
        return error.errors()[0]["type"]


given = [
    (int, "1e2", "100"),
    (int, "9e18", "9000000000000000000"),
    (int, "1e20", "int_parsing_size"),
    (int, "100000000000000000000.0", "int_parsing_size"),
    (int, "100000000000000000000", "100000000000000000000"),
    (bool | int, "1", "1"),
    (bool | int, "1.0", "True"),
    (Literal[1], "1.0", "1"),
    (Literal[1], "true", "1"),
    (Literal[1], '"1"', "literal_error"),
    (Literal[True], "1", "True"),
]
seen = [read(kind, text) for kind, text, _ in given]
for (kind, text, _), came in zip(given, seen):
    print(f"{getattr(kind, '__name__', str(kind)) if kind is int else str(kind).replace('typing.', ''):14} {text:24} {came}")
sys.exit(0 if seen == [expected for _, _, expected in given] else 1)
PY
env/bin/python look.py
