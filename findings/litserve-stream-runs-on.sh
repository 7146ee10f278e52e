#!/usr/bin/env bash
# LitServe's stream goes on computing to its end after its client has left.
# Package: litserve 0.2.19 (PyPI). A good guess: a generator that is streamed to a client is closed when the client closes the connection, as
# Starlette's StreamingResponse does it. Seen: the model's process gives all its words, for nobody, and its one worker takes nobody else until then.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check litserve==0.2.19
cat > server.py <<'PY'
import sys
import time

import litserve


class Words(litserve.LitAPI):
    def setup(self, device):
        pass

    def predict(self, asked):
        for number in range(40):
            time.sleep(0.1)
            with open("ticks", "a") as ticks:
                ticks.write("tick\n")
            yield f"{number} "


if __name__ == "__main__":
    server = litserve.LitServer(Words(spec=litserve.OpenAISpec()), accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
PY
cat > look.py <<'PY'
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = ["env/bin/python", "server.py", str(port)]
server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def ready():
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return answer.status == 200
    except OSError:
        return False


def ticks():
    return open("ticks").read().count("tick") if os.path.exists("ticks") else 0


try:
    while not ready():
        time.sleep(0.2)
    body = json.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(head.encode() + body)
        while ticks() < 3:
            client.recv(4096)
    left = ticks()
    time.sleep(5)
    after = ticks()
finally:
    os.killpg(server.pid, signal.SIGKILL)
print(f"words when the client left: {left}; at the end: {after} of 40")
sys.exit(0 if left < 20 and after == 40 else 1)
PY
env/bin/python look.py
