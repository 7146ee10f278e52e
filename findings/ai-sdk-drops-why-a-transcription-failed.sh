#!/usr/bin/env bash
# The AI SDK drops the reason of a transcription that failed at Rev AI or Gladia: neither its error nor the cause of that has it.
# Packages: ai 7.0.173, @ai-sdk/revai 3.0.40, @ai-sdk/gladia 3.0.40; beside them @ai-sdk/assemblyai 3.0.40 (npm); node 24.21.0 (npm).
# A good guess: the error says why, or at least its `cause`, which is the vendor's answer, has `failure_detail` (Rev AI) and `error_code`
# (Gladia), as AssemblyAI's `error` is in the message. Seen: "Transcription job failed", and a cause of which only the status is left,
# so a file that could not be fetched and a vendor that is down look alike.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 ai@7.0.173 @ai-sdk/revai@3.0.40 @ai-sdk/gladia@3.0.40 @ai-sdk/assemblyai@3.0.40
cat > look.mjs <<'JS'
import { createAssemblyAI } from "@ai-sdk/assemblyai";
import { createGladia } from "@ai-sdk/gladia";
import { createRevai } from "@ai-sdk/revai";
import { transcribe } from "ai";

const told = [
  ["POST", "/speechtotext/v1/jobs", { id: "1", status: "in_progress" }],
  ["GET", "/speechtotext/v1/jobs/1", { id: "1", status: "failed", failure: "download_failure", failure_detail: "could not be fetched: 413" }],
  ["POST", "/v2/upload", { audio_url: "https://api.gladia.io/file/1", upload_url: "https://cdn.assemblyai.com/1" }],
  ["POST", "/v2/pre-recorded", { id: "1", result_url: "https://api.gladia.io/v2/pre-recorded/1" }],
  ["GET", "/v2/pre-recorded/1", { id: "1", status: "error", error_code: 413 }],
  ["POST", "/v2/transcript", { id: "1", status: "queued" }],
  ["GET", "/v2/transcript/1", { id: "1", status: "error", error: "could not be fetched: 413" }],
];
const answer = async (to, { method = "GET" } = {}) =>
  Response.json(told.find(([how, path]) => how === method && path === new URL(to).pathname)[2]);
const models = {
  "Rev AI": createRevai({ apiKey: "key", fetch: answer }).transcription("machine"),
  Gladia: createGladia({ apiKey: "key", fetch: answer }).transcription(),
  AssemblyAI: createAssemblyAI({ apiKey: "key", fetch: answer }).transcription("best"),
};
const seen = [];
for (const [name, model] of Object.entries(models)) {
  const error = await transcribe({ model, audio: new Uint8Array([1]), maxRetries: 0 }).catch((thrown) => thrown);
  const all = [error.message, JSON.stringify(error), JSON.stringify(error.cause)].join();
  seen.push(all.includes("413"));
  console.log(`${name}: ${error.message}; cause ${JSON.stringify(error.cause)}; says why: ${seen.at(-1)}`);
}
process.exit(seen.join() === "false,false,true" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs
