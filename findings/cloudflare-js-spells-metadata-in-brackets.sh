#!/usr/bin/env bash
# Cloudflare's JavaScript client does not send the metadata of a KV value as JSON, and its Python client refuses text for the value.
# Packages: cloudflare 7.3.0 (npm), cloudflare 5.9.0 (PyPI); node 24.21.0 (npm). A good guess: `metadata: {job: 7}` is one part of the form
# that holds JSON, as the reference of KV's API and the method's own comment have it; and a text is a value, as both types say. Seen: the
# JavaScript client sends a part with the name `metadata[job]` for each member, and none called `metadata`. The Python client raises a
# RuntimeError for a str, which its type allows, and wants bytes.
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
import cloudflare

client = cloudflare.Cloudflare(api_token="token", base_url="http://127.0.0.1:9")
try:
    client.kv.namespaces.values.update("key", account_id="account", namespace_id="ns", value="text")
except RuntimeError as error:
    print("RuntimeError:", error)
PY
cat > look.mjs <<'JS'
import { execFileSync } from "node:child_process";
import Cloudflare from "cloudflare";

let form;
const fetch = async (url, { body }) => {
  form = [...body];
  return Response.json({ success: true, errors: [], messages: [], result: {} });
};
const client = new Cloudflare({ apiToken: "token", fetch });
await client.kv.namespaces.values.update("key", { account_id: "account", namespace_id: "ns", value: "text", metadata: { job: 7, model: "whisper" } });
console.log("JavaScript sends", JSON.stringify(form));
const byPython = execFileSync("env/bin/python", ["look.py"], { encoding: "utf8" });
console.log("Python:", byPython.trim());
const names = form.map(([name]) => name).join();
process.exit(names === "value,metadata[job],metadata[model]" && byPython.includes("`value` to be bytes") ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
