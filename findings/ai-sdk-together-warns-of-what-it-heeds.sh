#!/usr/bin/env bash
# The AI SDK's provider for Together warns that an aspect ratio is not heeded when it is given a size, which is, and not when it is given one.
# Packages: ai 7.0.173, @ai-sdk/togetherai 3.0.54, beside it @ai-sdk/luma 3.0.41 (npm); node 24.21.0 (npm).
# A good guess: `warnings` names the option that was left out, as Luma's does. Seen: with `aspectRatio` the request has neither that nor a
# size, and no warning; with `size` the width and height are sent, and `aspectRatio`, which nobody gave, is "unsupported".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 ai@7.0.173 @ai-sdk/togetherai@3.0.54 @ai-sdk/luma@3.0.41
cat > look.mjs <<'JS'
import { createLuma } from "@ai-sdk/luma";
import { createTogetherAI } from "@ai-sdk/togetherai";
import { generateImage } from "ai";

let sent;
const answer = async (to, options = {}) => {
  if (to.endsWith(".png")) return new Response("png", { headers: { "content-type": "image/png" } });
  if (options.body) sent = JSON.parse(options.body);
  return Response.json({ id: "1", state: "completed", assets: { image: "https://cdn.lumalabs.ai/1.png" }, data: [{ b64_json: "AAAA" }] });
};
const models = {
  Together: createTogetherAI({ apiKey: "key", fetch: answer }).image("black-forest-labs/FLUX.1-schnell"),
  Luma: createLuma({ apiKey: "key", fetch: answer }).image("photon-1"),
};
const seen = [];
for (const [name, model] of Object.entries(models)) {
  for (const option of [{ aspectRatio: "16:9" }, { size: "512x256" }]) {
    const { warnings } = await generateImage({ model, prompt: "x", ...option });
    const heeded = "width" in sent || "aspect_ratio" in sent;
    seen.push(`${name} ${heeded} ${warnings.map(({ feature }) => feature)}`);
    console.log(name.padEnd(9), JSON.stringify(option), heeded ? "is sent," : "is left out,", "warns of:", warnings.map(({ feature }) => feature).join() || "nothing");
  }
}
process.exit(seen.join() === "Together false ,Together true aspectRatio,Luma true ,Luma false size" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs
