"""Our own Python client, as its guide shows it."""

import asyncio
import hashlib
import os
import socket
import sys
import tempfile
import threading
import time
from datetime import datetime, timezone
from urllib.parse import urlsplit

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "client", "python"))
from claimcheck import ApiError, AsyncClaimcheck, Claimcheck, InferenceFailed, InvalidSignature, WaitTimeout, verify  # noqa: E402
from looks import KEY, URL, look, raised  # noqa: E402
from standardwebhooks import Webhook  # noqa: E402

client = Claimcheck(URL, KEY)


class Cutting:
    """A proxy that breaks off the first connections, each after so many bytes of the answer."""

    def __init__(self, *after):
        self.after = list(after)
        self.cut = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            theirs, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(theirs, self.after.pop(0) if self.after else None), daemon=True).start()

    def carry(self, theirs, left):
        ours = socket.create_connection((urlsplit(URL).hostname, urlsplit(URL).port))
        threading.Thread(target=self.copy, args=(theirs, ours), daemon=True).start()
        while chunk := ours.recv(65536):
            theirs.sendall(chunk if left is None else chunk[:left])
            left = None if left is None else left - len(chunk)
            if left is not None and left <= 0:
                self.cut += 1
                theirs.shutdown(socket.SHUT_RDWR)
                return

    def copy(self, source, sink):
        while chunk := source.recv(65536):
            sink.sendall(chunk)


@look("run")
def _():
    output = client.run("echo", {"text": "a 🙂"}, metadata={"order": "1"})
    return output == {"text": "a 🙂"}, output


@look("submit, wait, result")
def _():
    inference = client.submit("echo", {"text": "b"})
    began = time.monotonic()
    done = client.wait(inference)
    again = client.get(done.id, logs=True)
    good = done.succeeded and client.result(done) == {"text": "b"} and again.raw["logs"][-1]["event"] == "succeeded"
    return good and time.monotonic() - began < 2, f"{inference.status}, then {done.status}"


@look("async: 50 runs at once")
def _():
    async def go():
        async with AsyncClaimcheck(URL, KEY) as it:
            return await asyncio.gather(*(it.run("echo", {"n": n}) for n in range(50)))

    outputs = asyncio.run(go())
    return outputs == [{"n": n} for n in range(50)], f"{len(outputs)} outputs"


@look("an unknown model")
def _():
    good, saw = raised(lambda: client.run("nope", {}), ApiError)
    return good and "model_not_found" in saw, saw


@look("a wrong option")
def _():
    good, saw = raised(lambda: client.submit("echo", {}, priority=12), ApiError)
    return good and "priority" in saw, saw


@look("a wrong key")
def _():
    good, saw = raised(lambda: Claimcheck(URL, "ck_nope").get("0190a5b2-0000-7000-8000-000000000000"), ApiError)
    return good and "invalid_key" in saw, saw


@look("cancel, WaitTimeout, InferenceFailed")
def _():
    waiting = client.submit("nobody", {"text": "c"})
    first, _saw = raised(lambda: client.wait(waiting, timeout=0.3), WaitTimeout)
    canceled = client.cancel(waiting)
    again = client.cancel(waiting)
    failed, saw = raised(lambda: client.run("nobody", {"text": "d"}, max_time_in_queue_seconds=10, cancel_after_seconds=1), InferenceFailed)
    return first and failed and canceled.status == again.status == "canceled", f"{canceled.status}; {saw}"


@look("redrive and delete")
def _():
    done = client.wait(client.submit("echo", {"text": "e"}))
    refused, saw = raised(lambda: client.redrive(done), ApiError)
    client.delete(done)
    gone, _saw = raised(lambda: client.get(done), ApiError)
    return refused and gone, saw


@look("upload, and run with the file")
def _():
    file = client.upload(b"a,b\n1,2\n", name="t.csv", content_type="text/csv")
    return file.bytes == 8 and file.reference.startswith("claimcheck:file/"), f"{file.bytes} bytes, {file.content_type}"


@look("upload in parts, broken off and resumed")
def _():
    whole = os.urandom(20 * 1024 * 1024 + 5)
    number = []

    class Stopped(Exception):
        pass

    def stop(through, total):
        raise Stopped

    try:
        client.upload(whole, name="big.bin", started=number.append, progress=stop)
    except Stopped:
        pass
    seen = []
    file = client.upload(whole, resume=number[0], progress=lambda through, total: seen.append((through, total)))
    good = file.bytes == len(whole) and file.id == number[0] and seen[0][0] > 8 * 1024 * 1024 and len(seen) == 2
    return good, f"{file.bytes} bytes, {len(seen)} of 3 parts sent again"


@look("async upload and download")
def _():
    async def go(folder):
        async with AsyncClaimcheck(URL, KEY) as it:
            text = "x" * 300_000
            done = await it.wait(await it.submit("echo", {"text": text}))
            path = os.path.join(folder, "result.json")
            size = await it.download(done, path)
            with open(path, "rb") as stream:
                same = hashlib.sha256(stream.read()).hexdigest()
            file = await it.upload(text.encode(), name="x.txt")
            return size, same, file.bytes

    with tempfile.TemporaryDirectory() as folder:
        size, same, sent = asyncio.run(go(folder))
    wanted = b'{"text":"' + b"x" * 300_000 + b'"}'
    return size == len(wanted) and same == hashlib.sha256(wanted).hexdigest() and sent == 300_000, f"{size} bytes"


@look("submit_many, and list by metadata")
def _():
    lines = [{"model": "echo" if n % 50 else "nope", "input": {"n": n}, "metadata": {"batch": "many"}} for n in range(120)]
    results = client.submit_many(lines)
    refused = [n for n, one in enumerate(results) if isinstance(one, ApiError)]
    listed = list(client.list(metadata={"batch": "many"}, limit=50))
    done = [client.wait(one) for one in results if not isinstance(one, ApiError)]
    good = refused == [0, 50, 100] and {one.id for one in listed} == {one.id for one in done} and all(one.succeeded for one in done)
    return good, f"{len(listed)} accepted and listed, {len(refused)} refused: {results[0].code}"


@look("events of one inference, and of all, sync and async")
def _():
    inference = client.submit("echo", {"text": "g"})
    one = [event["type"] for event in client.events(inference)]
    seen = []

    async def watch(it):
        async for event in it.events(metadata={"watched": "1"}):
            seen.append(event["type"])
            if event["type"] == "final":
                return

    async def go():
        async with AsyncClaimcheck(URL, KEY) as it:
            watching = asyncio.create_task(watch(it))
            # The stream begins with now: what was submitted before it was open is not in it.
            while not watching.done():
                await it.run("echo", {"text": "h"}, metadata={"watched": "1"})
                await asyncio.wait([watching], timeout=0.5)
            await watching

    asyncio.run(asyncio.wait_for(go(), 30))
    return one[-1] == seen[-1] == "final", f"{', '.join(one)}; of all: {', '.join(seen)}"


@look("me and usage")
def _():
    me, used = client.me(), client.usage(by="model")
    models = {row["model"]: row["inferences"]["succeeded"] for row in used["data"]}
    return me["key"]["scopes"] and models.get("echo", 0) > 100, f"scopes {', '.join(me['key']['scopes'])}; usage by model: {', '.join(sorted(models))}"


@look("connections that are cut, sync and async")
def _():
    proxy = Cutting(1, 40, 200)
    output = Claimcheck(proxy.url, KEY).run("echo", {"text": "f"})
    other = Cutting(1, 40, 200)

    async def go():
        async with AsyncClaimcheck(other.url, KEY) as it:
            return await it.run("echo", {"text": "f"})

    return output == asyncio.run(go()) == {"text": "f"} and proxy.cut == other.cut == 3, f"{output} after {proxy.cut} and {other.cut} cuts"


@look("download that is cut")
def _():
    done = client.wait(client.submit("echo", {"text": "y" * 3_000_000}))
    proxy = Cutting(1_000_000, 800_000)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.json")
        size = Claimcheck(proxy.url, KEY).download(done, path)
        with open(path, "rb") as stream:
            good = stream.read() == b'{"text":"' + b"y" * 3_000_000 + b'"}'
    return good and proxy.cut == 2, f"{size} bytes after {proxy.cut} cuts"


@look("verify what the standard's own library signed")
def _():
    secret, body, now = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"type":"inference.succeeded"}', datetime.now(timezone.utc)
    headers = {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(now.timestamp())),
        "Webhook-Signature": "v1,AAAA " + Webhook(secret).sign("msg_1", now, body),
    }
    event = verify(secret, body.encode(), headers)
    late, saw = raised(lambda: verify(secret, body, headers, now=now.timestamp() + 301), InvalidSignature)
    other, _saw = raised(lambda: verify(secret, body + " ", headers), InvalidSignature)
    return event == {"type": "inference.succeeded"} and late and other, saw
