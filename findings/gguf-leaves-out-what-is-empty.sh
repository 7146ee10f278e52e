#!/usr/bin/env bash
# GGUF's writer leaves out a text or a list that is empty, and its reader makes one list of nested ones.
# Package: gguf 0.19.0 (PyPI). A good guess: a key that is written with an empty text or list is there when the file is read, as one with 0 or
# false is, and lists within a list come back as they were. Seen: the first two are left out without a word, so reading them is a KeyError and
# a prompt template that was set to nothing is taken for one that was never set; `contents()` of [[1, 2], [3]], which the file holds with its
# nesting, is [1, 2, 3].
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check gguf==0.19.0 numpy==2.4.6
cat > look.py <<'PY'
import sys

import gguf

writer = gguf.GGUFWriter("look.gguf", "look")
writer.add_string("text", "x")
writer.add_string("empty text", "")
writer.add_array("list", ["x"])
writer.add_array("empty list", [])
writer.add_array("nested list", [[1, 2], [3]])
writer.add_uint32("zero", 0)
writer.add_bool("false", False)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
fields = gguf.GGUFReader("look.gguf").fields
names = ["text", "empty text", "list", "empty list", "nested list", "zero", "false"]
seen = {name: fields[name].contents() if name in fields else "not there" for name in names}
for name, value in seen.items():
    print(f"{name}: {value!r}")
print("types of the nested list:", [kind.name for kind in fields["nested list"].types])
sys.exit(0 if list(seen.values()) == ["x", "not there", ["x"], "not there", [1, 2, 3], 0, False] else 1)
PY
env/bin/python look.py
