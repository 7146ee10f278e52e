#!/usr/bin/env bash
# llm-batch-runner gives one model's answer for another, as its cache on disk knows the messages alone.
# Package: llm-batch-runner 0.1.0 (PyPI), with openai 3.57.0.
# A good guess: a second run in the same folder with another model, temperature or schema asks anew, since the file of the cache names the model.
# Seen: the key is a hash of the messages, so the second model's results are the first one's, marked as successes; a run with a schema
# gets the plain text of a run without one, unchecked; and the name of the model in the file is not looked at.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check llm-batch-runner==0.1.0 openai==3.57.0
cat > look.py <<'PY'
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from llm_batch_runner import LLMBatchRunner
from pydantic import BaseModel

asked = []


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        model = json.loads(self.rfile.read(int(self.headers["content-length"])))["model"]
        asked.append(model)
        value = {"id": "1", "object": "chat.completion", "created": 1, "model": model}
        value["choices"] = [{"index": 0, "message": {"role": "assistant", "content": f"I am {model}"}, "finish_reason": "stop"}]
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Answer(BaseModel):
    score: float


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
config = {"api_key": "key", "base_url": f"http://127.0.0.1:{server.server_address[1]}/v1", "max_retries": 0}
messages = [[{"role": "user", "content": "Who are you?"}]]
seen = []
for model, schema, temperature in [("small", None, 0.0), ("large", None, 0.0), ("small", None, 1.0), ("small", Answer, 0.0)]:
    options = {"cache_dir": "cache", "show_progress": False, "temperature": temperature, "n_retries": 1}
    [result] = LLMBatchRunner(schema, messages, 1, config, model, **options).run()
    seen.append((result["success"], result["output"]))
    print(f"{model}, {schema.__name__ if schema else 'no schema'}, temperature {temperature}: {result['output']!r}, success {result['success']}")
print(f"models that were asked: {asked}")
sys.exit(seen != [(True, "I am small")] * 4 or asked != ["small"])
PY
env/bin/python look.py
