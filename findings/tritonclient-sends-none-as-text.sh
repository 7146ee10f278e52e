#!/usr/bin/env bash
# Triton's HTTP client sends None, a number or a list in a tensor of BYTES as the text that Python prints for it.
# Package: tritonclient 2.73.0, with numpy 2.4.6 (PyPI).
# A good guess: BYTES are bytes or text, and anything else is an error before the request, as a wrong type is for every other datatype.
# Seen: None goes as the four bytes "None", 2.5 as "2.5" and ["a"] as "['a']", so a missing text of a data frame becomes a word. The JSON
# form has the same texts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "tritonclient[http]==2.73.0" numpy==2.4.6
cat > look.py <<'PY'
import sys

import numpy as np
from tritonclient.http import InferInput
from tritonclient.utils import InferenceServerException, deserialize_bytes_tensor, serialize_byte_tensor

VALUES = [None, 2.5, ["a"], "text"]
values = np.empty(len(VALUES), dtype=object)
values[:] = VALUES
sent = [bytes(value) for value in deserialize_bytes_tensor(serialize_byte_tensor(values).item())]
InferInput("x", [len(VALUES)], "BYTES").set_data_from_numpy(values)  # raises nothing
print("in BYTES:", sent)
try:
    InferInput("x", [1], "FP32").set_data_from_numpy(np.array([1.0]))
    other = "taken"
except InferenceServerException as error:
    other = error.message()
print("FP64 for FP32:", other)
sys.exit(0 if sent == [b"None", b"2.5", b"['a']", b"text"] and other != "taken" else 1)
PY
env/bin/python look.py
