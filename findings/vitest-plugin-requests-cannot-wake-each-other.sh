#!/usr/bin/env bash
# Under Cloudflare's plugin for Vitest, one request of a Worker can't wake another, as it can in workerd.
# Packages: @cloudflare/vitest-plugin 1.5.0, vitest 5.1.1, miniflare 5.20261102.0-beta and node 24.21.0 (npm).
# A good guess: a test by `exports.default.fetch` runs the Worker under its own compatibility date, so a promise that is shared between requests behaves
# as it does when deployed: the one who waits goes on, by its own timers and bindings, once another request has settled it.
# Seen: the plugin adds the flag no_handle_cross_request_promise_resolution to the Worker under test. What waits goes on as part of the request that
# has settled its promise, its next call of a binding is refused, and it is never answered. In miniflare alone it goes on.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 vitest@5.1.1 @cloudflare/vitest-plugin@1.5.0 miniflare@5.20261102.0-beta
export PATH="$PWD/node_modules/node/bin:$PATH" CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false WRANGLER_SEND_ERROR_REPORTS=false CI=1
cat > worker.js <<'JS'
let wake;
export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname === "/wake") {
      wake?.();
      return new Response("woken");
    }
    const { promise, resolve } = Promise.withResolvers();
    wake = resolve;
    const timer = setTimeout(() => {}, 20_000); // a request that waits for nothing of its own is taken for hung
    await promise;
    clearTimeout(timer);
    const object = await env.BUCKET.head("any");
    return new Response(object === null ? "went on" : "odd");
  },
};
JS
cat > wrangler.toml <<'TOML'
name = "look"
main = "worker.js"
compatibility_date = "2026-10-01"
[[r2_buckets]]
binding = "BUCKET"
TOML
cat > look.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const modules = [{ type: "ESModule", path: "worker.js", contents: readFileSync("worker.js", "utf8") }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules, r2Buckets: ["BUCKET"] };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const waiting = miniflare.dispatchFetch("http://look/").then((answer) => answer.text());
await new Promise((resolve) => setTimeout(resolve, 300));
await miniflare.dispatchFetch("http://look/wake");
const late = new Promise((resolve) => setTimeout(resolve, 5_000, "hung"));
console.log(`in miniflare the one who waited ${await Promise.race([waiting, late])}`);
await miniflare.dispose();
process.exit();
JS
cat > vitest.config.mjs <<'JS'
import { cloudflareTest } from "@cloudflare/vitest-plugin";
export default { plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.toml" } })] };
JS
cat > look.test.js <<'JS'
import { exports } from "cloudflare:workers";
import { test } from "vitest";

test("look", async () => {
  const waiting = exports.default.fetch("http://look/").then(
    (answer) => answer.text(),
    (error) => `failed: ${error.message.slice(0, 70)}`,
  );
  await new Promise((resolve) => setTimeout(resolve, 300));
  await exports.default.fetch("http://look/wake");
  const late = new Promise((resolve) => setTimeout(resolve, 3_000, "hung"));
  console.log(`under Vitest the one who waited ${await Promise.race([waiting, late])}`);
});
JS
node look.mjs | tee seen.txt
node ./node_modules/vitest/vitest.mjs run --silent=false > vitest.txt 2>&1 || true # it fails for the refused call
grep -o "under Vitest the one who waited.*" vitest.txt | head -1 | tee -a seen.txt
grep -q "in miniflare the one who waited went on" seen.txt && grep -Eq "under Vitest the one who waited (failed|hung)" seen.txt
