#!/usr/bin/env bash
# A stream of Potassium whose generator raises leaves its client waiting without end, and the server is never free again by its own words.
# Package: potassium 0.5.0 (PyPI).
# A good guess: the stream is cut off, so that the client sees that it is not whole, and the server goes on. Seen: what was yielded comes,
# and then nothing, with the connection held open; `/_k/status`, by which a balancer chooses, says `gpu_available: false` from then on,
# though the next call is answered. A background handler that raises has said `{"started": true}`, and nothing tells that it failed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check potassium==0.5.0
cat > server.py <<'PY'
import sys

from potassium import Potassium, Response

app = Potassium("look")


@app.init
def init():
    return {}


@app.handler("/stream")
def stream(context, request):
    def pieces():
        yield b"half"
        raise RuntimeError("out of memory")

    return Response(body=pieces(), status=200)


@app.handler("/plain")
def plain(context, request):
    return Response(json={"ok": True}, status=200)


@app.background("/later")
def later(context, request):
    raise RuntimeError("out of memory")


app.serve(host="127.0.0.1", port=int(sys.argv[1]))
PY
cat > look.py <<'PY'
import http.client
import json
import socket
import subprocess
import sys
import time

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = subprocess.Popen([sys.executable, "server.py", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def ask(method, path, timeout=10):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    connection.request(method, path, b"{}", {"content-type": "application/json"})
    return connection.getresponse()


for _ in range(100):
    try:
        free = json.load(ask("GET", "/_k/status"))["gpu_available"]
        break
    except OSError:
        time.sleep(0.2)
print("free at first:", free)
later = json.load(ask("POST", "/later"))
print("a background handler that raises:", later)
answer = ask("POST", "/stream", 3)
half = answer.read(4)
try:
    end = f"then {answer.read()}"
except TimeoutError:
    end = "then nothing for 3 s"
except http.client.HTTPException as error:
    end = f"then {error!r}"
print(f"a stream whose generator raises: {answer.status} {half}, {end}")
plain = ask("POST", "/plain").status
time.sleep(0.5)
still = json.load(ask("GET", "/_k/status"))["gpu_available"]
print(f"the next call: {plain}; free after that: {still}")
server.kill()
sys.exit(not free or later != {"started": True} or end != "then nothing for 3 s" or plain != 200 or still)
PY
env/bin/python look.py
