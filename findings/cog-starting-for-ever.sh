#!/usr/bin/env bash
# Cog's server says STARTING for ever if its worker could not be started, and starts it with another Python than its own.
# Package: cog 0.23.1 (PyPI). A good guess: `env/bin/python -m cog.server.http` runs the predictor with that Python, and a worker that ends
# at once makes the health SETUP_FAILED. Seen: the worker is whatever `python` is first in PATH; where that one has no Cog, the worker
# ends with ModuleNotFoundError, and /health-check goes on answering 200 with "STARTING". With the environment's bin first in PATH it gets READY.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check cog==0.23.1
python3 -m venv --without-pip other
cat > predict.py <<'PY'
from cog import BasePredictor


class Predictor(BasePredictor):
    def predict(self, text: str) -> str:
        return text.upper()
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
import urllib.request


def health(first, seconds):
    """The server's health after a while, or when it is ready, with this folder first in PATH."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "PATH": os.path.abspath(first) + os.pathsep + os.environ["PATH"]}
    environment |= {"PYTHONPATH": os.getcwd(), "COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}
    with open("log", "w") as log:
        command = ["env/bin/python", "-m", "cog.server.http", "--host", "127.0.0.1"]
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    status = None
    try:
        end = time.time() + seconds
        while status != "READY" and time.time() < end:
            time.sleep(0.2)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/health-check") as answer:
                    status = json.load(answer)["status"]
            except OSError:
                pass
    finally:
        os.killpg(server.pid, signal.SIGKILL)
    return status, "No module named 'coglet'" in open("log").read()


seen = {"its own Python first in PATH": health("env/bin", 20), "another Python first in PATH": health("other/bin", 12)}
for case, (status, failed) in seen.items():
    print(f"{case}: {status}, worker ended with ModuleNotFoundError: {failed}")
sys.exit(0 if list(seen.values()) == [("READY", False), ("STARTING", True)] else 1)
PY
env/bin/python look.py
