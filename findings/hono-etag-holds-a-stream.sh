#!/usr/bin/env bash
# Hono's `etag` keeps a stream back until it has ended, and gives each part of a file an ETag of its own.
# Packages: hono 4.13.19 (npm); node 24.21.0 (npm). A good guess: a stream of events is passed on as it comes, without an ETag, as Hono's own
# `compress` does it; and a part of a file (206) keeps the tag that names the whole, or has none, so that `If-Range` can go on with it.
# Seen: the first event comes when the last has been read into a digest, so a stream without end never begins; the 206 is called by the
# digest of its own bytes, and a second range of the same file has another tag.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 hono@4.13.19
cat > look.mjs <<'JS'
import { Hono } from "hono";
import { compress } from "hono/compress";
import { etag } from "hono/etag";
import { streamSSE } from "hono/streaming";

const app = (middleware) =>
  new Hono()
    .use(middleware)
    .get("/events", (c) => streamSSE(c, async (stream) => {
      for (const data of ["a", "b", "c"]) {
        await stream.writeSSE({ data });
        await stream.sleep(400);
      }
    }))
    .get("/file", (c) => {
      const [from, to] = c.req.header("range").match(/\d+/gu).map(Number);
      return c.body("0123456789".slice(from, to + 1), 206, { "content-range": `bytes ${from}-${to}/10` });
    });
const first = async (middleware) => {
  const from = Date.now();
  await (await app(middleware).request("/events", { headers: { "accept-encoding": "gzip" } })).body.getReader().read();
  return Date.now() - from;
};
const [byCompress, byEtag] = [await first(compress()), await first(etag())];
const tags = await Promise.all(["bytes=0-4", "bytes=5-9"].map(async (range) => (await app(etag()).request("/file", { headers: { range } })).headers.get("etag")));
console.log("the first of three events, 400 ms apart, comes with compress after", byCompress, "ms, with etag after", byEtag, "ms");
console.log("tags of two parts of one file:", tags.join(" "));
process.exit(byEtag - byCompress >= 600 && tags.every(Boolean) && tags[0] !== tags[1] ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
