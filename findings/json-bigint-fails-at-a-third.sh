#!/usr/bin/env bash
# json-bigint throws at a fraction of sixteen characters if it is to give BigInts, and gives an object for it by default.
# Packages: json-bigint 1.0.0, bignumber.js as it asks for it (npm). A good guess: only integers beyond 2^53 are special, as its README says of
# big numbers, and 0.3333333333333333, which every JSON library writes for a third, is a number. Seen: whatever has more than fifteen characters
# goes to BigInt, so `useNativeBigInt` throws "Cannot convert 0.3333333333333333 to a BigInt" for a whole answer; by default it is an object, to
# which `+ 1` appends a text; 1234567890123456, which a double holds exactly, is a BigInt as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund json-bigint@1.0.0
cat > look.mjs <<'JS'
import JSONbig from "json-bigint";

const native = JSONbig({ useNativeBigInt: true });
const attempt = (run) => {
  try {
    const value = run();
    return `${typeof value} ${value}`;
  } catch (error) {
    return `${error.name}: ${error.message}`;
  }
};
const seen = [];
for (const text of ["0.333333333333", "0.3333333333333333", "1234567890123456"]) {
  seen.push(attempt(() => native.parse(`{"score":${text}}`).score), attempt(() => JSONbig.parse(text)), attempt(() => JSONbig.parse(text) + 1));
  console.log(`${text}: native ${seen.at(-3)}; by default ${seen.at(-2)}, and with 1 added ${seen.at(-1)}`);
}
const expected = [
  ...["number 0.333333333333", "number 0.333333333333", "number 1.333333333333"],
  ...["SyntaxError: Cannot convert 0.3333333333333333 to a BigInt", "object 0.3333333333333333", "string 0.33333333333333331"],
  ...["bigint 1234567890123456", "object 1234567890123456", "string 12345678901234561"],
];
process.exit(seen.join() === expected.join() ? 0 : 1);
JS
node look.mjs
