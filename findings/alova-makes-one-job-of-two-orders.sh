#!/usr/bin/env bash
# alova sends one of several equal POSTs that are made at once, and gives a poll's first answer for five minutes, though it says `no-store`.
# Package: alova 3.5.5 (npm).
# A good guess: two calls that order the same prompt twice make two jobs, as a POST is not to be shared; and an answer that says
# `Cache-Control: no-store`, as a job's status does, is asked for anew. Seen: equal requests that are under way are one, whatever their method,
# and each caller has the same job's id; a GET is kept in memory for 300 s, whatever its headers say, so a job stays "queued".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund alova@3.5.5
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { createAlova } from "alova";
import adapterFetch from "alova/fetch";

let orders = 0;
let polls = 0;
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json", "cache-control": "no-store" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.method === "POST") return send(202, { id: (orders += 1) });
    polls += 1;
    send(200, { status: polls > 1 ? "done" : "queued" });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}`;
const seen = [];
for (const more of [{}, { shareRequest: false, cacheFor: null }]) {
  [orders, polls] = [0, 0];
  const options = { baseURL, requestAdapter: adapterFetch(), responded: (response) => response.json(), cacheLogger: false };
  // A cache of its own each time.
  const alova = createAlova({ ...options, id: JSON.stringify(more), ...more });
  const jobs = await Promise.all([1, 2, 3].map(() => alova.Post("/jobs", { prompt: "a cat" })));
  const answers = [(await alova.Get("/jobs/1")).status, (await alova.Get("/jobs/1")).status];
  seen.push([jobs.map(({ id }) => id).sort(), orders, answers, polls]);
  console.log(`${JSON.stringify(more)}: three orders made the jobs ${jobs.map(({ id }) => id)}; two polls: ${answers}, of which ${polls} sent`);
}
const wanted = [[[1, 1, 1], 1, ["queued", "queued"], 1], [[1, 2, 3], 3, ["queued", "done"], 2]];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs
