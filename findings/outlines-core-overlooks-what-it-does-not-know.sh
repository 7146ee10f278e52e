#!/usr/bin/env bash
# outlines-core overlooks the bounds of a number, and ends a nested object without the members that it must have.
# Package: outlines-core 0.2.14 (PyPI). A good guess: a part of a schema that a pattern can't say is refused, as `not`, `false` and the format
# `ipv4` are, or said in it. Seen: `minimum`, `maximum`, `multipleOf` and `uniqueItems` are passed over without a word, so is a required
# member without a schema, and an object that holds itself ends at its third level as `{}`, which the schema refuses. So an answer that was
# guided by a schema need not fit it, and nothing says so.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check outlines-core==0.2.14
cat > look.py <<'PY'
import json
import re
import sys

from outlines_core.json_schema import build_regex_from_schema

node = {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}}, "required": ["next"]}
cases = [
    ({"type": "integer", "minimum": 10, "maximum": 20}, "7"),
    ({"type": "integer", "multipleOf": 2}, "7"),
    ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "[1,1]"),
    ({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a", "b"]}, '{"a":1}'),
    ({"$ref": "#/$defs/node", "$defs": {"node": node}}, '{"next":{"next":{"next":{}}}}'),
    ({"type": "string", "format": "ipv4"}, '"x"'),
    ({"not": {"type": "integer"}}, "7"),
]
seen = []
for schema, text in cases:
    try:
        seen.append(bool(re.fullmatch(build_regex_from_schema(json.dumps(schema)), text)))
    except ValueError:
        seen.append("refused")
    print(f"{json.dumps(schema)}: {text} {seen[-1]}")
sys.exit(0 if seen == [True] * 5 + ["refused"] * 2 else 1)
PY
env/bin/python look.py
