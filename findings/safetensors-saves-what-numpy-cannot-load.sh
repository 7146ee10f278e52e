#!/usr/bin/env bash
# safetensors saves an array of bfloat16 or of 8-bit floats from NumPy that it can't load into NumPy.
# Package: safetensors 0.8.0, with numpy 2.4.6 and ml_dtypes 0.6.0 (PyPI). A good guess: what `safetensors.numpy.save` takes, `load` gives back, as for
# all other types, and a type that NumPy can't hold is refused on both sides, as int4 is. Seen: the bytes are right and name the type, and
# `load` raises KeyError ("BF16"), so one such tensor keeps all others of the file from being read; `safe_open` gives one of bfloat16, and
# raises AttributeError for one of 8 bits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
cat > look.py <<'PY'
import sys

import ml_dtypes
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load, save, save_file


def tell(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


def opened(array):
    save_file({"own": array}, "look.safetensors")
    with safe_open("look.safetensors", "np") as file:
        return file.get_slice("own").get_dtype(), tell(lambda: file.get_tensor("own").tolist())


seen = {}
for kind in (np.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.int4):
    array = np.array([1.5, 2], kind)
    saved = tell(lambda: save({"own": array, "other": np.zeros(1, np.float32)}))
    found = (tell(lambda: sorted(load(saved))), *opened(array)) if isinstance(saved, bytes) else saved
    seen[kind.__name__] = found
    print(f"{kind.__name__}: {found}")
expected = {
    "float16": (["other", "own"], "F16", [1.5, 2.0]),
    "bfloat16": ("KeyError", "BF16", [1.5, 2.0]),
    "float8_e4m3fn": ("KeyError", "F8_E4M3", "AttributeError"),
    "float8_e5m2": ("KeyError", "F8_E5M2", "AttributeError"),
    "int4": "SafetensorError",
}
sys.exit(0 if seen == expected else 1)
PY
env/bin/python look.py
