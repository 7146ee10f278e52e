#!/usr/bin/env bash
# lm-format-enforcer writes a line end of an enum's text into JSON as it is, and can't write one that has a quotation mark.
# Package: lm-format-enforcer 0.11.3 (PyPI). A good guess: it lets the model write each text of an `enum` as JSON writes it. Seen: a text of two
# lines comes with a bare line end, which no reader of JSON takes; one with a quotation mark can't be written in any spelling, so the model
# has to choose another; and where that is the only one it is stuck behind the first letters. `const` of a number is an AttributeError at the
# first letter. Texts with a backslash come right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check lm-format-enforcer==0.11.3
cat > look.py <<'PY'
import json
import sys

from lmformatenforcer import JsonSchemaParser


def allows(schema, text):
    try:
        parser = JsonSchemaParser(schema)
        for letter in text:
            if letter not in parser.get_allowed_characters():
                return False
            parser = parser.add_character(letter)
        return parser.can_end()
    except AttributeError as error:
        return type(error).__name__


seen = []
for value in ("plain", "back\\slash", "two\nlines", 'a "b"'):
    found = [allows({"type": "string", "enum": [value]}, text) for text in (json.dumps(value), f'"{value}"')]
    seen.append(found)
    print(f"enum {json.dumps(value)}: as JSON {found[0]}, bare {found[1]}")
number = allows({"const": 1}, "1")
print("const 1:", number)
sys.exit(0 if seen == [[True, True], [True, False], [False, True], [False, False]] and number == "AttributeError" else 1)
PY
env/bin/python look.py
