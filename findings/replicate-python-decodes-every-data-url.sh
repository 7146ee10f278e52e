#!/usr/bin/env bash
# Replicate's Python client decodes every data URL as base64, also one that is not, and gives other bytes without a word.
# Package: replicate 1.0.7 (PyPI), beside replicate 1.4.0 (npm).
# A good guess: a data URL is base64 if it says ";base64", as RFC 2397 has it, and otherwise the text itself, percent-encoded. An SVG
# picture comes so. The JavaScript client reads both.
# Seen: "data:text/plain,hello%20world" gives 9 bytes that are no text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check replicate==1.0.7
npm init -y >/dev/null
npm install --silent --no-fund --no-audit replicate@1.4.0
cat > look.mjs <<'JS'
import Replicate from "replicate";

const client = new Replicate({ auth: "key", baseUrl: `${process.argv[2]}/v1` });
const output = await client.run("owner/model", { input: {} });
process.stdout.write(Buffer.from(await (await output.blob()).arrayBuffer()));
JS
cat > look.py <<'PY'
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import replicate

output = ""


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        times = {"created_at": "2026-01-01T00:00:00Z", "started_at": None, "completed_at": None}
        prediction = {"id": "p", "model": "owner/model", "version": "v", "status": "succeeded", "input": {}, "logs": "", "error": None}
        data = json.dumps({**prediction, **times, "urls": {"get": base, "cancel": base}, "output": output}).encode()
        self.send_response(201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}"
client = replicate.Client(api_token="key", base_url=base)
seen = []
for output in ["data:text/plain;base64,aGVsbG8gd29ybGQ=", "data:text/plain,hello%20world"]:
    javascript = subprocess.run(["node", "look.mjs", base], capture_output=True, check=True).stdout
    seen.append((client.run("owner/model", input={}).read(), javascript))
    print(f"{output}: Python {seen[-1][0]}   JavaScript {javascript}")
text = b"hello world"
sys.exit(0 if seen == [(text, text), (b"\x85\xe9e\xa3m0\xa2\xb9]", text)] else 1)
PY
env/bin/python look.py
