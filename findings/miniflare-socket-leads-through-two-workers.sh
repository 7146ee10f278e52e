#!/usr/bin/env bash
# A Worker with static assets is reached through two other Workers, at its own direct socket too.
# Package: miniflare 5.20261102.0-beta (npm) with its workerd; node 24.21.0 (npm).
# A good guess: `unsafeDirectSockets` opens a socket at the Worker itself, all the more where `run_worker_first` says that it sees every request first;
# assets cost nothing until one is asked for.
# Seen: the socket of the default entry leads to the simulator's Workers for assets, which call the Worker; a request that does nothing takes 2.7 times as
# long. The same handlers exported under a name of their own, with a socket at that entry, are reached as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 miniflare@5.20261102.0-beta
mkdir public && echo hello >public/hello.txt
cat > look.mjs <<'JS'
import { Agent, get } from "node:http";
import { createServer } from "node:net";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";

const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});
const script = `const handlers = { fetch: () => new Response("ok") }; export { handlers as default, handlers as named };`;
async function start(assets) {
  const [plain, named] = [await freePort(), await freePort()];
  const worker = {
    name: "look",
    compatibilityDate: "2026-10-01",
    modules: [{ type: "ESModule", path: "look.js", contents: script }],
    unsafeDirectSockets: [{ host: "127.0.0.1", port: plain }, { host: "127.0.0.1", port: named, entrypoint: "named" }],
    ...(assets ? { assets: { directory: "public", binding: "ASSETS", routerConfig: { has_user_worker: true, invoke_user_worker_ahead_of_assets: true } } } : {}),
  };
  const miniflare = new Miniflare(convertV4MiniflareOptions({ port: 0, host: "127.0.0.1", cf: false, workers: [worker] }));
  await miniflare.ready;
  return { plain, named, miniflare };
}
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
const ask = (port) => new Promise((resolve, reject) => {
  get({ port, host: "127.0.0.1", agent }, (answer) => {
    if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`));
    answer.resume().on("end", resolve);
  }).on("error", reject);
});
async function meanMs(port) {
  const begin = performance.now();
  for (let round = 0; round < 100; round++) await Promise.all(Array.from({ length: 16 }, () => ask(port)));
  return (performance.now() - begin) / 1600;
}
const [without, withAssets] = [await start(false), await start(true)];
const contestants = { "no assets": without.plain, "assets": withAssets.plain, "assets, entry with a name": withAssets.named };
const least = {};
for (let round = 0; round < 6; round++) {
  for (const [name, port] of Object.entries(contestants)) least[name] = Math.min(least[name] ?? Infinity, await meanMs(port));
}
await without.miniflare.dispose();
await withAssets.miniflare.dispose();
agent.destroy();
const ratio = (name) => least[name] / least["no assets"];
for (const name of Object.keys(least)) console.log(`${name}: ${least[name].toFixed(3)} ms a request, ${ratio(name).toFixed(2)} times`);
process.exit(ratio("assets") > 1.7 && ratio("assets, entry with a name") < 1.5 ? 0 : 1);
JS
export CLOUDFLARE_CF_FETCH_ENABLED=false WRANGLER_SEND_METRICS=false
./node_modules/.bin/node look.mjs
