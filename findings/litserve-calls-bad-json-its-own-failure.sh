#!/usr/bin/env bash
# LitServe answers 500 to a body that is no JSON, lacks a member, or is empty, and to a model's NaN, whichever of them it is.
# Package: litserve 0.2.19 (PyPI). A good guess: what can't be read is the client's fault and so a 4xx with a reason, as with any server of
# FastAPI's, on which it is built; a client that repeats a 500 repeats it in vain. Seen: 500 "Internal server error" for all of them. A bare
# NaN in a body is read; one in an answer is a 500 in another form, as plain text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check litserve==0.2.19
cat > server.py <<'PY'
import sys

import litserve


class Double(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["number"]

    def predict(self, number):
        return number * 2

    def encode_response(self, output):
        return {"number": output}


if __name__ == "__main__":
    litserve.LitServer(Double(), accelerator="cpu").run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="critical")
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
    while ask("/health")[0] != 200:
        time.sleep(0.2)
    bodies = [b'{"number": 2}', b'{"number": 2', b"", b"{}", b"[2]", b'{"number": NaN}']
    seen = [ask("/predict", body) for body in bodies]
finally:
    os.killpg(server.pid, signal.SIGKILL)
for body, (status, text) in zip(bodies, seen):
    print(f"{body.decode()!r}: {status} {text}")
sys.exit(0 if [status for status, _ in seen] == [200, 500, 500, 500, 500, 500] else 1)
PY
env/bin/python look.py
