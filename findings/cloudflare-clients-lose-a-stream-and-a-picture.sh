#!/usr/bin/env bash
# Cloudflare's clients lose what Workers AI answers as a stream or a picture, once the model has computed it.
# Packages: cloudflare 7.3.0 (npm), cloudflare 5.9.0 (PyPI); node 24.21.0 (npm). A good guess: `ai.run` with `stream: true`, which its types
# offer, gives the events or the response, and a model of pictures gives bytes; or the call refuses at once. Seen: both clients take the
# member `result` of whatever comes. In JavaScript the call resolves with `undefined`, and in Python it raises an AttributeError of a str.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 cloudflare@7.3.0 &
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cloudflare==5.9.0
wait $!
cat > look.py <<'PY'
import sys

import cloudflare

client = cloudflare.Cloudflare(api_token="token", base_url=sys.argv[1])
for name, more in {"stream": {"stream": True}, "picture": {}}.items():
    try:
        print(repr(client.ai.run(name, account_id="account", prompt="x", **more)))
    except AttributeError as error:
        print("AttributeError:", error)
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Cloudflare from "cloudflare";

const answers = {
  stream: ["text/event-stream", 'data: {"response":"Hel"}\n\ndata: {"response":"lo"}\n\ndata: [DONE]\n\n'],
  picture: ["image/png", Buffer.from("89504e470d0a1a0a", "hex")],
};
const server = createServer(({ url }, response) => {
  const [type, body] = answers[url.split("/").at(-1)];
  response.writeHead(200, { "content-type": type }).end(body);
}).listen(0, "127.0.0.1");
await once(server, "listening");
const baseURL = `http://127.0.0.1:${server.address().port}`;

const client = new Cloudflare({ apiToken: "token", baseURL });
const byNode = [
  await client.ai.run("stream", { account_id: "account", prompt: "x", stream: true }),
  await client.ai.run("picture", { account_id: "account", prompt: "x" }),
];
console.log("JavaScript, a stream and a picture:", ...byNode);
const { stdout: byPython } = await promisify(execFile)("env/bin/python", ["look.py", baseURL]);
console.log(`Python:\n${byPython}`);
server.closeAllConnections();
server.close();
process.exit(byNode.every((one) => one === undefined) && byPython.match(/AttributeError: 'str' object has no attribute 'result'/gu)?.length === 2 ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
