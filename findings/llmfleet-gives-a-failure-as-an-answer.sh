#!/usr/bin/env bash
# llmfleet gives a call that failed, expired or was canceled in a batch of Anthropic's as its answer, and starts a batch when the last has ended.
# Package: llmfleet 0.1.0 (PyPI), with anthropic 2.14.0.
# A good guess: `submit` raises for a request whose result is of the type "errored" or "expired", as it does where a direct call is refused,
# and returns a message else. Seen: errors are looked for in a member that Anthropic's results don't have, so the failure is returned, an object
# with neither text nor usage; and a second batch is ordered only after the first, which may take a day, though its requests wait.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check llmfleet==0.1.0 anthropic==2.14.0
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import anthropic
from llmfleet import FleetDispatcher, RoutingPolicy

batches, log = [], []
message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "a cat"}]}
message.update(stop_reason="end_turn", stop_sequence=None, usage={"input_tokens": 1, "output_tokens": 1})
error = {"type": "error", "error": {"type": "invalid_request_error", "message": "max_tokens is missing"}}
outcomes = {"good": {"type": "succeeded", "message": message}, "bad": {"type": "errored", "error": error}, "late": {"type": "expired"}}


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        number = self.path.split("/")[-1]
        if self.path.endswith("/results"):
            lines = [{"custom_id": one["custom_id"], "result": outcomes[one["params"]["model"]]} for one in batches[int(self.path.split("/")[-2])][0]]
            data = "".join(json.dumps(line) + "\n" for line in lines).encode()
        else:
            if self.command == "POST":
                number = len(batches)
                batches.append([json.loads(body)["requests"], 0])
                log.append(f"order {number}")
            batch = batches[int(number)]
            batch[1] += 1
            # A batch has ended at its third poll.
            ended = batch[1] > 3
            if ended:
                log.append(f"end {number}")
            value = {"id": str(number), "type": "message_batch", "processing_status": "ended" if ended else "in_progress"}
            value["results_url"] = f"{url}/v1/messages/batches/{number}/results" if ended else None
            data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"


async def run():
    client = anthropic.Anthropic(api_key="key", base_url=url, max_retries=0)
    policy = RoutingPolicy(batch_window_ms=100, batch_max_size=3, poll_interval_s=0.05)
    async with FleetDispatcher(client, policy) as fleet:
        calls = [fleet.submit(model=name, max_tokens=1, messages=[]) for name in ["good", "bad", "late", "good"]]
        return await asyncio.gather(*calls, return_exceptions=True)


answers = asyncio.run(run())
seen = [f"raised {one}" if isinstance(one, Exception) else f"returned {one.type}" for one in answers]
orders = [entry for index, entry in enumerate(log) if entry not in log[:index]]
print(f"a good request, a bad one, one that expired, a good one: {seen}")
print(f"the two batches: {orders}")
wanted = ["returned succeeded", "returned errored", "returned expired", "returned succeeded"]
sys.exit(seen != wanted or orders[:3] != ["order 0", "end 0", "order 1"])
PY
env/bin/python look.py
