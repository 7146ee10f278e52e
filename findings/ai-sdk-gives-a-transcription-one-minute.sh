#!/usr/bin/env bash
# The AI SDK gives a transcription at Rev AI or Gladia one minute, without an option for more, and loses Gladia's id then.
# Packages: ai 7.0.173, @ai-sdk/revai 3.0.40, @ai-sdk/gladia 3.0.40 (npm); node 24.21.0 (npm).
# A good guess: it polls until the job has ended or the caller's `abortSignal` says so, since these vendors take recordings of hours, whose work
# lasts minutes. Seen: a job at work for more than 60 seconds throws "Transcription job polling timed out" and runs on at the vendor. Rev AI's id
# is in the error's `cause`; Gladia's is nowhere, so what was paid for can't be fetched. The clock is moved on by 15 s with each poll here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 ai@7.0.173 @ai-sdk/revai@3.0.40 @ai-sdk/gladia@3.0.40
cat > look.mjs <<'JS'
import { createGladia } from "@ai-sdk/gladia";
import { createRevai } from "@ai-sdk/revai";
import { transcribe } from "ai";

const id = "the-id-of-the-job";
let polls = 0;
const now = Date.now;
Date.now = () => now() + polls * 15_000;
const answer = async (url, { method = "GET" } = {}) => {
  if (method === "GET") polls++;
  const status = url.includes("gladia") ? "processing" : "in_progress";
  const where = url.endsWith("/upload") ? { audio_url: "https://api.gladia.io/file/1" } : { result_url: `https://api.gladia.io/v2/pre-recorded/${id}` };
  return Response.json({ id, status, ...where });
};
const models = {
  "Rev AI": createRevai({ apiKey: "key", fetch: answer }).transcription("machine"),
  Gladia: createGladia({ apiKey: "key", fetch: answer }).transcription(),
};
const seen = [];
for (const [name, model] of Object.entries(models)) {
  polls = 0;
  const error = await transcribe({ model, audio: new Uint8Array([1]), maxRetries: 0 }).catch((thrown) => thrown);
  const told = JSON.stringify([error.message, error.cause]).includes(id);
  seen.push(`${error.message} ${polls * 15} ${told}`);
  console.log(`${name}: ${error.message} after ${polls * 15} s at work; its id is told: ${told}`);
}
process.exit(seen.join() === "Transcription job polling timed out 60 true,Transcription job polling timed out 60 false" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs
