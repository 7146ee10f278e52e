#!/usr/bin/env bash
# The server of a Truss calls the stream of a chat `application/octet-stream`, and goes on with it to its end after its client has left.
# Package: truss 0.18.36 (PyPI). A good guess: `POST /v1/chat/completions` with `stream: true`, for a model that gives event by event, is answered
# as `text/event-stream`, and the model's generator is closed when the client leaves, as Starlette's StreamingResponse does it. Seen: the
# events come as they should, but with the type of bytes, and the generator is read to its end for nobody.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check truss==0.18.36 aiocontextvars==0.2.2 fastapi==0.124.4 joblib==1.5.3 loguru==0.7.3 \
  msgpack==1.1.0 msgpack-numpy==0.4.8 numpy==1.26.4 opentelemetry-exporter-otlp==1.45.2 opentelemetry-sdk==1.45.2 prometheus-client==0.26.0 \
  psutil==7.2.2 python-json-logger==4.2.0 truss-transfer==0.0.44 uvicorn==0.54.0 uvloop==0.23.0 websockets==17.4
cat > look.py <<'PY'
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import truss
from truss.base.truss_config import TrussConfig

MODEL = """
import json
import time


class Model:
    def predict(self, asked):
        return asked

    def chat_completions(self, asked):
        for number in range(30):
            time.sleep(0.1)
            with open("words", "a") as words:
                words.write("word\\n")
            choice = {"index": 0, "delta": {"content": f"{number} "}, "finish_reason": None}
            yield "data: " + json.dumps({"object": "chat.completion.chunk", "choices": [choice]}) + "\\n\\n"
        yield "data: [DONE]\\n\\n"
"""
templates = Path(truss.__file__).parent / "templates"
app = Path("app").absolute()
shutil.copytree(templates / "server", app)
shutil.copytree(templates / "shared", app / "_truss_shared")
for name in ("model", "data", "packages"):
    (app / name).mkdir()
(app / "model" / "__init__.py").touch()
(app / "model" / "model.py").write_text(MODEL)
TrussConfig.from_dict({"model_name": "words"}).write_to_yaml_file(app / "config.yaml", verbose=True)
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
environment = {**os.environ, "INFERENCE_SERVER_PORT": str(port)}
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
server = subprocess.Popen([sys.executable, "main.py"], cwd=app, env=environment, **quiet)


def ready():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models/model") as answer:
            return answer.status == 200
    except OSError:
        return False


def words():
    return (app / "words").read_text().count("word") if (app / "words").exists() else 0


try:
    while not ready():
        time.sleep(0.2)
    body = json.dumps({"model": "words", "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/chat/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked) as answer:
        kind, first = answer.headers["Content-Type"], answer.readline().decode().strip()
        left = words()
    time.sleep(4)
finally:
    os.killpg(server.pid, signal.SIGKILL)
print(f"type of the stream: {kind}; it begins with {first[:40]}")
print(f"words when the client left: {left}; at the end: {words()} of 30")
sys.exit(0 if kind == "application/octet-stream" and first.startswith("data: ") and left < 15 and words() == 30 else 1)
PY
env/bin/python look.py
