#!/usr/bin/env bash
# KServe computes with 9 where it was given 9.9 for a tensor of integers, and answers 500 to a number or shape that does not fit.
# Package: kserve 0.21.0 (PyPI). A good guess: a fraction in `data` of an INT32 is a 400, as are a number beyond its range and a shape that
# is not that of the data: the request contradicts itself. Seen: 9.9 is 9 with status 200, and so is "9"; 2^40 is a 500 "OverflowError", and
# two numbers of shape [3] a 500 "ValueError", which clients repeat.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check kserve==0.21.0 fastapi==0.165.0 numpy==2.4.6 orjson==3.13.0 pydantic==2.14.4 uvicorn==0.54.0
cat > server.py <<'PY'
import sys

from kserve import InferOutput, InferResponse, Model, ModelServer


class Same(Model):
    def __init__(self):
        super().__init__("same")
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        given = payload.inputs[0].as_numpy()
        return InferResponse(payload.id, self.name, [InferOutput("y", list(given.shape), "INT32", given.flatten().tolist())])


ModelServer(http_port=int(sys.argv[1]), enable_grpc=False, workers=1).start([Same()])
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


def ask(path, body=None):
    data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None, ""


server = subprocess.Popen(["env/bin/python", "server.py", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    while ask("/v2/health/live")[0] != 200:
        time.sleep(0.2)
    seen = {}
    for data, shape in (([9], [1]), ([9.9], [1]), (["9"], [1]), ([2**40], [1]), ([1, 2], [3])):
        status, text = ask("/v2/models/same/infer", {"id": "1", "inputs": [{"name": "x", "shape": shape, "datatype": "INT32", "data": data}]})
        answer = json.loads(text)
        seen[f"{data} of shape {shape}"] = (status, answer["outputs"][0]["data"] if status == 200 else answer["error"])
finally:
    os.killpg(server.pid, signal.SIGKILL)
for what, (status, came) in seen.items():
    print(f"INT32 {what}: {status} {came}")
sys.exit(0 if [status for status, _ in seen.values()] == [200, 200, 200, 500, 500] and [came for _, came in seen.values()][:3] == [[9], [9], [9]] else 1)
PY
env/bin/python look.py
