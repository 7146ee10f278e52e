#!/usr/bin/env bash
# MLServer answers with every output of a model, whichever a request asks for, and says nothing of one that is not there.
# Package: mlserver 1.7.1 (PyPI). A good guess: `outputs` of a request names the tensors that are wanted (Open Inference Protocol: all of
# them only if it is left out), so the server leaves the large one away, and refuses a name that the model does not give. Seen: all
# outputs, with status 200, in both cases; only the model itself may look at what was asked for.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check mlserver==1.7.1 numpy==2.4.6 orjson==3.13.0 uvicorn==0.54.0
mkdir model
cat > model/model-settings.json <<'JSON'
{ "name": "m", "implementation": "served.Served" }
JSON
cat > served.py <<'PY'
import numpy as np
from mlserver import MLModel, types
from mlserver.codecs import NumpyCodec


class Served(MLModel):
    async def predict(self, payload):
        values = {"small": np.zeros((1, 1), np.float32), "large": np.zeros((1, 1000), np.float32)}
        outputs = [NumpyCodec.encode_output(name, value) for name, value in values.items()]
        return types.InferenceResponse(model_name=self.name, outputs=outputs)
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
    wanted = {name: infer({"inputs": [tensor([1], [1, 1])], "outputs": [{"name": name}]})[0] for name in ("small", "nowhere")}
finally:
    os.killpg(server.pid, signal.SIGKILL)
got = {name: (status, [output["name"] for output in answer["outputs"]]) for name, (status, answer) in wanted.items()}
for name, told in got.items():
    print(f"asked for {name}:", told)
sys.exit(0 if list(got.values()) == [(200, ["small", "large"])] * 2 else 1)
PY
env/bin/python look.py
