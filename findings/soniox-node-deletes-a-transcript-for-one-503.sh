#!/usr/bin/env bash
# Soniox' Node client deletes a transcription that is still running, or done, if one request for it is refused once.
# Package: @soniox/node 2.3.0 (npm).
# A good guess: `transcribe` with `wait` and `cleanup: ["file", "transcription"]` cleans up once the transcript is in the caller's hands, or
# the job has failed; a single 503 to a poll is tried again, or leaves the job to be asked for later. Seen: no request is tried again, the 503
# is the failure, and the audio and the job, finished and paid for, are deleted on the server; the caller has neither text nor id.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @soniox/node@2.3.0
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { SonioxNodeClient } from "@soniox/node";

let refused, status, deleted;
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  const path = request.url.slice("/v1/".length);
  request.resume().on("end", () => {
    if (request.method === "DELETE") {
      deleted.push(path.split("/")[0]);
      return response.writeHead(204).end();
    }
    const what = request.method === "POST" ? "order" : path.endsWith("/transcript") ? "transcript" : "poll";
    if (what === refused) {
      refused = "";
      return send(503, { message: "try again" });
    }
    const created_at = "2026-01-01T00:00:00Z";
    if (path === "files") return send(201, { id: "f1", filename: "a.wav", size: 5, created_at });
    if (what === "transcript") return send(200, { id: "t1", text: "hello", tokens: [] });
    send(200, { id: "t1", status: what === "order" ? "queued" : status, model: "m", file_id: "f1", filename: "a.wav", created_at });
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const client = new SonioxNodeClient({ api_key: "key", base_url: `http://127.0.0.1:${server.address().port}` });
const seen = [];
for (const [once, is] of [["", "completed"], ["poll", "processing"], ["transcript", "completed"]]) {
  [refused, status, deleted] = [once, is, []];
  const options = { model: "m", file: Buffer.from("audio"), filename: "a.wav", wait: true, cleanup: ["file", "transcription"] };
  const said = await client.stt.transcribe(options).then(({ transcript }) => transcript.text, (error) => `fails with ${error.statusCode}`);
  seen.push(`${said}: ${deleted}`);
  console.log(`the ${once || "nothing"} is refused once, the job is ${is}: ${said}; deleted: ${deleted}`);
}
const wanted = ["hello: files,transcriptions", "fails with 503: files,transcriptions", "fails with 503: files,transcriptions"];
process.exit(seen.join() === wanted.join() ? 0 : 1);
JS
node look.mjs
