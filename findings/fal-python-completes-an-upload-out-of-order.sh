#!/usr/bin/env bash
# fal's Python client completes an upload in parts with the parts in the order in which they ended, and fails it for one part's 429.
# Package: fal-client 1.0.3 (PyPI), against a server here.
# A good guess: the list that completes an upload names the parts by ascending number, as stores of the S3 kind require, and a part that is
# answered 429 is sent again, as the start and the end of the upload are. Seen: a part that ends late stands last, whatever its
# number, in the list of both clients, which such a store refuses as out of order; and a part is sent once, so that gigabytes are given up.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check fal-client==1.0.3
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fal_client
from fal_client import client as module

last, order, puts, refused = threading.Event(), [], [], False


class Server(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, value, part = 200, {}, self.path.split("/")[-1]
        if "auth/token" in self.path:
            value = {"token": "t", "token_type": "Bearer", "base_url": url, "expires_at": "2100-01-01T00:00:00+00:00"}
        elif self.path.endswith("/files/upload/multipart"):
            value = {"access_url": f"{url}/file", "uploadId": "1"}
        elif self.path.endswith("/complete"):
            order[:] = [one["partNumber"] for one in json.loads(body)["parts"]]
        else:
            puts.append(part)
            status = 429 if refused and part == "2" else 200
            if part == "3":
                last.set()
            elif part == "1":
                # The first part is answered when the last has been.
                last.wait(5)
                threading.Event().wait(0.5)
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("etag", f'"{part}"')
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_PUT = do_POST


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
module.REST_URL = url
file = {"file_name": "a.bin", "data": b"aaaabbbbcccc", "chunk_size": 4}


def sync():
    client = fal_client.SyncClient(key="key")
    return module.MultipartUpload.save(client=client._get_cdn_client(), token_manager=client._token_manager, **file)


async def asynchronous():
    client = fal_client.AsyncClient(key="key")
    async with client._cdn_client() as cdn:
        return await module.AsyncMultipartUpload.save(client=cdn, token_manager=await client._token_manager, **file)


seen = []
for name, save in [("threads", sync), ("asyncio", lambda: asyncio.run(asynchronous())), ("threads, one part is refused once", sync)]:
    refused = "refused" in name
    last.clear()
    order.clear()
    puts.clear()
    try:
        save()
        said = f"completed with the parts {order}"
    except module.FalClientHTTPError as error:
        said = f"raised {error.status_code}"
    seen.append((said, sorted(puts)))
    print(f"{name}: {said}; sent: {sorted(puts)}")
late = "completed with the parts [2, 3, 1]", ["1", "2", "3"]
again = "completed with the parts [3, 2, 1]", ["1", "2", "3"]
sys.exit(not (all(one in (late, again) for one in seen[:2]) and seen[2] == ("raised 429", ["1", "2", "3"])))
PY
env/bin/python look.py
