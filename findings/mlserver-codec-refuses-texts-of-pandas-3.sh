#!/usr/bin/env bash
# MLServer's codec for data frames can't encode a column of texts, or of integers with a gap, with pandas 3, which its package allows.
# Packages: mlserver 1.7.1, pandas 3.1.1, numpy 2.4.6 (PyPI).
# A good guess: PandasCodec encodes texts as BYTES, as its documentation shows, with the pandas that pip installs beside it.
# Seen: pandas 3 gives texts a type of their own, `str`, and the codec looks the type up by numpy's letter: KeyError: 'O', at a client as in
# a model's answer. The nullable Int64, which keeps integers whole beside a gap, is KeyError: 'i'. As `object` the texts are encoded.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check mlserver==1.7.1 pandas==3.1.1 numpy==2.4.6
cat > look.py <<'PY'
import sys

import pandas as pd
from mlserver.codecs import PandasCodec

COLUMNS = {
    "integers": pd.Series([1, 2]),
    "texts": pd.Series(["a", "b"]),
    "texts as object": pd.Series(["a", "b"], dtype=object),
    "Int64 with a gap": pd.Series([1, None], dtype="Int64"),
}
seen = []
for name, column in COLUMNS.items():
    try:
        seen.append(PandasCodec.encode_request(pd.DataFrame({"x": column})).inputs[0].datatype)
    except KeyError as error:
        seen.append(f"KeyError {error}")
    print(f"{name} ({column.dtype}): {seen[-1]}")
sys.exit(0 if seen == ["INT64", "KeyError 'O'", "BYTES", "KeyError 'i'"] else 1)
PY
env/bin/python -W ignore look.py
