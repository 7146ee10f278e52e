#!/usr/bin/env bash
# Elysia's `sse` loses all but the first line of a text, and writes a member `sse` into an object that it is given.
# Package: elysia 1.4.30 (npm); eventsource-parser 4.1.3 reads what it sends.
# A good guess: a text of two lines is two `data` lines, as the format wants, and an object is sent as it is. Seen: the line ends are written as they are,
# so the second line is a field of no name and readers drop it; the mark that makes a value an event is set on the caller's own object, so `{"a":1}` arrives with
# `"sse":true` as data and stays so; and a generator that throws ends the stream like a whole one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit elysia@1.4.30 eventsource-parser@4.1.3
cat > look.mjs <<'JS'
import { Elysia, sse } from "elysia";
import { createParser } from "eventsource-parser";

const output = { a: 1 };
const app = new Elysia()
  .get("/text", function* () {
    yield sse("first\nsecond");
    yield sse({ event: "piece", data: "third\n\nfourth" });
  })
  .get("/object", function* () {
    sse(output);
    yield sse({ data: output });
  })
  .get("/failure", async function* () {
    yield sse("first");
    await new Promise((resolve) => setTimeout(resolve, 10));
    throw new Error("no room on the GPU");
  });
console.error = () => {};
async function read(path) {
  const told = [];
  const parser = createParser({ onEvent: ({ data }) => told.push(data) });
  const response = await app.handle(new Request(`http://127.0.0.1${path}`));
  try {
    for await (const piece of response.body) parser.feed(typeof piece === "string" ? piece : new TextDecoder().decode(piece));
    told.push("the end");
  } catch (error) {
    told.push(`failed: ${error.message}`);
  }
  return JSON.stringify(told);
}
const seen = { text: await read("/text"), object: await read("/object"), failure: await read("/failure") };
console.log(seen);
const guess = ['["first","third","the end"]', '["{\\"a\\":1,\\"sse\\":true}","the end"]', '["first","the end"]'];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
