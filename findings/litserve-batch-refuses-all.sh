#!/usr/bin/env bash
# LitServe tells every caller of a batch that its input is bad, if one caller's is.
# Package: litserve 0.2.19 (PyPI). A good guess: `decode_request` is called for each request by itself, so what it raises is that request's
# answer, and the others are computed without it. Seen: all of the batch are answered 422 with the reason that one earned; each good one
# alone is 200. A client that takes 422 for final gives up on a good input.
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


class Upper(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        if len(request["text"]) > 10:
            raise HTTPException(422, "this text is too long")
        return request["text"]

    def predict(self, texts):
        return [text.upper() for text in texts]

    def encode_response(self, output):
        return {"text": output}


if __name__ == "__main__":
    litserve.LitServer(Upper(max_batch_size=3, batch_timeout=2), accelerator="cpu").run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="critical")
PY
cat > look.py <<'PY'
import json
import os
import signal
import socket
import subprocess
import sys
import threading
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


def at_once(path, bodies):
    """Their answers; each is asked a little after the one before it."""
    answers = [None] * len(bodies)

    def one(index):
        time.sleep(0.1 * index)
        answers[index] = ask(path, bodies[index])

    threads = [threading.Thread(target=one, args=(index,)) for index in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


server = subprocess.Popen(["env/bin/python", "server.py", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
try:
    while ask("/health")[0] != 200:
        time.sleep(0.2)
    texts = ["cat", "a text that is too long", "dog"]
    alone = [ask("/predict", {"text": text}) for text in texts]
    together = at_once("/predict", [{"text": text} for text in texts])
finally:
    os.killpg(server.pid, signal.SIGKILL)
for text, one, another in zip(texts, alone, together):
    print(f"{text}: alone {one}, together {another}")
sys.exit(0 if [status for status, _ in alone] == [200, 422, 200] and [status for status, _ in together] == [422, 422, 422] else 1)
PY
env/bin/python look.py
