#!/usr/bin/env bash
# wavefile changes samples that are brought to more bits and back.
# Package: wavefile 11.0.0 (npm).
# A good guess: 24 bits and floats hold each sample of 16 bits exactly, so a recording that is sent to a model as floats, or kept in 24 bits,
# comes back as it was; its page says that nothing but the depth changes. Seen: by way of 24 or 32 bits, or of floats of 32 bits, 1 comes
# back as 0 and 256 as 255: a quarter or half of all samples come back lower by one; floats of 64 bits keep all. A scale for the
# positive side and one for the negative are rounded down both ways.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund wavefile@11.0.0
cat > look.mjs <<'JS'
import wavefile from "wavefile";

const all = Array.from({ length: 65536 }, (_, index) => index - 32768);
const seen = {};
for (const depth of ["24", "32", "32f", "64"]) {
  const wave = new wavefile.WaveFile();
  wave.fromScratch(1, 16000, "16", all);
  wave.toBitDepth(depth);
  wave.toBitDepth("16");
  const back = Array.from(wave.getSamples());
  const changed = all.filter((value, index) => back[index] !== value);
  seen[depth] = { changed: changed.length, one: back[32769], of256: back[33024], most: Math.max(...all.map((value, index) => Math.abs(value - back[index]))) };
}
console.log(seen);
const bad = ["24", "32", "32f"].every((depth) => seen[depth].changed > 16000 && seen[depth].one === 0 && seen[depth].of256 === 255 && seen[depth].most === 1);
process.exit(bad && seen["64"].changed === 0 ? 0 : 1);
JS
node look.mjs
