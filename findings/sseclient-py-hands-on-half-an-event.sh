#!/usr/bin/env bash
# sseclient-py hands on the event that a stream broke off in, as if it were whole.
# Package: sseclient-py 1.8.0 (PyPI), beside httpx-sse 0.4.3 with httpx 0.28.1.
# A good guess: an event is one when its empty line has come; what is left at the end of the stream is dropped, as the specification of
# server-sent events demands ("discard any pending data"), and as httpx-sse does.
# Seen: a stream that ends within `data: 120` gives an event "12", and one that ends in the second line of an event gives what came.
# Half of a JSON object fails to parse, but half of a number or of a text does not: its reader takes it for the answer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check sseclient-py==1.8.0 httpx-sse==0.4.3 httpx==0.28.1
cat > look.py <<'PY'
import sys

import httpx
import httpx_sse
import sseclient

STREAMS = {
    "whole": [b"data: 7\n\n", b"data: 120\n\n"],
    "cut in a line": [b"data: 7\n\n", b"data: 12"],
    "cut between lines": [b"data: 7\n\n", b"data: first\n", b"data: sec"],
}


def by_sseclient(chunks):
    return [event.data for event in sseclient.SSEClient(iter(chunks)).events()]


def by_httpx_sse(chunks):
    def answer(_):
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(b"".join(chunks)))

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        with httpx_sse.connect_sse(client, "GET", "http://127.0.0.1/") as source:
            return [event.data for event in source.iter_sse()]


seen = {name: (by_sseclient(chunks), by_httpx_sse(chunks)) for name, chunks in STREAMS.items()}
for name, (first, second) in seen.items():
    print(f"{name:18} sseclient-py {first}   httpx-sse {second}")
expected = {
    "whole": (["7", "120"], ["7", "120"]),
    "cut in a line": (["7", "12"], ["7"]),
    "cut between lines": (["7", "first\nsec"], ["7"]),
}
sys.exit(0 if seen == expected else 1)
PY
python/bin/python look.py
