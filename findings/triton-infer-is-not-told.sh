#!/usr/bin/env bash
# Triton tells a model that its HTTP client has left if the client streams, and does not tell it if the client called `infer`.
# Package: nvidia-pytriton 0.7.0 (PyPI), which brings the server of Triton 2.51.0. A good guess: a model of the Python backend that asks
# `is_cancelled()` between its steps stops when its client closes the connection, whichever call of the HTTP API that was. Seen: it is told within a
# step under `generate_stream`; under `infer` it runs to its end and is told nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check nvidia-pytriton==0.7.0
cat > look.py <<'PY'
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.request
from pathlib import Path

MODEL = """
import time

import numpy as np
import triton_python_backend_utils as triton


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            sender, text = request.get_response_sender(), triton.get_input_tensor_by_name(request, "text_input").as_numpy()
            for _ in range(30):
                time.sleep(0.1)
                if request.is_cancelled() or sender.is_cancelled():
                    break
                with open(NAME, "a") as steps:
                    steps.write("step\\n")
                if STREAMS:
                    sender.send(triton.InferenceResponse([triton.Tensor("text_output", text)]))
            last = [] if STREAMS else [triton.InferenceResponse([triton.Tensor("text_output", text)])]
            sender.send(*last, flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
"""
CONFIG = """
backend: "python"
input [{ name: "text_input" data_type: TYPE_STRING dims: [1] }]
output [{ name: "text_output" data_type: TYPE_STRING dims: [1] }]
instance_group [{ kind: KIND_CPU }]
"""
STREAMING = "model_transaction_policy { decoupled: true }\n"
for name in ("streams", "answers"):
    folder = Path("models", name, "1")
    folder.mkdir(parents=True)
    streams = name == "streams"
    (folder.parent / "config.pbtxt").write_text(CONFIG + (STREAMING if streams else ""))
    (folder / "model.py").write_text(MODEL.replace("NAME", repr(os.path.abspath(f"{name}.steps"))).replace("STREAMS", str(streams)))

site = Path(sysconfig.get_path("purelib"))
triton = site / "pytriton" / "tritonserver"
version = f"{sys.version_info[0]}.{sys.version_info[1]}"
shutil.copy(triton / "python_backend_stubs" / version / "triton_python_backend_stub", triton / "backends" / "python")
environment = {
    **os.environ,
    "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    "LD_LIBRARY_PATH": os.pathsep.join([str(site / "nvidia_pytriton.libs"), sysconfig.get_config_var("LIBDIR")]),
}
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
options = [f"--model-repository={os.path.abspath('models')}", f"--backend-directory={triton / 'backends'}", "--http-address=127.0.0.1"]
options += [f"--http-port={port}", "--allow-grpc=false", "--allow-metrics=false"]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
server = subprocess.Popen([str(triton / "bin" / "tritonserver"), *options], env=environment, **quiet)


def ready():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/ready") as answer:
            return answer.status == 200
    except OSError:
        return False


def steps(name):
    return open(f"{name}.steps").read().count("step") if os.path.exists(f"{name}.steps") else 0


def leave(name, call, asked):
    body = json.dumps(asked).encode()
    head = f"POST /v2/models/{name}/{call} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head.encode() + body)
        while steps(name) < 5:
            time.sleep(0.05)
    time.sleep(4)
    return steps(name)


try:
    while not ready():
        time.sleep(0.2)
    streamed = leave("streams", "generate_stream", {"text_input": "x"})
    tensor = {"name": "text_input", "shape": [1], "datatype": "BYTES", "data": ["x"]}
    inferred = leave("answers", "infer", {"inputs": [tensor]})
finally:
    os.killpg(server.pid, signal.SIGKILL)
print(f"steps of 30 after the client left at 5: generate_stream {streamed}, infer {inferred}")
sys.exit(0 if streamed < 12 and inferred == 30 else 1)
PY
env/bin/python look.py
