#!/usr/bin/env bash
# Hono's server for Node calls a Blob plain text, whatever its type.
# Package: @hono/node-server 2.1.9 (npm) with hono 4.13.19.
# A good guess: a Response that is made of a Blob has the Blob's type, as in the standard, in Node and in Workers. Seen: the server puts a Response of
# its own in the place of the global one, which sends `text/plain; charset=UTF-8`; so a picture that a handler hands on as a Blob is shown as broken
# text. Without it (`overrideGlobalObjects: false`) the type is right, and that of a query is in both. Bytes, which have no type, are called text in both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 hono@4.13.19 @hono/node-server@2.1.9
cat > look.mjs <<'JS'
import { serve } from "@hono/node-server";
import { Hono } from "hono";

const bodies = {
  "/blob": () => new Blob(["x"], { type: "image/png" }),
  "/bytes": () => new Uint8Array([1, 2]),
  "/query": () => new URLSearchParams("a=1"),
};
const app = new Hono();
for (const [path, body] of Object.entries(bodies)) app.get(path, () => new Response(body()));
async function look(overrideGlobalObjects) {
  const told = [];
  const { promise, resolve } = Promise.withResolvers();
  const server = serve({ fetch: app.fetch, hostname: "127.0.0.1", port: 0, overrideGlobalObjects }, resolve);
  const { port } = await promise;
  for (const path of Object.keys(bodies)) told.push((await fetch(`http://127.0.0.1:${port}${path}`)).headers.get("content-type"));
  server.close();
  return told.map((type) => type?.split(";")[0] ?? "none").join(", ");
}
const seen = { "the standard's Response": await look(false), "by default": await look(true) };
console.log(seen);
const guess = ["image/png, text/plain, application/x-www-form-urlencoded", "text/plain, text/plain, application/x-www-form-urlencoded"];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs
