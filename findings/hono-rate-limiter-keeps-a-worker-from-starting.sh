#!/usr/bin/env bash
# hono-rate-limiter keeps a Worker from starting unless it is given a store, and refuses without `Retry-After` if it is given a binding.
# Packages: hono-rate-limiter 0.5.4, hono 4.13.19, miniflare 5.20261102.0-beta with its workerd, esbuild 0.28.2 (npm); node 24.21.0 (npm).
# A good guess: the limiter's own example, `app.use(rateLimiter({ … }))`, runs where Hono is most at home, if with a count for each isolate.
# Seen: its store in memory sets a timer as it is made, which workerd refuses outside of a request, so the Worker answers nothing. With a
# binding for rate limits a 429 has neither `Retry-After` nor `RateLimit-…`, which it has with a store.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta esbuild@0.28.2 hono@4.13.19 hono-rate-limiter@0.5.4
cat > app.mjs <<'JS'
import { Hono } from "hono";
import { rateLimiter } from "hono-rate-limiter";

export const limited = (options) =>
  new Hono().use(rateLimiter({ keyGenerator: () => "one", ...options })).get("/", (c) => c.text("in"));
JS
echo 'import { limited } from "./app.mjs"; export default limited({ windowMs: 60000, limit: 1 });' > memory.js
echo 'import { limited } from "./app.mjs"; export default limited({ binding: (c) => c.env.LIMITER });' > binding.js
cat > look.mjs <<'JS'
import { build } from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { limited } from "./app.mjs";

const told = (response) => [response.status, response.headers.has("retry-after")].join(" ");
const worker = async (file) => {
  const { outputFiles } = await build({ entryPoints: [file], bundle: true, format: "esm", target: "esnext", write: false });
  const modules = [{ type: "ESModule", path: "look.js", contents: outputFiles[0].text }];
  const ratelimits = { LIMITER: { namespace_id: "1", simple: { limit: 1, period: 60 } } };
  const options = { name: "look", compatibilityDate: "2026-10-01", modules, ratelimits };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [options] }));
  try {
    await miniflare.dispatchFetch("http://127.0.0.1/");
    return told(await miniflare.dispatchFetch("http://127.0.0.1/"));
  } catch (error) {
    return /Disallowed operation called within global scope/.exec(String(error))?.[0] ?? String(error);
  } finally {
    await miniflare.dispose().catch(() => {});
  }
};
const inNode = limited({ windowMs: 60000, limit: 1 });
await inNode.request("/");
const seen = [told(await inNode.request("/")), await worker("memory.js"), await worker("binding.js")];
for (const [index, name] of ["in Node, its own store", "in workerd, its own store", "in workerd, a binding"].entries()) {
  console.log(`${name}, the second of one allowed: ${seen[index].replace(/^429 (.*)/, "429, Retry-After: $1")}`);
}
process.exit(seen.join() === "429 true,Disallowed operation called within global scope,429 false" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs 2>errors.txt || { tail -5 errors.txt; exit 1; }
