#!/usr/bin/env bash
# json-repair and jsonrepair make a text, which is true, of a `false` that was cut; json-repair makes a list of an object that was cut.
# Packages: json-repair 0.64.6 (PyPI), jsonrepair 3.15.0 (npm); beside them jiter 0.19.0 (PyPI).
# A good guess: a member whose value can't be told yet is left out or completed, as `fal` can be nothing else, and what begins with a brace
# is an object; in the stable form, made for streams, all the more. Seen: {"done": fal gives {"done": "fal"}, in that form too, which an
# `if` takes for true just before it becomes False; `nul` gives "nul". An object cut within or behind its first name is a list with that
# name, while one cut behind a later name is an object.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check json-repair==0.64.6 jiter==0.19.0
npm init -y >/dev/null
npm install --silent --no-audit --no-fund jsonrepair@3.15.0
cat > look.py <<'PY'
import json
import subprocess
import sys

import jiter
import json_repair

program = 'import { jsonrepair } from "jsonrepair"; console.log(JSON.stringify(JSON.parse(process.argv[1]).map((text) => JSON.parse(jsonrepair(text)))))'
whole = ['{"done": false', '{"done": null', '{"rows": [{"name"', '{"rows": [{"name": "x", "age"']
texts = [whole[0][:-2], whole[1][:-1], *whole[2:]]
node = json.loads(subprocess.check_output(["node", "--input-type=module", "-e", program, json.dumps(texts)]))
python = [json_repair.loads(text, stream_stable=True) for text in texts]
partial = [jiter.from_json(text.encode(), partial_mode=True) for text in texts]
for text, first, second, third in zip(texts, python, node, partial):
    print(f"{text}: json-repair {first}; jsonrepair {second}; jiter {third}")
guess = [{"done": "fal"}, {"done": "nul"}, {"rows": [["name"]]}, {"rows": [{"name": "x"}]}]
ok = python == guess and python == [json_repair.loads(text) for text in texts] and node[:2] == guess[:2] and partial[:2] == [{}, {}]
sys.exit(not (ok and partial[2] == {"rows": [{}]}))
PY
env/bin/python look.py
