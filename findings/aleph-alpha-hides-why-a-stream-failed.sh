#!/usr/bin/env bash
# Aleph Alpha's client raises a KeyError where a stream tells a failure, and does not heed `Retry-After` in its asyncio form.
# Package: aleph-alpha-client 11.5.1 (PyPI).
# A good guess: an error in a stream raises with the server's words, a stream that breaks off raises, and both clients wait as `Retry-After`
# says, as they retry the same statuses. Seen: `KeyError: 'choices'` without a word of the reason; half a text without an end is whole;
# a comment, or `data:` without a space, is a ValueError; the asyncio client asks again after half a second, and the other after two.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check aleph-alpha-client==11.5.1
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aleph_alpha_client import AsyncClient, Client, CompletionRequest, Prompt
from aleph_alpha_client.chat import ChatRequest, Message, Role

half = 'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "half"}, "finish_reason": null}]}\n\n'
streams = {
    "an error": half + 'data: {"error": {"message": "out of memory"}}\n\n',
    "a cut": half,
    "a comment": ": still here\n\n" + half + "data: [DONE]\n\n",
    "no space": half.replace("data: ", "data:") + "data: [DONE]\n\n",
}
name = None
times = []


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        times.append(time.monotonic())
        body = streams[name].encode() if name else b"{}"
        self.send_response(200 if name else 503)
        self.send_header("retry-after", "2")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
seen = []
pauses = []


async def look():
    global name
    async with AsyncClient("key", host=url, total_retries=1) as client:
        for name in streams:
            got, end = [], "a whole one"
            try:
                async for piece in client.chat_with_streaming(ChatRequest("m", [Message(Role.User, "x")]), "m"):
                    got.append(piece.content)
            except Exception as error:
                end = repr(error)[:24]
            seen.append((got, end))
            print(f"{name}: {got}, then {end}")
        name = None
        times.clear()
        try:
            await client.complete(CompletionRequest(Prompt.from_text("x")), "m")
        except Exception:
            pauses.append(times[1] - times[0])


asyncio.run(look())
times.clear()
try:
    Client("key", host=url, total_retries=1).complete(CompletionRequest(Prompt.from_text("x")), "m")
except Exception:
    pauses.append(times[1] - times[0])
print(f"pauses, where Retry-After is 2: asyncio {pauses[0]:.1f} s, the other {pauses[1]:.1f} s")
refused = "ValueError('Stream item "[:24]
wanted = [(["half"], "KeyError('choices')"), (["half"], "a whole one"), ([], refused), ([], refused)]
sys.exit(seen != wanted or pauses[0] > 1.5 or pauses[1] < 1.9)
PY
env/bin/python look.py
