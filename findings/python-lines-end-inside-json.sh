#!/usr/bin/env bash
# Three Python clients of this field end a line inside a JSON text, and so fail at a stream or file that is valid.
# Packages: ollama 0.6.3 with httpx 0.28.1, huggingface_hub 2.4.0 and openai 3.57.0 with httpx2 2.16.2 (PyPI).
# A good guess: lines of JSON, and of server-sent events, end at LF or CR. JSON may hold U+0085, U+2028 and U+2029 in a text as they
# are: Go's writer leaves the first so, those of JavaScript and pydantic all three. So every reader passes them over.
# Seen: ollama's and Hugging Face's stream, and `iter_lines` of a file of OpenAI's batches, end lines where Python's str.splitlines
# does, at each of the three, and raise a JSONDecodeError. OpenAI's chat stream of the same client is read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check ollama==0.6.3 huggingface_hub==2.4.0 openai==3.57.0 httpx==0.28.1 httpx2==2.16.2
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import ollama
import openai

text = ""


def written(value):
    return json.dumps(value, ensure_ascii=False)


def chat():
    delta = {"role": "assistant", "content": text}
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]}
    return "text/event-stream", f"data: {written(chunk)}\n\ndata: [DONE]\n\n"


def lines_of_ollama():
    part = {"model": "m", "message": {"role": "assistant", "content": text}, "done": True, "done_reason": "stop"}
    return "application/x-ndjson", f"{written(part)}\n"


def file():
    return "application/octet-stream", f"{written({'custom_id': text})}\n"


ANSWERS = {"/v1/chat/completions": chat, "/api/chat": lines_of_ollama, "/v1/files/f/content": file}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        content_type, body = ANSWERS[self.path]()
        data = body.encode()
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_address[1]}"
messages = [{"role": "user", "content": "x"}]
of_ollama = ollama.Client(host=base)
of_hugging_face = huggingface_hub.InferenceClient(base_url=f"{base}/v1", api_key="key")
of_openai = openai.OpenAI(base_url=f"{base}/v1", api_key="key", max_retries=0)
READERS = {
    "ollama": lambda: "".join(part.message.content for part in of_ollama.chat(model="m", messages=messages, stream=True)),
    "huggingface_hub": lambda: "".join(part.choices[0].delta.content for part in of_hugging_face.chat_completion(messages, model="m", stream=True)),
    "openai, file": lambda: "".join(json.loads(line)["custom_id"] for line in of_openai.files.content("f").iter_lines()),
    "openai, chat": lambda: "".join(
        part.choices[0].delta.content for part in of_openai.chat.completions.create(model="m", messages=messages, stream=True)
    ),
}


def outcome(read):
    try:
        return "read" if read() == text else "read otherwise"
    except Exception as error:
        return type(error).__name__


seen = []
for text in ["a b", "a\u0085b", "a\u2028b", "a\u2029b"]:
    seen.append([outcome(read) for read in READERS.values()])
    print(f"{text!r:10}", *(f"{name}: {what}" for name, what in zip(READERS, seen[-1])), sep="  ")
fails = "JSONDecodeError"
sys.exit(0 if seen == [["read"] * 4, *[[fails, fails, fails, "read"]] * 3] else 1)
PY
env/bin/python look.py
