#!/usr/bin/env bash
# RunPod's worker takes a member `error` out of what a handler returns, fails the job for a number there, and drops an output of `{}`.
# Package: runpod 1.12.0 (PyPI).
# A good guess: a handler fails its job by returning an `error` with a text, as it is documented, and what else it returns is the output.
# Seen: a measured `error` of 0.03 fails the job; one of 0, or null, is gone from the output; `{}` leaves a job without any output, where an
# empty list is one. The handler's own object is changed too, so one that it keeps, such as a cached result, has no `error` the next time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check runpod==1.12.0
cat > look.py <<'PY'
import asyncio
import json
import logging
import sys

from runpod.serverless.modules.rp_job import run_job

logging.disable(logging.CRITICAL)


async def look():
    seen = []
    for output in [{"label": "cat"}, {"label": "cat", "error": 0.03}, {"label": "cat", "error": 0}, {}, []]:
        returned = json.dumps(output)
        result = await run_job(lambda job: output, {"id": "1", "input": {}})
        seen.append((result, output))
        print(f"{returned} becomes {result}; the handler's own: {json.dumps(output)}", file=sys.stderr)
    return seen


seen = asyncio.run(look())
cat = {"label": "cat"}
sys.exit(seen != [({"output": cat}, cat), ({"output": cat, "error": 0.03}, cat), ({"output": cat}, cat), ({}, {}), ({"output": []}, [])])
PY
env/bin/python look.py 2>&1 >log.txt
