#!/usr/bin/env bash
# zod's `fromJSONSchema` refuses every value for a `const` or `enum` of objects or lists, and large integers for `integer`.
# Packages: zod 4.6.6 (npm), beside it @cfworker/json-schema 4.1.6 and ajv 8.20.0 (npm); node 24.21.0 (npm). A good guess: `const: [1024, 768]`
# takes a list that is equal, as JSON Schema compares; and `integer` takes a seed of 2^53 or 1e20, which are integers there. Seen: the
# constant is compared by identity, so nothing that was parsed is ever equal to it; and beyond 2^53 - 1 no number is an integer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 zod@4.6.6 @cfworker/json-schema@4.1.6 ajv@8.20.0
cat > look.mjs <<'JS'
import { Validator } from "@cfworker/json-schema";
import { Ajv2020 } from "ajv/dist/2020.js";
import * as z from "zod";

const cases = [
  [{ const: [1024, 768] }, [1024, 768]],
  [{ enum: [{ width: 512 }, { width: 1024 }] }, { width: 512 }],
  [{ type: "integer" }, 9007199254740992],
  [{ type: "integer", minimum: 0 }, 1e20],
];
const seen = cases.map(([schema, value]) => {
  const row = {
    zod: z.fromJSONSchema(schema).safeParse(value).success,
    cfworker: new Validator(schema, "2020-12").validate(value).valid,
    ajv: new Ajv2020({ strict: false }).validate(schema, value),
  };
  console.log(JSON.stringify(value), "for", JSON.stringify(schema), JSON.stringify(row));
  return Object.values(row).join();
});
process.exit(seen.every((row) => row === "false,true,true") ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
