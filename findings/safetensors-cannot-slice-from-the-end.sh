#!/usr/bin/env bash
# A slice of safetensors can't count from the end, reach past it or be empty, and a tensor without elements has none.
# Package: safetensors 0.8.0, with numpy 2.4.6 (PyPI). A good guess: `get_slice`, which is there to read a part of a file as NumPy would, takes
# `[-2:]` and `[:100]` as NumPy does, as it takes `[-1]` and a step. Seen: OverflowError for the first, an error for the second, SystemError
# ("Negative size passed") for an empty one, and for a tensor of no elements or of no dimension an error for `[:]`. So a reader that takes
# a tensor in pieces fails at the last piece, and at a layer that is empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
cat > look.py <<'PY'
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

tensors = {"whole": np.arange(12, dtype=np.float32).reshape(3, 4), "empty": np.zeros((0, 4), np.float32)}
save_file(tensors, "look.safetensors")
cases = [
    ("whole", "[-1]", np.s_[-1]),
    ("whole", "[::2]", np.s_[::2]),
    ("whole", "[..., 1]", np.s_[..., 1]),
    ("whole", "[-2:]", np.s_[-2:]),
    ("whole", "[:, :-1]", np.s_[:, :-1]),
    ("whole", "[2:100]", np.s_[2:100]),
    ("whole", "[2:1]", np.s_[2:1]),
    ("empty", "[:]", np.s_[:]),
]
seen = []
with safe_open("look.safetensors", "np") as file:
    for name, text, index in cases:
        try:
            seen.append(np.array_equal(file.get_slice(name)[index], tensors[name][index]))
        except Exception as error:
            seen.append(type(error).__name__)
        print(f"{name}{text}: {seen[-1]}")
    whole = file.get_tensor("empty").shape
print("the empty one as a whole:", whole)
errors = ["OverflowError", "OverflowError", "SafetensorError", "SystemError", "SafetensorError"]
sys.exit(0 if seen == [True, True, True, *errors] and whole == (0, 4) else 1)
PY
env/bin/python look.py
