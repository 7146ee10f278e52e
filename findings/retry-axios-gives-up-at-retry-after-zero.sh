#!/usr/bin/env bash
# retry-axios does not ask again at all where the server's `Retry-After` says that it may at once: 0, or a date that has just passed.
# Package: retry-axios 4.0.3 with axios 1.21.1 (npm).
# A good guess: `Retry-After: 0` (valid by RFC 9110) and a date of this second, which a server writes that counts in whole seconds, are the
# shortest of delays. Seen: the error is thrown after the first answer. Without the header it asks again after 50 ms, and with 1 after a second.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund retry-axios@4.0.3 axios@1.21.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import axios from "axios";
import * as rax from "retry-axios";

const cases = { none: () => ({}), 1: () => ({ "retry-after": "1" }), 0: () => ({ "retry-after": "0" }), "this second's date": () => ({ "retry-after": new Date().toUTCString() }) };
let asked, headers;
const server = createServer((request, response) => {
  asked += 1;
  response.writeHead(asked === 1 ? 503 : 200, asked === 1 ? headers() : {}).end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = axios.create();
rax.attach(client);
const seen = [];
for (const name of ["none", "1", "0", "this second's date"]) {
  asked = 0;
  headers = cases[name];
  const outcome = await client.get(`http://127.0.0.1:${server.address().port}`).then(() => "succeeded", (error) => error.code);
  seen.push(`${outcome} after ${asked}`);
  console.log(`Retry-After ${name}: ${seen.at(-1)}`);
}
process.exit(seen.join() === "succeeded after 2,succeeded after 2,ERR_BAD_RESPONSE after 1,ERR_BAD_RESPONSE after 1" ? 0 : 1);
JS
node look.mjs
