#!/usr/bin/env bash
# NumPy's functions for NaN overlook a NaN of bfloat16, and its sort leaves what stands around one unsorted.
# Package: ml_dtypes 0.6.0, with numpy 2.4.6 (PyPI). A good guess: `nan_to_num` replaces a NaN, `nanmean` leaves it out and `sort` puts it at
# the end, as they do for float16 and float32; `isnan` knows it. Seen: `nan_to_num` gives the NaN back, `nanmean` is NaN where `nanmax` is
# the maximum, and `sort` gives 3, NaN, 1, 2 as it was, all without an error; `argsort` and `unique` too. So a cleaned tensor is not clean,
# and the best scores of a sorted list are not the best.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check ml_dtypes==0.6.0 numpy==2.4.6
cat > look.py <<'PY'
import sys

import ml_dtypes
import numpy as np


def look(kind):
    values = np.array([3, np.nan, 1, 2], kind)
    found = {
        "isnan": np.isnan(values),
        "nan_to_num": np.nan_to_num(values),
        "nanmax": np.nanmax(values),
        "nanmean": np.nanmean(values),
        "sort": np.sort(values),
        "argsort": np.argsort(values),
    }
    return {name: str(np.asarray(value).astype(np.float32).tolist()) for name, value in found.items()}


plain = look(np.float32)
own = look(ml_dtypes.bfloat16)
for name in plain:
    print(f"{name}: float32 {plain[name]}, bfloat16 {own[name]}")
same = [name for name in plain if plain[name] == own[name]]
wrong = [own["nan_to_num"], own["nanmean"], own["sort"], own["argsort"]]
as_it_was = "[3.0, nan, 1.0, 2.0]"
sys.exit(0 if same == ["isnan", "nanmax"] and wrong == [as_it_was, "nan", as_it_was, "[0.0, 1.0, 2.0, 3.0]"] else 1)
PY
env/bin/python look.py
