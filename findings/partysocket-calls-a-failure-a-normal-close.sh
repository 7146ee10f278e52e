#!/usr/bin/env bash
# partysocket tells of a connection that was refused or cut off as of a normal close: code 1000, `wasClean` true.
# Package: partysocket 1.3.0 (npm), with the WebSocket of node 24.21.0 (npm). A good guess: as it is a WebSocket that connects again, its
# close events are those of the WebSocket: 1006 and not clean where the server refused the connection with 503 or the network cut it off, so
# that who shows or counts failures can tell them from a server that said goodbye. Seen: both are told by code 1000 as clean, and a listener
# reads the reason "unknown reason", where `onclose` reads none. A WebSocket beside it says 1006 and not clean.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 partysocket@1.3.0
cat > look.mjs <<'JS'
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import PartySocket from "partysocket/ws";

const server = createServer();
server.on("upgrade", (request, socket) => {
  socket.on("error", () => {});
  if (request.url === "/refused") return socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  return setTimeout(() => socket.destroy(), 100);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const words = ({ code, reason, wasClean }) => `${code}, ${wasClean ? "clean" : "not clean"}, "${reason}"`;
const seen = {};
for (const path of ["refused", "cut"]) {
  const url = `ws://127.0.0.1:${server.address().port}/${path}`;
  const plain = new WebSocket(url);
  plain.addEventListener("error", () => {});
  const party = new PartySocket(url, [], { maxRetries: 0 });
  party.addEventListener("error", () => {});
  const [[byPlain], [byParty]] = await Promise.all([once(plain, "close"), once(party, "close")]);
  party.close();
  seen[path] = [words(byPlain), words(byParty)];
  console.log(`${path}: WebSocket: ${words(byPlain)}; partysocket: ${words(byParty)}`);
}
const asSeen = ['1006, not clean, ""', '1000, clean, "unknown reason"'].join();
process.exit(seen.refused.join() === asSeen && seen.cut.join() === asSeen ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
