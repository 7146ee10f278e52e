#!/usr/bin/env bash
# outlines-core puts no brackets around a choice, so a member of any type, or a pattern of two words, makes what is no JSON.
# Package: outlines-core 0.2.14 (PyPI). A good guess: `{}` for a member takes any value for it, and the pattern "yes|no" a text of one of the two.
# Seen: the choice reaches to the ends of the whole: with a member of any type `{"a":1}` is not matched, and a bare `null` or `"x"` is, or
# `{"a":true`; with the pattern `"yes` is matched and `"yes"` is not. `^(yes|no)$` is right, and so is an `enum`. A member of any type is what
# pydantic writes for `Any`.
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


def looks(schema, texts):
    pattern = build_regex_from_schema(json.dumps(schema))
    seen = [bool(re.fullmatch(pattern, text)) for text in texts]
    print(f"{json.dumps(schema)}: {dict(zip(texts, seen))}")
    return seen


def member(schema):
    return {"type": "object", "properties": {"a": schema}, "required": ["a"]}


objects = ['{"a":1}', '{"a":"x"}', '{"a":true', "null", '"x"']
words = ['"yes"', '"no"', '"yes', 'no"']
seen = [
    looks(member({}), objects),
    looks(member({"type": ["integer", "string"]}), objects),
    looks({"type": "string", "pattern": "yes|no"}, words),
    looks({"type": "string", "pattern": "^(yes|no)$"}, words),
    looks({"enum": ["yes", "no"]}, words),
]
no, yes = False, True
good = [yes, yes, no, no]
expected = [[no, no, yes, yes, yes], [yes, yes, no, no, no], [no, no, yes, yes], good, good]
sys.exit(0 if seen == expected else 1)
PY
env/bin/python look.py
