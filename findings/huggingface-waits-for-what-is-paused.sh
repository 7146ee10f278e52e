#!/usr/bin/env bash
# Hugging Face's client waits without end for an inference endpoint that is paused or scaled to zero, and for one whose health is refused.
# Package: huggingface_hub 2.4.0 (PyPI).
# A good guess: `wait` raises for what can't become ready by waiting, as it does for `failed`: a paused endpoint stays paused until somebody
# resumes it, and one that is scaled to zero until somebody asks it. Seen: it asks on until its timeout, by default for ever; it never
# asks the endpoint itself, which would start it; a running one whose health is 401 for the token is asked again and again too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check huggingface_hub==2.4.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huggingface_hub import InferenceEndpoint, constants

state = health = None
asked = []


def raw():
    status = {"state": state, "message": "", "url": url, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z"}
    model = {"repository": "a/b", "framework": "custom", "revision": None, "task": "custom"}
    return {"name": "e", "type": "protected", "status": status, "model": model, "healthRoute": "/health"}


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        own = self.path == "/health"
        asked.append("endpoint" if own else "API")
        body = b"{}" if own else json.dumps(raw()).encode()
        self.send_response(health if own else 200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
constants.INFERENCE_ENDPOINTS_ENDPOINT = url
from huggingface_hub import hf_api

seen = []
for state, health in [("running", 200), ("failed", 200), ("paused", 200), ("scaledToZero", 200), ("running", 401)]:
    asked.clear()
    endpoint = InferenceEndpoint.from_raw(raw(), namespace="n", token="token", api=hf_api.HfApi(token="token"))
    try:
        outcome = endpoint.wait(timeout=2, refresh_every=1).status
    except Exception as error:
        outcome = type(error).__name__
    seen.append((outcome, "endpoint" in asked, len(asked) > 2))
    print(f"{state}, health {health}: {outcome}; asked {asked}")
late = "InferenceEndpointTimeoutError"
expected = [("running", True, False), ("InferenceEndpointError", False, False), (late, False, False), (late, False, False), (late, True, True)]
sys.exit([x[:2] for x in seen] != [x[:2] for x in expected])
PY
env/bin/python look.py
