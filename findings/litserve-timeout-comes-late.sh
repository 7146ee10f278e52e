#!/usr/bin/env bash
# LitServe's `timeout` of a second is told after as many seconds as the work before it takes.
# Package: litserve 0.2.19 (PyPI). A good guess: with `timeout=1` a request that waits is answered 504 after one second, so its caller can
# go elsewhere. Seen: it is answered 504 when the worker comes to it, here after more than 4 s, since only the worker looks at the clock,
# and only between two pieces of work. Work that has begun is not bounded by it at all, and is 200.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check litserve==0.2.19
cat > server.py <<'PY'
import sys
import time

import litserve


class Slow(litserve.LitAPI):
    def setup(self, device):
        pass

    def predict(self, asked):
        time.sleep(5)
        return {"text": "done"}


if __name__ == "__main__":
    server = litserve.LitServer(Slow(), accelerator="cpu", timeout=1)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
PY
cat > look.py <<'PY'
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "start_new_session": True}
server = subprocess.Popen([sys.executable, "server.py", str(port)], **quiet)


def ready():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return answer.status == 200
    except OSError:
        return False


def call(after):
    time.sleep(after)
    began = time.monotonic()
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/predict", b"{}", {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked) as answer:
            status = answer.status
    except urllib.error.HTTPError as error:
        status = error.code
    return status, round(time.monotonic() - began, 1)


try:
    while not ready():
        time.sleep(0.2)
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(call, (0, 0.5))
finally:
    os.killpg(server.pid, signal.SIGKILL)
print(f"with a timeout of 1 s: the first {first[0]} after {first[1]} s, the second, which waited, {second[0]} after {second[1]} s")
sys.exit(0 if first[0] == 200 and first[1] >= 4.5 and second[0] == 504 and second[1] >= 3.5 else 1)
PY
env/bin/python look.py
