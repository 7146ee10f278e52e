#!/usr/bin/env bash
# The AI SDK asks Deepgram to redact one thing named `pci,ssn` where it is given two, and sends ElevenLabs both `diarize=true` and `false`.
# Packages: ai 7.0.173, @ai-sdk/deepgram 3.1.16, @ai-sdk/elevenlabs 3.0.46 (npm); node 24.21.0 (npm).
# A good guess: a list of `redact` becomes one parameter for each of its values, `redact=pci&redact=ssn`, as Deepgram documents it, and an
# option that is given to ElevenLabs takes the place of the provider's own. Seen: the list is written as one text with a comma; the form has
# `diarize` twice, first true. Without options it is true alone, though false is the default of the option.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 ai@7.0.173 @ai-sdk/deepgram@3.1.16 @ai-sdk/elevenlabs@3.0.46
cat > look.mjs <<'JS'
import { createDeepgram } from "@ai-sdk/deepgram";
import { createElevenLabs } from "@ai-sdk/elevenlabs";
import { transcribe } from "ai";

let sent;
const answer = async (url, { body }) => {
  sent = { redact: new URL(url).searchParams.getAll("redact"), diarize: body instanceof FormData ? body.getAll("diarize") : [] };
  const channels = [{ alternatives: [{ transcript: "x", words: [] }] }];
  return Response.json({ text: "x", language_code: "en", language_probability: 1, words: [], metadata: { duration: 1 }, results: { channels } });
};
const deepgram = createDeepgram({ apiKey: "key", fetch: answer }).transcription("nova-3");
const elevenlabs = createElevenLabs({ apiKey: "key", fetch: answer }).transcription("scribe_v1");
const audio = new Uint8Array([1]);
const seen = [];
await transcribe({ model: deepgram, audio, providerOptions: { deepgram: { redact: ["pci", "ssn"] } } });
seen.push(sent.redact.join(" and "));
for (const providerOptions of [{}, { elevenlabs: { languageCode: "de" } }, { elevenlabs: { diarize: false } }]) {
  await transcribe({ model: elevenlabs, audio, providerOptions });
  seen.push(sent.diarize.join(" and "));
}
console.log("Deepgram, redact of pci and ssn:", seen[0]);
console.log("ElevenLabs, diarize:", `without options ${seen[1]}; with a language ${seen[2]}; with diarize: false ${seen[3]}`);
process.exit(seen.join() === "pci,ssn,true,true and false,true and false" ? 0 : 1);
JS
AI_SDK_LOG_WARNINGS=false node_modules/.bin/node look.mjs
