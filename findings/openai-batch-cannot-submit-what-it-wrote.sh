#!/usr/bin/env bash
# openai-batch fails to submit the file that it has written itself.
# Package: openai-batch 0.3.4 (PyPI), with openai 2.46.0.
# A good guess: `with Batch() as batch`, `add_to_batch` and `submit_wait_download`, as its description shows, uploads the requests. Seen: it
# closes its file and then reads from it, so every submit, to a name of its own, a given name or a file opened for text, raises a ValueError
# before the first request; the file on disk is whole. A dry run, which its tests use, succeeds.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check openai-batch==0.3.4 openai==2.46.0
cat > look.py <<'PY'
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai_batch import Batch
from openai_batch.providers import Provider

requests = 0


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        global requests
        requests += 1
        self.send_error(400)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
provider = Provider(name="here", base_url=f"http://127.0.0.1:{server.server_address[1]}/v1", api_key="key")
seen = []
for name, file in [("a name of its own", None), ("a given name", "given.jsonl"), ("an open file", open("open.jsonl", "w+"))]:
    said = []
    for dry_run in [True, False]:
        with Batch(submission_input_file=file, provider=provider) as batch:
            batch.add_to_batch(model="m", messages=[{"role": "user", "content": "x"}])
            try:
                said.append(batch.submit(dry_run=dry_run))
            except ValueError as error:
                said.append(f"ValueError: {error}")
        if name == "an open file":
            file = open("again.jsonl", "w+")
    seen.append(said)
    print(f"{name}: a dry run gives {said[0]}; submit {said[1]}")
lines = len(open("given.jsonl").read().splitlines())
print(f"requests that came: {requests}; lines in the file with a given name: {lines}")
sys.exit(seen != [["batch-dry-run", "ValueError: I/O operation on closed file."]] * 3 or requests != 0 or lines != 1)
PY
env/bin/python look.py
