#!/usr/bin/env bash
# httpx does not tell a server of HTTP/2 that it has left a stream, so the server sends it to its end.
# Package: httpx 0.28.1 and httpx2 2.16.2, with h2 4.4.1 (PyPI). A good guess: who leaves `client.stream(...)` before its end, or is canceled
# within it, has the stream reset, as HTTP/1.1 has its connection closed. Seen: no RST_STREAM is sent, the whole stream comes over the
# connection and is thrown away, and a model goes on for a user who has gone; over HTTP/1.1 the server sees the connection close.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check httpx==0.28.1 httpx2==2.16.2 h2==4.4.1
cat > look.py <<'PY'
import asyncio
import importlib
import sys

import h2.config
import h2.connection
import h2.events

PIECES = 40


class Server:
    """Sends pieces of a stream until its end or until it learns that its reader has left."""

    def __init__(self):
        self.sent = 0
        self.told = False
        self.over = asyncio.Event()

    async def pieces(self, send):
        while self.sent < PIECES and not self.told:
            await send()
            self.sent += 1
            await asyncio.sleep(0.02)
        self.over.set()

    async def second(self, reader, writer):
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        work = []
        while True:
            writer.write(connection.data_to_send())
            try:
                data = await reader.read(65535)
            except (ConnectionResetError, asyncio.CancelledError):
                data = b""
            if not data:
                break
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    stream = event.stream_id
                    connection.send_headers(stream, [(":status", "200"), ("content-type", "text/event-stream")])

                    async def send():
                        connection.send_data(stream, b"data: x\n\n")
                        writer.write(connection.data_to_send())

                    work.append(asyncio.create_task(self.pieces(send)))
                elif isinstance(event, h2.events.StreamReset):
                    self.told = True
        writer.close()

    async def first(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")

        async def send():
            writer.write(b"data: x\n\n")

        work = asyncio.create_task(self.pieces(send))
        try:
            self.told = not await reader.read(1)
        except ConnectionResetError:
            self.told = True
        await work
        writer.close()


async def leave(client):
    async with client.stream("GET", "/") as answer:
        async for _ in answer.aiter_raw():
            return


async def be_canceled(client):
    async def read():
        async with client.stream("GET", "/") as answer:
            async for _ in answer.aiter_raw():
                pass

    task = asyncio.create_task(read())
    await asyncio.wait([task], timeout=0.2)
    task.cancel()
    await asyncio.wait([task])


async def look(name, http2, act):
    server = Server()
    listening = await asyncio.start_server(server.second if http2 else server.first, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    async with importlib.import_module(name).AsyncClient(http1=not http2, http2=http2, base_url=url, timeout=10) as client:
        await act(client)
        await asyncio.wait_for(server.over.wait(), 20)
    listening.close()
    return server.told, server.sent


async def main():
    seen = {}
    for name in ("httpx", "httpx2"):
        for http2 in (False, True):
            for act in (leave, be_canceled):
                told, sent = await look(name, http2, act)
                print(f"{name}, HTTP/{2 if http2 else 1.1}, {act.__name__}: told {told}, sent {sent} of {PIECES}")
                seen.setdefault(http2, []).append((told, sent == PIECES))
    return seen


seen = asyncio.run(main())
sys.exit(0 if set(seen[False]) == {(True, False)} and set(seen[True]) == {(False, True)} else 1)
PY
env/bin/python look.py
