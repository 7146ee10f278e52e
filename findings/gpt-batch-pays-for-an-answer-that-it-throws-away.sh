#!/usr/bin/env bash
# gpt-batch makes a slow request three times and throws every answer away, and its list of what is missing does not name it.
# Package: gpt-batch 0.1.9 (PyPI), with openai 2.8.1 and anthropic 0.75.0.
# A good guess: `timeout_duration` ends a request, `retry_attempts=2` makes it at most once or twice more, and `get_miss_index()` names each
# request that has no answer. Seen: a request whose time is over runs on, to its end, beside the next attempt; a third is sent when the last
# wait is over, and nobody waits for it; and a request without an answer is named only if it failed, or if it stands at the list's end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
install() { python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check "$@"; }
install openai==2.8.1 anthropic==0.75.0 tqdm
install --no-deps gpt-batch==0.1.9
cat > look.py <<'PY'
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gpt_batch import GPTBatcher

asked, answered = [], []
together = 0
most = 0


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        global together, most
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = body["messages"][-1]["content"]
        asked.append(text)
        if text == "slow":
            together += 1
            most = max(most, together)
            # Three times as long as the client waits.
            time.sleep(3)
            together -= 1
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"answer to {text}"}}
        value = {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        answered.append(text)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}/v1/"
batcher = GPTBatcher("key", model_name="m", api_base_url=url, num_workers=8, timeout_duration=1, retry_attempts=2)
answers = batcher.handle_message_list(["one", "slow", "three"])
missing = list(batcher.get_miss_index())
deadline = time.monotonic() + 20
while answered.count("slow") < 3 and time.monotonic() < deadline:
    time.sleep(0.05)
print(f"its answers: {answers}; what it says is missing: {missing}")
print(f"the slow request was made {asked.count('slow')} times, {most} of them at once, and answered {answered.count('slow')} times")
wanted = ["answer to one", None, "answer to three"]
sys.exit(not (answers == wanted and missing == [] and answered.count("slow") == 3 and most > 1))
PY
env/bin/python look.py 2>errors.txt || { cat errors.txt; exit 1; }
