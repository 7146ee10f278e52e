#!/usr/bin/env bash
# zod's `fromJSONSchema` takes an object without a member that the schema requires, and a number below its minimum.
# Packages: zod 4.6.6 (npm), beside it @cfworker/json-schema 4.1.6 and ajv 8.20.0 (npm); node 24.21.0 (npm). A good guess: what it cannot
# express it refuses, as it throws for `not`, `if` and `dependentRequired`; what it takes it checks. Seen: `required` counts only for members
# that stand in `properties` too; a bound counts only beside a `type`; and what stands beside `anyOf` of two lists of `required` is checked,
# the lists are not. Nothing is said of it.
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
  [{ type: "object", required: ["prompt"] }, {}],
  [{ minimum: 1 }, 0],
  [{ type: "object", properties: { prompt: { type: "string" } }, anyOf: [{ required: ["prompt"] }, { required: ["messages"] }] }, {}],
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
process.exit(seen.every((row) => row === "true,false,false") ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
