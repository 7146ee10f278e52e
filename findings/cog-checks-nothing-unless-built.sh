#!/usr/bin/env bash
# Cog's server takes any input for any type and bound, unless a schema from `cog build` lies in the folder.
# Package: cog 0.23.1 (PyPI). A good guess: the types, `ge`, `le` and `choices` of `predict` are checked by the server that runs it, which
# has the class, and a wrong input is 422. Seen: started with `python -m cog.server.http` it gives the model 11 for an int of at most 10, a
# text for a float, and a word that is none of the choices, and answers 200 "succeeded". What tells of it is a line of the setup's log. With
# `.cog/openapi_schema.json` the same are 422; a misspelled member, which failed before, is then left out without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check cog==0.23.1
cat > predict.py <<'PY'
from cog import BasePredictor, Input


class Predictor(BasePredictor):
    def predict(self, steps: int = Input(default=1, ge=1, le=10), scale: float = 0.5, size: str = Input(default="small", choices=["small", "large"])) -> str:
        return f"{steps!r}, {scale!r}, {size!r}"
PY
printf 'build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n' > cog.yaml
cat > look.py <<'PY'
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

SCHEMA = {
    "openapi": "3.0.2",
    "info": {"title": "Cog", "version": "0.1.0"},
    "paths": {},
    "components": {
        "schemas": {
            "Input": {
                "type": "object",
                "properties": {
                    "steps": {"type": "integer", "minimum": 1, "maximum": 10, "default": 1},
                    "scale": {"type": "number", "default": 0.5},
                    "size": {"type": "string", "enum": ["small", "large"], "default": "small"},
                },
            },
            "Output": {"type": "string"},
        }
    },
}
GIVEN = [{"steps": 2}, {"steps": 11}, {"steps": 1.5}, {"scale": "much"}, {"size": "huge"}, {"stepz": 2}]


def ask(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return None, {}


def look():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "PATH": os.path.abspath("env/bin") + os.pathsep + os.environ["PATH"]}
    environment |= {"PYTHONPATH": os.getcwd(), "COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}
    command = ["env/bin/python", "-m", "cog.server.http", "--host", "127.0.0.1"]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        end = time.time() + 20
        while ask(port, "/health-check")[1].get("status") != "READY" and time.time() < end:
            time.sleep(0.2)
        answers = [ask(port, "/predictions", {"input": given}) for given in GIVEN]
    finally:
        os.killpg(server.pid, signal.SIGKILL)
    return [str(answer.get("output") or answer.get("status") or status) for status, answer in answers]


without = look()
os.mkdir(".cog")
with open(".cog/openapi_schema.json", "w") as file:
    json.dump(SCHEMA, file)
within = look()
for given, one, other in zip(GIVEN, without, within):
    print(f"{json.dumps(given):18} without a schema: {one:22} with one: {other}")
as_given = ["2, 0.5, 'small'", "11, 0.5, 'small'", "1.5, 0.5, 'small'", "1, 'much', 'small'", "1, 0.5, 'huge'", "failed"]
sys.exit(0 if without == as_given and within == ["2, 0.5, 'small'", "422", "422", "422", "422", "1, 0.5, 'small'"] else 1)
PY
env/bin/python look.py
