#!/usr/bin/env bash
# express-idempotency answers a repeated submit without its `Location` and `Retry-After`, and for ever with 500 if the first had no body.
# Packages: express-idempotency 1.0.6 with express 5.3.0 (npm).
# A good guess: the second answer under a key is the first, with its headers, also a 204 and one that was written in pieces; a key that is in
# use is 409, as the draft of the header has it. Seen: status, type and body come back, the headers are lost; after an answer that ended by
# `end()` the key stays "in progress" though all is done, and that is told as 500, which clients repeat. The handler runs once each time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund express-idempotency@1.0.6 express@5.3.0
cat > look.mjs <<'JS'
import express from "express";
import { getSharedIdempotencyService, idempotency } from "express-idempotency";

let runs = 0;
const once = (answer) => (request, response) => {
  if (getSharedIdempotencyService().isHit(request)) return;
  runs += 1;
  answer(response);
};
const app = express();
app.use(express.json(), idempotency());
app.post("/submit", once((response) => response.status(202).set({ location: "/jobs/1", "retry-after": "3" }).json({ id: 1 })));
app.post("/cancel", once((response) => response.status(204).end()));
app.post("/pieces", once((response) => response.type("text").write("done") && response.end()));
app.use((error, request, response, next) => response.headersSent ? next(error) : response.status(error.status ?? 500).send(error.message));
const server = app.listen(0, "127.0.0.1");
await new Promise((resolve) => server.on("listening", resolve));
const seen = [];
for (const path of ["/submit", "/cancel", "/pieces"]) {
  runs = 0;
  for (const turn of ["first", "again"]) {
    const headers = { "content-type": "application/json", "idempotency-key": `key of ${path}` };
    const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { method: "POST", headers, body: "{}" });
    const outcome = [response.status, response.headers.get("location"), response.headers.get("retry-after"), await response.text()];
    console.log(path, turn, outcome);
    seen.push(outcome.join());
  }
  console.log(path, "ran", runs);
  seen.push(runs);
}
const progress = "500,,,A previous request is still in progress for this key.";
const submit = ['202,/jobs/1,3,{"id":1}', '202,,,{"id":1}', 1];
process.exit(seen.join() === [...submit, "204,,,", progress, 1, "200,,,done", progress, 1].join() ? 0 : 1);
JS
node look.mjs
