#!/usr/bin/env bash
# NumPy's mean of a thousand ones in bfloat16 is a quarter.
# Package: ml_dtypes 0.6.0, with numpy 2.4.6 (PyPI). A good guess: the mean of ones is 1, as it is in float16, of which NumPy sums in single
# precision. Seen: a sum in bfloat16 stops at 256, where one more is lost, and one in the 8-bit types at 16 or 8, so the mean of a thousand
# ones is 0.256, 0.016 or 0.008. Who pools embeddings, or takes a loss, of a model's own type gets a number that shrinks with the number of
# elements; `dtype=numpy.float32` or `astype` helps.
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

seen = {}
for kind in (np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2):
    ones = np.ones(1000, kind)
    seen[kind.__name__] = [float(ones.sum()), round(float(ones.mean()), 3), float(ones.mean(dtype=np.float32))]
    print(f"{kind.__name__}: sum {seen[kind.__name__][0]}, mean {seen[kind.__name__][1]}, mean with a dtype {seen[kind.__name__][2]}")
pooled = np.full((512, 4), 0.5, ml_dtypes.bfloat16).mean(axis=0).astype(np.float32).tolist()
print("512 rows of 0.5, pooled:", pooled)
expected = {
    "float16": [1000, 1, 1],
    "bfloat16": [256, 0.256, 1],
    "float8_e4m3fn": [16, 0.016, 1],
    "float8_e5m2": [8, 0.008, 1],
}
sys.exit(0 if seen == expected and pooled == [0.25] * 4 else 1)
PY
env/bin/python look.py
