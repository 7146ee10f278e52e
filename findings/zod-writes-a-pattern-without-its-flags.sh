#!/usr/bin/env bash
# zod's `toJSONSchema` leaves the flags of a regular expression out, so the schema refuses what zod takes.
# Packages: zod 4.6.6 (npm), beside it ajv 8.20.0 (npm); node 24.21.0 (npm). A good guess: it throws, as for a transform or a BigInt, which
# JSON Schema can't say either; or it leaves the pattern out, as it does with a refinement. Seen: `/^fp(16|32)$/i` is written as
# `^fp(16|32)$`, so `FP16`, which the server takes, is refused by whoever checks it with the schema, and `/^.$/s` and `/^a$/m` lose theirs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 zod@4.6.6 ajv@8.20.0
cat > look.mjs <<'JS'
import { Ajv2020 } from "ajv/dist/2020.js";
import * as z from "zod";

const cases = [[/^fp(16|32)$/i, "FP16"], [/^.$/s, "\n"], [/^a$/m, "b\na"]];
const seen = cases.map(([pattern, text]) => {
  const schema = z.string().regex(pattern);
  const written = z.toJSONSchema(schema);
  const row = [schema.safeParse(text).success, new Ajv2020().validate(written, text)];
  console.log(JSON.stringify(text), "for", String(pattern), "is taken by zod:", row[0], "and by its schema", JSON.stringify(written.pattern) + ":", row[1]);
  return row.join();
});
process.exit(seen.every((row) => row === "true,false") ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
