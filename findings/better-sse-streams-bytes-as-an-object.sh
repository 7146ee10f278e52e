#!/usr/bin/env bash
# better-sse sends the bytes of a web stream as an object of indexes, and damages a character that the network cut in two of a Node stream.
# Package: better-sse 0.16.1 (npm).
# A good guess: `session.stream(response.body)`, whose type takes a ReadableStream, sends what a model server streams as text, as it does for
# a Node stream, and a letter that comes in two chunks stays a letter. Seen: each chunk of a fetch's body is `{"0":103,"1":111,…}`. Of a
# Node stream each chunk is decoded by itself, so both halves of the letter are replacement characters. Each resolves to true.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund better-sse@0.16.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { createSession } from "better-sse";

const bytes = Buffer.from("go é");
const chunks = () => [bytes.subarray(0, 4), bytes.subarray(4)];
const sources = {
  "/text": () => Readable.from(["go ", "é"]),
  "/node": () => Readable.from(chunks(), { objectMode: false }),
  "/web": () => new Response(ReadableStream.from(chunks().map((chunk) => new Uint8Array(chunk)))).body,
};
const server = createServer(async (request, response) => {
  const session = await createSession(request, response);
  await session.stream(sources[request.url]());
  response.end();
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const seen = [];
for (const path of Object.keys(sources)) {
  const text = await (await fetch(`http://127.0.0.1:${server.address().port}${path}`)).text();
  const data = text.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trim());
  seen.push(data.join(" "));
  console.log(`${path.slice(1)}: ${seen.at(-1)}`);
}
const wanted = ['"go " "é"', '"go \ufffd" "\ufffd"', '{"0":103,"1":111,"2":32,"3":195} {"0":169}'];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs
