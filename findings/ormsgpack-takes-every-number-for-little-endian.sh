#!/usr/bin/env bash
# ormsgpack packs an array of numpy's that is big-endian as other numbers, without a word.
# Package: ormsgpack 1.13.1 with numpy 2.4.6 (PyPI). A good guess: the byte order is part of the array's type, so `>i4` and `>f4`, which
# come from NPY and FITS files, from Triton's raw data and from sensors, are packed as their values, as msgpack-numpy does, or refused, as
# orjson does with the same option. Seen: 1 is packed as 16777216, and 1.5 as 6.9e-41.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check ormsgpack==1.13.1 msgpack==1.2.4 msgpack-numpy==0.4.8 orjson==3.13.0 numpy==2.4.6
cat > look.py <<'PY'
import sys

import msgpack
import msgpack_numpy
import numpy
import orjson
import ormsgpack

wrong = []
for kind in ("<i4", ">i4", "<f4", ">f4"):
    array = numpy.array([1, 2], kind) if "i" in kind else numpy.array([1.5, 2], kind)
    read = ormsgpack.unpackb(ormsgpack.packb(array, option=ormsgpack.OPT_SERIALIZE_NUMPY))
    other = msgpack.unpackb(msgpack.packb(array, default=msgpack_numpy.encode), object_hook=msgpack_numpy.decode)
    try:
        text = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    except TypeError as error:
        text = f"refused: {error}"
    print(f"{kind} {array.tolist()}: ormsgpack {read}, msgpack-numpy {other.tolist()}, orjson {text}")
    wrong.append(read != array.tolist())
sys.exit(0 if wrong == [False, True, False, True] else 1)
PY
env/bin/python look.py
