#!/usr/bin/env bash
# outlines-core lets a text of the format `time` have a backslash in it, and one of `date-time` no offset from UTC.
# Package: outlines-core 0.2.14 (PyPI). A good guess: the formats are those of RFC 3339, to which JSON Schema points: a zone, which is Z or an
# offset, must stand there, and a fraction of any length may. Seen: where a time may have its point, the pattern wants a backslash and one more
# character, so `"12:00:00\n5"` can come and `"12:00:00.5"` can't, a date-time has three digits of a fraction or none, and neither can say its
# offset or has to have its Z. A reader that checks the format refuses what the model was guided to.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check outlines-core==0.2.14
cat > look.py <<'PY'
import json
import re
import sys

from outlines_core.json_schema import build_regex_from_schema

texts = {
    "time": ["12:00:00Z", "12:00:00.5Z", "12:00:00\\n5Z", "12:00:00+01:00", "12:00:00"],
    "date-time": [f"2026-01-02T{time}" for time in ("03:04:05Z", "03:04:05.123Z", "03:04:05.5Z", "03:04:05+01:00", "03:04:05")],
}
seen = {}
for name, values in texts.items():
    pattern = build_regex_from_schema(json.dumps({"type": "string", "format": name}))
    seen[name] = [bool(re.fullmatch(pattern, f'"{value}"')) for value in values]
    for value, found in zip(values, seen[name]):
        print(f'{name} "{value}": {found}')
no, yes = False, True
sys.exit(0 if seen == {"time": [yes, no, yes, no, yes], "date-time": [yes, yes, no, no, yes]} else 1)
PY
env/bin/python look.py
