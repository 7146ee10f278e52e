#!/usr/bin/env bash
# `assert.deepStrictEqual` of workerd takes two different URLs for equal.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: URLs are compared by what they name, as in
# Node. Seen: any two are equal, also as members; `isDeepStrictEqual` of node:util says the same. (Two URLSearchParams are equal in Node too.) So a test
# that runs in a Worker, as under Cloudflare's plugin for Vitest, and compares what a request was made of by node:assert passes with the wrong address.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { readFileSync, writeFileSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

writeFileSync("pairs.mjs", `import assert from "node:assert";
import { isDeepStrictEqual } from "node:util";

const pairs = {
  URL: [new URL("https://a.example/v1"), new URL("https://b.example/v2")],
  "a member": [{ url: new URL("https://a.example") }, { url: new URL("https://b.example") }],
  URLSearchParams: [new URLSearchParams("a=1"), new URLSearchParams("b=2")],
  Date: [new Date(1), new Date(2)],
};
export const look = () =>
  Object.entries(pairs).map(([name, [one, other]]) => {
    let told = "equal";
    try {
      assert.deepStrictEqual(one, other);
    } catch (error) {
      told = error.code;
    }
    return name + ": " + told + ", " + isDeepStrictEqual(one, other);
  });
`);
const { look } = await import("./pairs.mjs");
const script = 'import { look } from "./pairs.mjs"; export default { fetch: () => Response.json(look()) }';
const modules = [{ type: "ESModule", path: "main.mjs", contents: script }, { type: "ESModule", path: "pairs.mjs", contents: readFileSync("pairs.mjs", "utf8") }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = { Node: look(), workerd: await (await miniflare.dispatchFetch("http://127.0.0.1/")).json() };
await miniflare.dispose();
console.log(seen);
const guess = ["URL: equal, true", "a member: equal, true", "URLSearchParams: equal, true", "Date: ERR_ASSERTION, false"];
process.exit(seen.workerd.join() === guess.join() && seen.Node[0] === "URL: ERR_ASSERTION, false" ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
