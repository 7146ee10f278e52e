#!/usr/bin/env bash
# ONNX's helper reads the texts of a map, such as the labels of a classifier, as names of types.
# Package: onnx 1.23.2, with numpy 2.4.6 (PyPI). A good guess: `numpy_helper.from_dict` takes texts as keys, for which a MapProto has a member of
# its own, and as values, as `from_list` does. Seen: "cat" is a TypeError ("data type 'cat' not understood") as a key or as a value, "a" a
# ValueError about dtype('S') as a key, while the values "b" and "f" are "not the same" type and "b" alone is taken; `to_dict` reads a map that
# was filled by hand. So a classifier's output of labels and scores can't be made for a test.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
cat > look.py <<'PY'
import sys

import onnx
from onnx import numpy_helper


def there_and_back(value):
    try:
        return {key: found.item() for key, found in numpy_helper.to_dict(numpy_helper.from_dict(value)).items()}
    except Exception as error:
        return f"{type(error).__name__}: {error}"


values = [{1: 0.5, 2: 0.25}, {"cat": 0.5, "dog": 0.25}, {"a": 0.5}, {1: "cat", 2: "dog"}, {1: "b"}, {1: "b", 2: "f"}]
seen = []
for value in values:
    seen.append(there_and_back(value))
    print(f"{value}: {seen[-1]}")
texts = [text.item() for text in numpy_helper.to_list(numpy_helper.from_list(["cat", "dog"]))]
by_hand = onnx.MapProto(key_type=onnx.TensorProto.STRING, values=numpy_helper.from_list([0.5, 0.25]))
by_hand.string_keys.extend([b"cat", b"dog"])
read = {key.decode(): value.item() for key, value in numpy_helper.to_dict(by_hand).items()}
print("a list of texts:", texts)
print("made by hand, and read:", read)
found = [value if isinstance(value, dict) else value.split(":")[0] for value in seen]
expected = [values[0], "TypeError", "ValueError", "TypeError", {1: "b"}, "TypeError"]
sys.exit(0 if found == expected and texts == ["cat", "dog"] and read == {"cat": 0.5, "dog": 0.25} else 1)
PY
env/bin/python look.py
