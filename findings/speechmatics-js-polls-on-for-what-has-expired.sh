#!/usr/bin/env bash
# Speechmatics' JavaScript client polls on for a job that has expired or was deleted, and throws a list, or undefined, for one that was rejected.
# Package: @speechmatics/batch-client 5.1.0 (npm).
# A good guess: `transcribe` ends at each of the final statuses that the package lists (done, rejected, deleted, expired), with an Error that
# says why. Seen: "deleted" and "expired" are polled for up to fifteen minutes. A rejection is the job's list of errors itself, or undefined
# where the job has none, so there is no message and no stack; and a poll that a gateway refuses with a page ends it all by a SyntaxError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @speechmatics/batch-client@5.1.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { BatchClient } from "@speechmatics/batch-client";

const errors = [{ timestamp: "2026-01-01T00:00:00Z", message: "no speech" }];
const polls = {};
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    const id = request.url.split("?")[0].split("/")[3];
    if (request.method === "POST") return send(201, { id: request.headers.authorization.slice("Bearer ".length) });
    polls[id] = (polls[id] ?? 0) + 1;
    if (id === "gateway") return response.writeHead(502, { "content-type": "text/html" }).end("<h1>Bad gateway</h1>");
    send(200, { job: { id, status: id.split("-")[0], errors: id === "rejected" ? errors : undefined } });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const apiUrl = `http://127.0.0.1:${server.address().port}/v2`;
// The id of each job is the key by which it is ordered. The client polls every three seconds.
const names = ["rejected", "rejected-bare", "expired", "deleted", "gateway"];
const seen = await Promise.all(names.map(async (apiKey) => {
  const client = new BatchClient({ apiKey, apiUrl });
  const job = client.transcribe(new Blob(["audio"]), { transcription_config: { language: "en" } });
  const told = job.catch((error) => (error instanceof Error ? error.name : `no Error but ${JSON.stringify(error)}`));
  return Promise.race([told, new Promise((resolve) => setTimeout(resolve, 10_500, "polls on"))]);
}));
names.forEach((name, index) => console.log(`${name}: ${seen[index]}, after ${polls[name]} polls`));
const wanted = [`no Error but ${JSON.stringify(errors)}`, "no Error but undefined", "polls on", "polls on", "SyntaxError"];
process.exit(seen.join() === wanted.join() && polls.expired > 1 && polls.deleted > 1 ? 0 : 1);
JS
node look.mjs
