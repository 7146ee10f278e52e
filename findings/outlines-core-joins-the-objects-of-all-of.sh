#!/usr/bin/env bash
# outlines-core guides a model to two objects, one behind the other, where a schema joins them by `allOf`.
# Package: outlines-core 0.2.14 (PyPI). A good guess: `allOf` of two objects asks for one that has the members of both, as every validator reads
# it, or is refused as `not` is. Seen: the pattern made of it matches `{"a":1}{"b":2}` and nothing else, so every answer that the model can give
# is no JSON; that of an integer and its bound is refused. Schemas that inherit are written so, by OpenAPI's users above all.
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

from outlines_core import Guide, Index, Vocabulary
from outlines_core.json_schema import build_regex_from_schema


def member(name):
    return {"type": "object", "properties": {name: {"type": "integer"}}, "required": [name]}


pattern = build_regex_from_schema(json.dumps({"allOf": [member("a"), member("b")]}))
print(pattern)
texts = ['{"a":1,"b":2}', '{"a":1}{"b":2}']
matches = {text: bool(re.fullmatch(pattern, text)) for text in texts}
letters = sorted(set("".join(texts)))
index = Index(pattern, Vocabulary(len(letters), {letter: [place] for place, letter in enumerate(letters)}))


def guided(text):
    guide = Guide(index)
    for letter in text:
        token = letters.index(letter)
        if token not in guide.get_tokens():
            return False
        guide.advance(token)
    return guide.is_finished()


for text in texts:
    print(f"{text}: matched {matches[text]}, guided {guided(text)}")
try:
    refused = build_regex_from_schema(json.dumps({"not": {"type": "integer"}}))
except ValueError as error:
    refused = str(error).split(" \n")[0]
print("not:", refused)
wrong = list(matches.values()) == [False, True] and [guided(text) for text in texts] == [False, True]
sys.exit(0 if wrong and refused.startswith("Unsupported") else 1)
PY
env/bin/python look.py
