#!/usr/bin/env bash
# Elysia gives an object for a text of a form that happens to be JSON, and leaves the rest of a path encoded where it decodes a name.
# Packages: elysia 1.4.30 (npm); node 24.21.0 (npm). A good guess: a field of a form is a text unless its schema says more, so a prompt that
# is a piece of JSON arrives as it was typed; and `*` is decoded as `:name` is. Seen: without any schema a field that begins with a brace and
# parses is an object, and one beside it is a text. The rest of `/files/*` has %20 where a name has a space.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 elysia@1.4.30
cat > look.mjs <<'JS'
import { Elysia } from "elysia";

const app = new Elysia()
  .post("/form", ({ body }) => body)
  .get("/models/:name", ({ params }) => params.name)
  .get("/files/*", ({ params }) => params["*"]);
const body = new FormData();
body.append("prompt", '{"say": "hello"}');
body.append("suffix", '{"say":');
const form = await (await app.handle(new Request("http://localhost/form", { method: "POST", body }))).json();
const text = async (path) => (await app.handle(new Request(`http://localhost${path}`))).text();
const [name, rest] = [await text("/models/my%20model"), await text("/files/my%20model")];
console.log("a form:", JSON.stringify(form));
console.log("a name:", name, "the rest:", rest);
process.exit(form.prompt.say === "hello" && form.suffix === '{"say":' && name === "my model" && rest === "my%20model" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
