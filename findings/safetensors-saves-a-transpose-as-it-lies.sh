#!/usr/bin/env bash
# safetensors saves another array than it was given, without a word, if that is a transpose or takes every second element.
# Package: safetensors 0.8.0 with numpy 2.4.6 (PyPI). A good guess: `safetensors.numpy.save` writes the elements in the array's order, as
# numpy's own `save` does, or refuses what does not lie in one piece, as safetensors does for PyTorch. Seen: it writes the memory from the
# array's beginning on, with the array's shape: a transpose comes back with the same shape and other elements, and `array[::2]` as the first
# half. `numpy.ascontiguousarray` before it helps.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat > look.py <<'PY'
import io
import sys

import numpy
from safetensors.numpy import load, save

lies = numpy.arange(12)
arrays = {"as it lies": lies[:6], "a transpose": lies[:6].reshape(2, 3).T, "every second": lies[::2], "a transpose, copied": numpy.ascontiguousarray(lies[:6].reshape(2, 3).T)}
same = []
for what, array in arrays.items():
    kept = io.BytesIO()
    numpy.save(kept, array)
    kept.seek(0)
    assert (numpy.load(kept) == array).all()
    read = load(save({"x": array}))["x"]
    same.append(bool((read == array).all()))
    print(f"{what}: given {array.tolist()}, read {read.tolist()}")
sys.exit(0 if same == [True, False, False, True] else 1)
PY
env/bin/python look.py
