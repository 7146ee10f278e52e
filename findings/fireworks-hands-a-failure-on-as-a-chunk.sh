#!/usr/bin/env bash
# The Python clients of Fireworks and of Writer hand a failure within a stream on as a chunk, and end the stream like a whole one.
# Packages: fireworks-ai 1.2.30, writer-sdk 3.0.0; beside them groq 1.7.0, made by the same generator (PyPI).
# A good guess: `{"error": …}` after half a text raises, as in the clients of OpenAI and Groq, which speak the same API, and so does
# `event: error`. Seen: both give Fireworks' caller a chunk whose choices are None, and then the end; Writer's raises at the name alone.
# Who loops over `chunk.choices or []` is not told that the text is half of one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check fireworks-ai==1.2.30 writer-sdk==3.0.0 groq==1.7.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fireworks import Fireworks
from groq import Groq
from writerai import Writer

end = b""
choice = {"index": 0, "delta": {"role": "assistant", "content": "half a"}, "finish_reason": None}
chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode() + end)


def text(create):
    try:
        chunks = create(model="m", messages=[{"role": "user", "content": "x"}], stream=True)
        return "".join(choice.delta.content for chunk in chunks for choice in chunk.choices or [])
    except Exception as error:
        return type(error).__name__


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
options = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}", "max_retries": 0}
fireworks, writer, groq = Fireworks(**options), Writer(**options), Groq(**options)
seen = []
for end in [b'data: {"error": {"message": "no GPU is free", "code": 500}}\n\n', b'event: error\ndata: {"error": {"message": "no GPU is free"}}\n\n']:
    seen.append([text(fireworks.chat.completions.create), text(writer.chat.chat), text(groq.chat.completions.create)])
    print(f"{end.decode().strip()!r}: Fireworks {seen[-1][0]!r}, Writer {seen[-1][1]!r}, Groq {seen[-1][2]!r}")
sys.exit(seen[0][:2] != ["half a", "half a"] or seen[1][0] != "half a" or "Error" not in seen[1][1] or any("Error" not in row[2] for row in seen))
PY
env/bin/python look.py
