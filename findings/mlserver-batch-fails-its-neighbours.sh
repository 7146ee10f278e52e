#!/usr/bin/env bash
# A batch of MLServer fails for all of its callers if one of them sends another shape, or a value that the model refuses.
# Package: mlserver 1.7.1 (PyPI). A good guess: inputs whose shapes can't be joined go to the model apart, and what a model refuses is told
# to who sent it. Seen: [1, 3] and [1, 4], each of which is answered alone, are 500 for both at once; and a value that the model refuses as
# an InferenceError is a 400 for its neighbour too, in words about an input that the neighbour has not sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check mlserver==1.7.1 numpy==2.4.6 orjson==3.13.0 uvicorn==0.54.0
mkdir model
cat > model/model-settings.json <<'JSON'
{ "name": "m", "implementation": "served.Served", "max_batch_size": 4, "max_batch_time": 0.5 }
JSON
cat > served.py <<'PY'
from mlserver import MLModel, types
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError


class Served(MLModel):
    async def predict(self, payload):
        values = NumpyCodec.decode_input(payload.inputs[0])
        if (values < 0).any():
            raise InferenceError("a value is negative")
        return types.InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("y", values)])
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
from concurrent.futures import ThreadPoolExecutor

ports = []
for _ in range(3):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ports.append(free.getsockname()[1])
port = ports[0]
settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": ports[1], "metrics_port": ports[2], "parallel_workers": 0}
with open("settings.json", "w") as file:
    json.dump(settings, file)
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
server = subprocess.Popen(["env/bin/mlserver", "start", "."], env={**os.environ, "PYTHONPATH": "."}, **quiet)


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


def tensor(data, shape, name="x"):
    return {"name": name, "shape": shape, "datatype": "FP32", "data": data}


def infer(*bodies):
    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(lambda body: call("/v2/models/m/infer", body), bodies))


try:
    while not ready():
        time.sleep(0.2)
    three, four, negative = ({"inputs": [tensor(data, [1, len(data)])]} for data in ([1, 2, 3], [1, 2, 3, 4], [1, 2, -3]))
    alone = [infer(body)[0] for body in (three, four, negative)]
    shapes = infer(three, four)
    values = infer(three, negative)
finally:
    os.killpg(server.pid, signal.SIGKILL)
print("alone, [1, 3], [1, 4] and a negative value:", [status for status, _ in alone])
print("[1, 3] and [1, 4] at once:", [status for status, _ in shapes])
print("[1, 3] and a negative value at once:", values)
statuses = [[status for status, _ in answers] for answers in (alone, shapes, values)]
sys.exit(0 if statuses == [[200, 200, 400], [500, 500], [400, 400]] else 1)
PY
env/bin/python look.py
