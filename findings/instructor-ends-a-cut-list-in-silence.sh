#!/usr/bin/env bash
# instructor leaves out the rest of a list that was cut at `max_tokens` when it streams, and takes half a number for the whole.
# Package: instructor 1.17.0 with openai 3.3.0 (PyPI).
# A good guess: a stream that ends with the reason `length` raises IncompleteOutputException at its end, as `create` does for the same
# reason. Seen: `create_iterable` gives the items that are whole and ends as for a whole list; the last value of `create_partial`, which
# passes as a valid model, has the age 4 where the model was about to say 42. The same for a stream that breaks off. Neither tells.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check instructor==1.17.0 openai==3.3.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import instructor
from openai import OpenAI
from pydantic import BaseModel

text, reason = "", None


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        if json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream"):
            chunks = [choice("chat.completion.chunk", delta={"content": letter}, finish_reason=None) for letter in text]
            if reason is not None:
                chunks += [choice("chat.completion.chunk", delta={}, finish_reason=reason), "[DONE]"]
            self.give("text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in chunks))
        else:
            self.give("application/json", choice("chat.completion", message={"role": "assistant", "content": text}, finish_reason=reason))

    def give(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


def choice(kind, **members):
    return json.dumps({"id": "1", "object": kind, "created": 1, "model": "m", "choices": [{"index": 0, **members}]})


class Person(BaseModel):
    name: str
    age: int


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
openai = OpenAI(base_url=f"http://127.0.0.1:{server.server_address[1]}", api_key="key", max_retries=0)
client = instructor.from_openai(openai, mode=instructor.Mode.JSON)
common = {"response_model": Person, "messages": [{"role": "user", "content": "x"}], "model": "m", "max_retries": 1}


def attempt(call):
    try:
        return call()
    except Exception as error:
        return type(error).__name__


people = '{"tasks": [{"name": "Ann", "age": 42}, {"name": "Bob", "age": 7}]}'
person = '{"name": "Ann", "age": 42}'
seen = {}
for why, cut in [("stop", False), ("length", True), (None, True)]:
    reason = why
    text = people[:50] if cut else people
    items = attempt(lambda: [item.name for item in client.chat.completions.create_iterable(**common)])
    text = person[:-2] if cut else person
    partial = attempt(lambda: Person.model_validate(list(client.chat.completions.create_partial(**common))[-1].model_dump()).age)
    whole = attempt(lambda: client.chat.completions.create(**common).age)
    seen[why] = (items, partial, whole)
    print(f"{why}: the list {items}, the last partial age {partial}, without a stream {whole}")
silent = (["Ann"], 4)
sys.exit(seen["stop"] != (["Ann", "Bob"], 42, 42) or seen["length"] != (*silent, "IncompleteOutputException") or seen[None][:2] != silent)
PY
env/bin/python look.py
