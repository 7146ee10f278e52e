#!/usr/bin/env bash
# boto3 raises an error without a code and a message where a stream tells a failure of a kind that it does not know.
# Package: boto3 1.44.8 (PyPI). A good guess: the frame of an exception names its kind and has a message, as those of the kinds that are in the
# service's model do, so the error gives both, as it does for any kind in a plain answer. Seen: "An error occurred () when calling the
# ConverseStream operation: ", with an empty Code, so who waits and asks again after "throttlingException" does not know a new kind of it, and
# the log says nothing. A frame that breaks off at the end of the body is dropped without an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check boto3==1.44.8
cat > look.py <<'PY'
import json
import struct
import sys
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
from botocore.config import Config
from botocore.exceptions import EventStreamError

body = b""


def frame(payload, **headers):
    packed = b""
    for name, value in {"content_type": "application/json", **headers}.items():
        name = f":{name.replace('_', '-')}"
        packed += bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
    data = json.dumps(payload).encode()
    lengths = struct.pack(">II", 16 + len(packed) + len(data), len(packed))
    head = lengths + struct.pack(">I", zlib.crc32(lengths))
    return head + packed + data + struct.pack(">I", zlib.crc32(head + packed + data))


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "application/vnd.amazon.eventstream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
own = Config(retries={"total_max_attempts": 1})
keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
client = boto3.client("bedrock-runtime", endpoint_url=f"http://127.0.0.1:{server.server_address[1]}", config=own, **keys)


def look(sent):
    global body
    body = sent
    seen = []
    try:
        for event in client.converse_stream(modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}])["stream"]:
            seen.append(next(iter(event)))
    except EventStreamError as error:
        seen.append(error.response["Error"])
    return seen


start = frame({"role": "assistant"}, message_type="event", event_type="messageStart")
stop = frame({"stopReason": "end_turn"}, message_type="event", event_type="messageStop")
why = {"message": "come back later"}
known = look(start + frame(why, message_type="exception", exception_type="throttlingException"))
unknown = look(start + frame(why, message_type="exception", exception_type="quotaException"))
cut = look(start + stop[:-5])
print("a kind that it knows:", known)
print("one that it does not know:", unknown)
print("a frame that breaks off:", cut)
good = ["messageStart", {"Code": "throttlingException", "Message": "come back later"}]
sys.exit(0 if known == good and unknown == ["messageStart", {"Code": "", "Message": ""}] and cut == ["messageStart"] else 1)
PY
env/bin/python look.py
