#!/usr/bin/env bash
# LitServe answers 200 and an empty body to an input that its streaming model refuses, and ends a stream that fails like a whole one.
# Package: litserve 0.2.19 (PyPI). A good guess: `HTTPException(422)` in `decode_request`, before anything was streamed, is a 422, as it is
# without `stream=True`; a failure after the first word breaks the connection off. Seen: 200 both times, with nothing and with the words
# that there were, and a proper end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check litserve==0.2.19
cat > server.py <<'PY'
import sys

import litserve
from fastapi import HTTPException


class Words(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        if request["text"] == "refused":
            raise HTTPException(422, "this text is too long")
        return request["text"]

    def predict(self, text):
        yield "one "
        yield "two "
        if text == "fails":
            raise RuntimeError("the GPU is away")
        yield "three "

    def encode_response(self, output):
        yield from output


class Whole(Words):
    def predict(self, text):
        return text

    def encode_response(self, output):
        return {"text": output}


if __name__ == "__main__":
    apis = [Words(api_path="/stream", stream=True), Whole(api_path="/whole")]
    litserve.LitServer(apis, accelerator="cpu").run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="critical")
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
    seen = {f"{path} {text}": ask(path, {"text": text}) for path in ("/whole", "/stream") for text in ("good", "refused", "fails")}
    del seen["/whole fails"]
finally:
    os.killpg(server.pid, signal.SIGKILL)
for what, (status, text) in seen.items():
    print(f"{what}: {status} {text!r}")
sys.exit(0 if seen["/whole refused"][0] == 422 and [seen[f"/stream {text}"] for text in ("good", "refused", "fails")] == [(200, "one two three "), (200, ""), (200, "one two ")] else 1)
PY
env/bin/python look.py
