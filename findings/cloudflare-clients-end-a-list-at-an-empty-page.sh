#!/usr/bin/env bash
# Cloudflare's clients end a list of keys at a page without any, though it has a cursor to the next.
# Packages: cloudflare 7.3.0 (npm), cloudflare 5.9.0 (PyPI); node 24.21.0 (npm). A good guess: they follow the cursor to its end, as the
# documentation of KV asks: a page may have no keys while more follow, when those in its range have expired or been deleted, so that an
# empty list of keys does not say that all is told. Seen: in both languages the loop over the keys is over at the first empty page,
# without a word; the third page is never asked for.
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
print(" ".join(key.name for key in client.kv.namespaces.keys.list("ns", account_id="account")), end="")
PY
cat > look.mjs <<'JS'
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { promisify } from "node:util";
import Cloudflare from "cloudflare";

const pages = { null: [["a", "b"], "2"], 2: [[], "3"], 3: [["y", "z"], ""] };
let asked = [];
const server = createServer((request, response) => {
  const at = new URL(request.url, "http://host").searchParams.get("cursor");
  asked.push(at ?? "1");
  const [names, cursor] = pages[at];
  const page = { success: true, errors: [], messages: [], result: names.map((name) => ({ name })), result_info: { count: names.length, cursor } };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(page));
}).listen(0, "127.0.0.1");
await once(server, "listening");
const baseURL = `http://127.0.0.1:${server.address().port}`;

const client = new Cloudflare({ apiToken: "token", baseURL });
const byNode = [];
for await (const { name } of client.kv.namespaces.keys.list("ns", { account_id: "account" })) byNode.push(name);
console.log("JavaScript:", byNode.join(" "), "of pages", asked.join(" "));
asked = [];
const { stdout: byPython } = await promisify(execFile)("env/bin/python", ["look.py", baseURL]);
console.log("Python:    ", byPython, "of pages", asked.join(" "));
server.closeAllConnections();
server.close();
process.exit(byNode.join(" ") === "a b" && byPython === "a b" && asked.join() === "1,2" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
