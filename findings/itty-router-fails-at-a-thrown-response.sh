#!/usr/bin/env bash
# The router of itty-router that catches errors fails itself if a handler throws a Response or a text.
# Package: itty-router 5.0.24 (npm); node 24.21.0 (npm). A good guess: `AutoRouter`, which makes JSON of an error and of what a handler
# returns, answers a thrown Response as it is, or with 500, and a thrown text with 500: its `fetch` never rejects. Seen: it rejects with
# "Converting circular structure to JSON", since the second thing that its `catch` is given, the request, is taken for the answer's body. A
# thrown Error or StatusError is an answer. A stream that a handler returns is answered as `{}`, with status 200.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 itty-router@5.0.24
cat > look.mjs <<'JS'
import { AutoRouter, StatusError } from "itty-router";

const thrown = {
  error: () => new Error("the model is busy"),
  status: () => new StatusError(429, "the model is busy"),
  response: () => new Response("the model is busy", { status: 429 }),
  text: () => "the model is busy",
};
const router = AutoRouter();
for (const [name, make] of Object.entries(thrown)) router.get(`/${name}`, () => { throw make(); });
router.get("/stream", () => new Blob(["a token"]).stream());
const seen = {};
for (const name of [...Object.keys(thrown), "stream"]) {
  try {
    const response = await router.fetch(new Request(`http://localhost/${name}`));
    seen[name] = `${response.status} ${await response.text()}`;
  } catch (error) {
    seen[name] = `fetch rejects: ${error.message.split("\n")[0]}`;
  }
  console.log(name.padEnd(9), seen[name]);
}
const rejects = "fetch rejects: Converting circular structure to JSON";
const told = (status) => `${status} {"status":${status},"error":"the model is busy"}`;
process.exit(Object.values(seen).join("|") === [told(500), told(429), rejects, rejects, "200 {}"].join("|") ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
