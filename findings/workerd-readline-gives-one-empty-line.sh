#!/usr/bin/env bash
# node:readline of workerd reads any stream as one empty line.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm) stands beside it. A good guess: `createInterface` over a stream gives its
# lines, as in Node, or throws that it is not there, as `parseArgs` of node:util does. Seen: a loop over it has one line, which is empty, and ends, whatever the
# stream holds, and the `line` event never comes; so who reads JSON Lines by it has no rows and no error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
cat > look.mjs <<'JS'
import { readFileSync, writeFileSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

writeFileSync("lines.mjs", `import readline from "node:readline";
import { Readable } from "node:stream";

export async function look() {
  const input = () => Readable.from(['{"row":1}\\n{"row"', ':2}\\n']);
  const lines = [];
  for await (const line of readline.createInterface({ input: input() })) lines.push(line);
  const told = [];
  const events = readline.createInterface({ input: input() });
  events.on("line", (line) => told.push(line));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { lines, told };
}
`);
const { look } = await import("./lines.mjs");
const script = 'import { look } from "./lines.mjs"; export default { fetch: async () => Response.json(await look()) }';
const modules = [{ type: "ESModule", path: "main.mjs", contents: script }, { type: "ESModule", path: "lines.mjs", contents: readFileSync("lines.mjs", "utf8") }];
const worker = { name: "look", compatibilityDate: "2026-10-01", modules };
const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
const seen = { Node: await look(), workerd: await (await miniflare.dispatchFetch("http://127.0.0.1/")).json() };
await miniflare.dispose();
console.log(JSON.stringify(seen));
const rows = ['{"row":1}', '{"row":2}'];
process.exit(JSON.stringify(seen) === JSON.stringify({ Node: { lines: rows, told: rows }, workerd: { lines: [""], told: [] } }) ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
