#!/usr/bin/env bash
# A batch of MLServer answers 200 with an empty tensor if its callers name their inputs differently.
# Package: mlserver 1.7.1 (PyPI). A good guess: requests with other inputs, such as an optional one, are not joined; or one of them fails.
# Seen: both are given to the model as one request of two inputs, and its answer goes to one caller; the other's has shape [1, 1], no data,
# and status 200.
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


class Served(MLModel):
    async def predict(self, payload):
        values = NumpyCodec.decode_input(payload.inputs[0])
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
    bodies = [{"inputs": [tensor([1], [1, 1], name)]} for name in ("image", "mask")]
    alone = [infer(body)[0] for body in bodies]
    together = infer(*bodies)
finally:
    os.killpg(server.pid, signal.SIGKILL)


def told(answers):
    return [(status, answer["outputs"][0]["shape"], answer["outputs"][0]["data"]) for status, answer in answers]


print("one after the other:", told(alone))
print("at once:", told(together))
full, empty = (200, [1, 1], [1.0]), (200, [1, 1], [])
sys.exit(0 if told(alone) == [full, full] and sorted(told(together)) == [empty, full] else 1)
PY
env/bin/python look.py
