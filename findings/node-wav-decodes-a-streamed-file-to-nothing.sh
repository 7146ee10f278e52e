#!/usr/bin/env bash
# node-wav decodes a WAV file that was streamed, whose length is not known, to undefined, without an error.
# Packages: node-wav 0.0.2, beside it wav-decoder 1.3.0 and wavefile 11.0.0 (npm).
# A good guess: a server that sends sound while it makes it writes 0xffffffff as the lengths, as ffmpeg does into a pipe; the samples are
# then those up to the end of the file. Seen: `decode` returns undefined, and so it does if a file with a length was cut off. The other two
# give the samples that are there.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund node-wav@0.0.2 wav-decoder@1.3.0 wavefile@11.0.0
cat > look.cjs <<'JS'
const nodeWav = require("node-wav");
const { WaveFile } = require("wavefile");
const WavDecoder = require("wav-decoder");

const samples = Buffer.from(Int16Array.from({ length: 100 }, (_, at) => at * 100).buffer);
function wav(dataLength, riffLength) {
  const head = Buffer.alloc(44);
  head.write("RIFF\0\0\0\0WAVEfmt ", "latin1");
  head.writeUInt32LE(riffLength, 4);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(16_000, 24);
  head.writeUInt32LE(32_000, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36, "latin1");
  head.writeUInt32LE(dataLength, 40);
  return Buffer.concat([head, samples]);
}
const files = { "with its length": wav(200, 236), streamed: wav(0xffffffff, 0xffffffff), "cut off": wav(400, 436) };
const seen = [];
for (const [name, file] of Object.entries(files)) {
  const decoded = nodeWav.decode(file);
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.length);
  seen.push([decoded?.channelData[0].length ?? "undefined", WavDecoder.decode.sync(bytes).channelData[0].length, new WaveFile(file).getSamples().length]);
  console.log(`${name}: node-wav ${seen.at(-1)[0]}, wav-decoder ${seen.at(-1)[1]}, wavefile ${seen.at(-1)[2]} samples`);
}
process.exit(JSON.stringify(seen) === JSON.stringify([[100, 100, 100], ["undefined", 100, 100], ["undefined", 100, 100]]) ? 0 : 1);
JS
node look.cjs
