#!/usr/bin/env bash
# apischema and pyserde refuse 1 for a float or a text, where each takes it for a float.
# Packages: apischema 0.19.0 and pyserde 0.34.0; beside them mashumaro 3.23 (PyPI). A good guess: JSON knows one kind of number, so what may be a
# float or something else may be 1, as it may where it is a float alone. Seen: `float | str` refuses 1 ("expected type number, found integer") and
# takes 1.0, while `float | None` takes both. So a score that is read well for weeks fails at the first round one of a server whose language writes 1 for it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check apischema==0.19.0 pyserde==0.34.0 mashumaro==3.23
cat > look.py <<'PY'
import sys
from typing import List, Optional, Union

import apischema
import serde
from mashumaro.codecs.basic import decode


def read(call, kind, value):
    try:
        return call(kind, value)
    except Exception:
        return "refused"


readers = {"apischema": apischema.deserialize, "pyserde": serde.from_dict, "mashumaro": lambda kind, value: decode(value, kind)}
cases = [(float, 1), (Union[float, str], 1.0), (Union[float, str], 1), (Optional[float], 1), (Union[float, List[float]], 1)]
seen = {}
for name, call in readers.items():
    seen[name] = [read(call, kind, value) for kind, value in cases]
    print(f"{name}: float {seen[name][0]}, float or text {seen[name][1]} of 1.0 and {seen[name][2]} of 1,", end=" ")
    print(f"float or null {seen[name][3]}, float or list {seen[name][4]}")
refusing = [1.0, 1.0, "refused", 1.0, "refused"]
sys.exit(0 if seen == {"apischema": refusing, "pyserde": refusing, "mashumaro": [1.0] * 5} else 1)
PY
env/bin/python look.py
