#!/usr/bin/env bash
# Five Python libraries that read JSON into dataclasses make true of the text "false", and 1 of 1.9.
# Packages: cattrs 26.2.1, mashumaro 3.23, pyserde 0.34.0, typedload 2.41, dataclasses-json 0.6.7; beside them adaptix 3.0.0b12, apischema 0.19.0 and
# dacite 1.9.2 (PyPI). A good guess: a value that is not of the declared type is refused, or read for what it says. Seen: the five call `bool` and
# `int` on it, so an option "false", as a form or a query has it, is on, a list of integers loses its fractions, and None is the text
# "None" to four of them, without an error; the three refuse all of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cattrs==26.2.1 mashumaro==3.23 pyserde==0.34.0 typedload==2.41 dataclasses-json==0.6.7 adaptix==3.0.0b12 apischema==0.19.0 dacite==1.9.2
cat > look.py <<'PY'
import sys
import warnings
from dataclasses import make_dataclass
from typing import List

import adaptix
import apischema
import cattrs
import dacite
import dataclasses_json
import serde
import typedload
from mashumaro.codecs.basic import decode

warnings.simplefilter("ignore")


def within(read):
    return lambda kind, value: read(make_dataclass("Input", [("value", kind)]), {"value": value}).value


readers = {
    "cattrs": lambda kind, value: cattrs.structure(value, kind),
    "mashumaro": lambda kind, value: decode(value, kind),
    "pyserde": serde.from_dict,
    "typedload": lambda kind, value: typedload.load(value, kind),
    "dataclasses-json": within(lambda kind, value: dataclasses_json.dataclass_json(kind).from_dict(value)),
    "adaptix": lambda kind, value: adaptix.Retort().load(value, kind),
    "apischema": apischema.deserialize,
    "dacite": within(dacite.from_dict),
}
seen = {}
for name, read in readers.items():
    seen[name] = []
    for kind, value in ((bool, "false"), (List[int], [1.9]), (str, None)):
        try:
            seen[name].append(read(kind, value))
        except Exception:
            seen[name].append("refused")
    print(f'{name}: "false" {seen[name][0]}, [1.9] {seen[name][1]}, null {seen[name][2]!r}')
loose = [True, [1], "None"]
names = list(readers)
good = all(seen[name] == ["refused"] * 3 for name in names[5:]) and seen["dataclasses-json"] == [True, [1], None]
sys.exit(0 if good and all(seen[name] == loose for name in names[:4]) else 1)
PY
env/bin/python look.py
