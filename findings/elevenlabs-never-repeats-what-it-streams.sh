#!/usr/bin/env bash
# ElevenLabs' Python client does not try a text to speech again, whatever `max_retries` says, and has no use for `Retry-After: 0`.
# Package: elevenlabs 2.78.0 (PyPI).
# A good guess: `request_options={"max_retries": 3}`, which each of its calls takes, tries three times more after a 503, as listing the models
# does twice by default. Seen: convert(), the main call, is asked once, since it is read as a stream, and so it is for a 429 too. Where it does try
# again, `Retry-After: 0` and `retry-after-ms: 50` mean a second, as if they were not there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check elevenlabs==2.78.0
cat > look.py <<'PY'
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from elevenlabs.client import ElevenLabs

status, headers, times = 503, {}, []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        times.append(time.monotonic())
        self.send_response(status if len(times) == 1 else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    do_GET = do_POST = answer


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = ElevenLabs(api_key="key", base_url=f"http://127.0.0.1:{server.server_address[1]}")
options = {"max_retries": 3}
calls = {
    "models.list": lambda: client.models.list(request_options=options),
    "text_to_speech.convert": lambda: b"".join(client.text_to_speech.convert("voice", text="x", request_options=options)),
}
seen = []
for name, call in calls.items():
    for status, headers in [(503, {"retry-after": "0"}), (429, {"retry-after-ms": "50"})]:
        times.clear()
        try:
            call()
            said = "an answer"
        except Exception as error:
            said = type(error).__name__
        waited = len(times) > 1 and times[1] - times[0] > 0.8
        seen.append((said, len(times), waited))
        pause = f", after {times[1] - times[0]:.1f} s" if len(times) > 1 else ""
        print(f"{name}, {status} with {headers}: asked {len(times)} times{pause}, then {said}")
sys.exit(seen != [("an answer", 2, True)] * 2 + [("ApiError", 1, False)] * 2)
PY
env/bin/python look.py
