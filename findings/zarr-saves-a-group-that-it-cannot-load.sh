#!/usr/bin/env bash
# zarr saves several arrays into one folder, and can't load them again.
# Package: zarr 3.1.6, with numpy 2.4.6 (PyPI). A good guess: what `zarr.save` or `save_group` writes, `zarr.load` gives back, whose documentation says
# that a group is loaded into a dict. Seen: NotImplementedError ("loading groups not yet supported") for two arrays, though one alone is
# loaded and the group can be opened; None in an array of texts is stored as the text "None". So a script that saved the tensors of a run
# learns later that it has to open and copy them one by one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check zarr==3.1.6 numpy==2.4.6
cat > look.py <<'PY'
import sys
import warnings

import numpy as np
import zarr

warnings.simplefilter("ignore")


def loaded(path):
    try:
        found = zarr.load(path)
        return found.tolist() if isinstance(found, np.ndarray) else sorted(found)
    except NotImplementedError as error:
        return f"NotImplementedError: {error}"


zarr.save("one", np.arange(3))
zarr.save("two", first=np.arange(3), second=np.arange(2))
zarr.save_group("three", first=np.arange(3))
seen = {path: loaded(path) for path in ("one", "two", "three")}
opened = zarr.open_group("two", mode="r")
by_hand = {name: opened[name][:].tolist() for name in ("first", "second")}
texts = zarr.create_array(zarr.storage.MemoryStore(), shape=2, dtype=str)
texts[:] = np.array(["a", None], object)
for path, found in seen.items():
    print(f"{path}: {found}")
print("opened:", by_hand)
print("a and None:", texts[:].tolist())
refused = "NotImplementedError: loading groups not yet supported"
good = by_hand == {"first": [0, 1, 2], "second": [0, 1]} and texts[:].tolist() == ["a", "None"]
sys.exit(0 if good and list(seen.values()) == [[0, 1, 2], refused, refused] else 1)
PY
env/bin/python look.py
