#!/usr/bin/env bash
# fetch-event-stream takes every space after the colon away, so text that comes word by word runs together.
# Package: fetch-event-stream 0.1.6, beside it eventsource-parser 3.0.6 (npm).
# A good guess: one space after "data:" belongs to the format, and what follows is the text, as the standard of server-sent events has it.
# Seen: of the pieces "the", " cat" and "  sat" (the lines "data: the", "data:  cat" and "data:   sat") it makes "thecatsat". In JSON
# nothing is lost; Replicate's streams and others that send bare text lose their spaces.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund fetch-event-stream@0.1.6 eventsource-parser@3.0.6
cat > look.mjs <<'JS'
import { createParser } from "eventsource-parser";
import { events } from "fetch-event-stream";

const body = ["the", " cat", "  sat"].map((text) => `data: ${text}\n\n`).join("");
let read = "";
for await (const { data } of events(new Response(body, { headers: { "content-type": "text/event-stream" } }))) read += data;
let parsed = "";
createParser({ onEvent: ({ data }) => (parsed += data) }).feed(body);
console.log(`fetch-event-stream: ${JSON.stringify(read)}; eventsource-parser: ${JSON.stringify(parsed)}`);
process.exit(read === "thecatsat" && parsed === "the cat  sat" ? 0 : 1);
JS
node look.mjs
