#!/usr/bin/env bash
# Two JavaScript readers of streams damage a character that lies on both sides of a cut: fal's client and jsonlines.
# Packages: @fal-ai/client 1.10.1, jsonlines 0.1.1; beside them ndjson 2.0.0 (npm).
# A good guess: where the network cuts a stream changes nothing, since the decoder keeps the half of a character for the next piece.
# Seen: each piece is decoded by itself, and the "é" of "café", cut in the middle, becomes two U+FFFD in good JSON, without an error.
# ndjson reads it right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @fal-ai/client@1.10.1 jsonlines@0.1.1 ndjson@2.0.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { createFalClient } from "@fal-ai/client";
import jsonlines from "jsonlines";
import ndjson from "ndjson";

function halves(text) {
  const bytes = Buffer.from(text);
  const cut = bytes.indexOf(0xc3) + 1;
  return [bytes.subarray(0, cut), bytes.subarray(cut)];
}
const json = JSON.stringify({ text: "café" });

const server = createServer(async (_, response) => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const [first, second] = halves(`data: ${json}\n\n`);
  response.write(first);
  await sleep(200);
  response.end(second);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${server.address().port}`;
const fal = createFalClient({ credentials: "id:secret", fetch: (_, options) => fetch(url, options) });
const seen = { "@fal-ai/client": (await (await fal.stream("owner/model", { input: {} })).done()).text };
for (const [name, parser] of Object.entries({ jsonlines: jsonlines.parse(), ndjson: ndjson.parse() })) {
  for await (const value of Readable.from(halves(`${json}\n`)).pipe(parser)) seen[name] = value.text;
}
console.log(JSON.stringify(seen));
const broken = "caf\ufffd\ufffd";
process.exit(JSON.stringify(seen) === JSON.stringify({ "@fal-ai/client": broken, jsonlines: broken, ndjson: "café" }) ? 0 : 1);
JS
node look.mjs
