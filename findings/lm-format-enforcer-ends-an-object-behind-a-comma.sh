#!/usr/bin/env bash
# lm-format-enforcer lets an object end behind a comma, and an array of no elements have one.
# Package: lm-format-enforcer 0.11.3 (PyPI). A good guess: what it lets a model write to the end is JSON that fits the schema. Seen: behind the
# comma of `{"a":1,` it allows `}` if the members that are left are optional, and says that this is an end, so `{"a":1,}` comes, which no
# reader of JSON takes; an array does not end so. `[1]` comes for an array of at most none.
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

number = {"type": "integer"}


def allows(schema, text):
    parser = JsonSchemaParser(schema)
    for letter in text:
        if letter not in parser.get_allowed_characters():
            return False
        parser = parser.add_character(letter)
    return parser.can_end()


def reads(text):
    try:
        json.loads(text)
        return True
    except ValueError:
        return False


both = {"type": "object", "properties": {"a": number, "b": number}}
cases = [
    ({**both, "required": ["a"]}, '{"a":1,"b":2}'),
    ({**both, "required": ["a"]}, '{"a":1,}'),
    ({**both, "required": ["a", "b"]}, '{"a":1,}'),
    ({"type": "array", "items": number}, "[1,]"),
    ({"type": "array", "items": number, "maxItems": 1}, "[1,1]"),
    ({"type": "array", "items": number, "maxItems": 0}, "[1]"),
]
seen = []
for schema, text in cases:
    seen.append((allows(schema, text), reads(text)))
    print(f"{json.dumps(schema)}: {text} allowed {seen[-1][0]}, JSON {seen[-1][1]}")
sys.exit(0 if seen == [(True, True), (True, False), (False, False), (False, False), (False, True), (True, True)] else 1)
PY
env/bin/python look.py
