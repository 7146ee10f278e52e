#!/usr/bin/env bash
# mashumaro, typedload and pyserde cut off a list that is longer than the tuple that it is read into.
# Packages: mashumaro 3.23, typedload 2.41 and pyserde 0.34.0; beside them cattrs 26.2.1 and adaptix 3.0.0b12 (PyPI). A good guess: a list of three is
# refused for `tuple[int, int]`, as one of a single element is by all of them. Seen: the three give the first two elements without a word, so
# a tensor of shape [1, 2, 3] has the shape (1, 2), and a color loses its opacity; only the short one is an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check mashumaro==3.23 typedload==2.41 pyserde==0.34.0 cattrs==26.2.1 adaptix==3.0.0b12
cat > look.py <<'PY'
import sys
from dataclasses import dataclass
from typing import Tuple

import adaptix
import cattrs
import serde
import typedload
from mashumaro.codecs.basic import decode


@dataclass
class Tensor:
    shape: Tuple[int, int]


readers = {
    "mashumaro": lambda value: decode(value, Tensor),
    "typedload": lambda value: typedload.load(value, Tensor),
    "pyserde": lambda value: serde.from_dict(Tensor, value),
    "cattrs": lambda value: cattrs.structure(value, Tensor),
    "adaptix": lambda value: adaptix.Retort().load(value, Tensor),
}
seen = {}
for name, read in readers.items():
    seen[name] = []
    for shape in ([1, 2], [1], [1, 2, 3]):
        try:
            seen[name].append(read({"shape": shape}).shape)
        except Exception:
            seen[name].append("refused")
    print(f"{name}: two elements {seen[name][0]}, one {seen[name][1]}, three {seen[name][2]}")
cut = [(1, 2), "refused", (1, 2)]
whole = [(1, 2), "refused", "refused"]
expected = {"mashumaro": cut, "typedload": cut, "pyserde": cut, "cattrs": whole, "adaptix": whole}
sys.exit(0 if seen == expected else 1)
PY
env/bin/python look.py
