#!/usr/bin/env bash
# A stream of Hono's helpers ends like a whole one if its function throws, though Hono lets a body that fails break off.
# Package: hono 4.13.19 with @hono/node-server 2.1.9 (npm). A good guess: a failure after the first token can change the status no more, so the
# connection is cut, as it is for the same failure in a ReadableStream of one's own, and the client knows that something is missing. Seen:
# `stream`, `streamText` and `streamSSE` write the token and then the last chunk; the failure is a line in the server's log. `onError` of the
# application is not called. With an error handler of one's own `streamSSE` sends a second event, `error` with the message, behind what the
# handler has sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 hono@4.13.19 @hono/node-server@2.1.9
cat > look.mjs <<'JS'
import { once } from "node:events";
import { connect } from "node:net";

import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { stream, streamSSE, streamText } from "hono/streaming";

console.error = () => {};
const app = new Hono();
let toldToTheApplication = 0;
app.onError((error, c) => { toldToTheApplication++; return c.text("failed", 500); });
const fails = () => { throw new Error("the model fails"); };
app.get("/own", () => {
  let pulls = 0;
  return new Response(new ReadableStream({ pull(to) { if (pulls++) return fails(); to.enqueue(new TextEncoder().encode("token")); } }));
});
app.get("/stream", (c) => stream(c, async (to) => { await to.write("token"); fails(); }));
app.get("/streamText", (c) => streamText(c, async (to) => { await to.write("token"); fails(); }));
app.get("/streamSSE", (c) => streamSSE(c, async (to) => { await to.writeSSE({ data: "token" }); fails(); }));
app.get("/handled", (c) => streamSSE(c, async (to) => { await to.writeSSE({ data: "token" }); fails(); }, async (error, to) => { await to.writeSSE({ event: "failed", data: "the model is busy" }); }));
const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" });
await once(server, "listening");
const seen = {};
for (const path of ["own", "stream", "streamText", "streamSSE", "handled"]) {
  const client = connect(server.address().port, "127.0.0.1");
  client.write(`GET /${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  let answer = "";
  client.on("data", (piece) => { answer += piece; });
  await once(client, "close");
  const events = [...answer.matchAll(/event: (\w+)/g)].map(([, name]) => name);
  seen[path] = `${answer.split(" ")[1]}, ${answer.endsWith("\r\n0\r\n\r\n") ? "whole" : "cut off"}${events.length ? `, events: ${events.join(" and ")}` : ""}`;
  console.log(path.padEnd(10), seen[path]);
}
console.log("failures told to the application:", toldToTheApplication);
server.close();
process.exit(toldToTheApplication === 0 && Object.values(seen).join(";") === "200, cut off;200, whole;200, whole;200, whole;200, whole, events: failed and error" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
