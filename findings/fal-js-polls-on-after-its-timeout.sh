#!/usr/bin/env bash
# fal's JavaScript client goes on polling a job whose `timeout` it has reported.
# Package: @fal-ai/client 1.10.1 (npm).
# A good guess: subscribe() with a `timeout` asks for a cancel, rejects, and asks nothing more.
# Seen: if a poll is under way when the time is up, its answer sets the next one, and so on until the job is COMPLETED: for ever, each
# `pollInterval`, if the server could not cancel it and it is lost. Such a program does not end by itself either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @fal-ai/client@1.10.1
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createFalClient } from "@fal-ai/client";

const calls = [];
const server = createServer(async (request, response) => {
  calls.push(request.method);
  if (request.method === "GET") await sleep(700);
  const [status, body] = { POST: [200, { request_id: "1", status: "IN_QUEUE" }], GET: [202, { status: "IN_PROGRESS" }], PUT: [202, {}] }[request.method];
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const to = (target) => `http://127.0.0.1:${server.address().port}${new URL(target).pathname}`;
const fal = createFalClient({ credentials: "id:secret", fetch: (target, options) => fetch(to(target), options) });
const options = { input: {}, timeout: 1_000, pollInterval: 20 };
const error = await fal.subscribe("owner/model", options).catch((thrown) => thrown);
const before = calls.length;
await sleep(3_000);
const after = calls.slice(before).filter((method) => method === "GET").length;
console.log(`${error.message}; canceled: ${calls.includes("PUT")}; polls in the 3 s after that: ${after}`);
process.exit(calls.includes("PUT") && after >= 2 ? 0 : 1);
JS
node look.mjs
