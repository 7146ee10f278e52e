#!/usr/bin/env bash
# Temporal's Python SDK gives an activity 1 where it was sent 1.5 for an int, and a tuple with fewer values than it declares.
# Package: temporalio 1.35.0 (PyPI), its data converter alone. A good guess: what does not fit the hint of an argument fails before the
# activity runs, as the text "1" for an int and 1 for a bool do, and as a tuple with a value too many does. Seen: 1.5 becomes 1 without a
# word, also in a member of a dataclass, and `true` becomes 1; a list of one is taken for a `tuple[int, str]`. So a fractional number of
# seconds or a score that another language sends is another number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check temporalio==1.35.0
cat > look.py <<'PY'
import asyncio
import sys
from dataclasses import dataclass

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter


@dataclass
class Job:
    steps: int


async def read(text, hint):
    payload = Payload(metadata={"encoding": b"json/plain"}, data=text.encode())
    try:
        return repr((await DataConverter.default.decode([payload], [hint]))[0])
    except Exception as error:
        return type(error).__name__


async def main():
    given = [
        ("1.0", int, "1"),
        ("1.5", int, "1"),
        ('{"steps": 1.9}', Job, "Job(steps=1)"),
        ("true", int, "1"),
        ('"1"', int, "TypeError"),
        ("1", bool, "TypeError"),
        ('[1, "a"]', tuple[int, str], "(1, 'a')"),
        ("[1]", tuple[int, str], "(1,)"),
        ('[1, "a", 2]', tuple[int, str], "TypeError"),
    ]
    as_seen = True
    for text, hint, expected in given:
        came = await read(text, hint)
        as_seen &= came == expected
        print(f"{text:16} for {getattr(hint, '__name__', hint) if hint in (int, bool, Job) else hint}: {came}")
    return as_seen


sys.exit(0 if asyncio.run(main()) else 1)
PY
env/bin/python look.py
