#!/usr/bin/env bash
# streaming-form-data loses the last file of a form if anything stands behind the form's end in the same piece, and takes a form that was cut
# off for a whole one.
# Package: streaming-form-data 2.1.0; beside it werkzeug 3.1.9 (PyPI).
# A good guess: what stands behind the last boundary, as the standard allows, a line's end too, is passed over; a form without its end is an
# error, or is told at the end. Seen: with two bytes behind it the last file is empty, or has the boundary in it, unless the network cuts the
# form in small pieces; a form that stops within a file gives an empty file, and nothing says that it has not ended.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check streaming-form-data==2.1.0 werkzeug==3.1.9
cat > look.py <<'PY'
import io
import sys

from streaming_form_data import StreamingFormDataParser
from streaming_form_data.targets import ValueTarget
from werkzeug.formparser import parse_form_data

kind = "multipart/form-data; boundary=B"


def part(name, content):
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    return head.encode() + content + b"\r\n"


def read(form, size):
    parser = StreamingFormDataParser(headers={"Content-Type": kind})
    targets = {name: ValueTarget() for name in ["a", "b"]}
    for name, target in targets.items():
        parser.register(name, target)
    for start in range(0, len(form), size):
        parser.data_received(form[start : start + size])
    return [len(target.value) for target in targets.values()]


def werkzeug(form):
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(form)), "wsgi.input": io.BytesIO(form)}
    try:
        return [len(file.read()) for file in parse_form_data(environ, silent=False)[2].values()]
    except ValueError as error:
        return type(error).__name__


both = part("a", b"1234567890") + part("b", b"xyz")
forms = {"whole": both + b"--B--\r\n", "a line's end behind it": both + b"--B--\r\n\r\n", "cut within b": both[:-4]}
forms["more behind a larger one"] = part("a", b"1234567890") + part("b", bytes(range(256)) * 20) + b"--B--\r\nbye"
seen = {}
for name, form in forms.items():
    seen[name] = [read(form, len(form)), read(form, 1), werkzeug(form)]
    print(f"{name}: in one piece {seen[name][0]}, byte by byte {seen[name][1]}; werkzeug {seen[name][2]}")
good = [10, 3]
ok = seen["whole"] == [good, good, good] and seen["a line's end behind it"] == [[10, 0], good, good]
cut = seen["cut within b"] == [[10, 0], [10, 0], "ValueError"]
larger = seen["more behind a larger one"]
sys.exit(not (ok and cut and larger[0][1] > 5120 and larger[2] == [10, 5120]))
PY
env/bin/python look.py
