#!/usr/bin/env bash
# KServe answers 500 to a request without an id, once its model has computed, if the model hands the request's id back.
# Package: kserve 0.21.0 (PyPI). A good guess: `id` is optional (Open Inference Protocol), so `InferResponse(request.id, ...)` gives it
# back where there is one, and leaves it out or makes one up where there is none, as MLServer does. Seen: 200 with an id; without one the
# model runs, and then the answer is a 500 of pydantic's about `InferenceResponse`, which a client that retries takes for a reason to have
# it computed again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check kserve==0.21.0 fastapi==0.165.0 numpy==2.4.6 orjson==3.13.0 pydantic==2.14.4 uvicorn==0.54.0
cat > server.py <<'PY'
import sys

from kserve import InferOutput, InferResponse, Model, ModelServer


class Served(Model):
    def load(self):
        self.ready = True

    async def predict(self, payload, headers=None, response_headers=None):
        with open("runs", "a") as runs:
            runs.write("run\n")
        return InferResponse(payload.id, self.name, [InferOutput("y", [1], "INT32", [7])])


model = Served("m")
model.load()
ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1).start([model])
PY
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

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
server = subprocess.Popen([sys.executable, "server.py", str(port)], **quiet)


def call(path, body=None):
    data = json.dumps(body).encode() if body else None
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def ready():
    try:
        return call("/v2/health/ready")[0] == 200
    except OSError:
        return False


try:
    while not ready():
        time.sleep(0.2)
    body = {"inputs": [{"name": "x", "shape": [1], "datatype": "INT32", "data": [1]}]}
    named, unnamed = call("/v2/models/m/infer", {"id": "a", **body}), call("/v2/models/m/infer", body)
finally:
    os.killpg(server.pid, signal.SIGKILL)
with open("runs") as file:
    runs = len(file.readlines())
print("with an id:", named[0], named[1]["outputs"])
print("without:", unnamed[0], unnamed[1][:70])
print("runs of the model:", runs)
sys.exit(0 if (named[0], unnamed[0], runs) == (200, 500, 2) and "ValidationError" in unnamed[1] else 1)
PY
env/bin/python look.py
