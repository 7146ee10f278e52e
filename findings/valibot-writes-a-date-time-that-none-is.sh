#!/usr/bin/env bash
# Valibot's JSON Schema of `isoDateTime` and `isoTime` refuses every value that they take.
# Package: @valibot/to-json-schema 1.8.0 (npm) with valibot 1.5.0; ajv 8.20.0 with ajv-formats 3.0.1 reads the schema.
# A good guess: the schema takes what the Valibot schema takes, and what can't be said in JSON Schema is an error, as for `minBytes`. Seen:
# `isoDateTime` is a day, hours and minutes without a zone, and becomes the format `date-time`, which needs seconds and a zone; likewise `isoTime`. No value
# fulfils both, so a form that is made from a model's published schema can't be sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit valibot@1.5.0 @valibot/to-json-schema@1.8.0 ajv@8.20.0 ajv-formats@3.0.1
cat > look.mjs <<'JS'
import { toJsonSchema } from "@valibot/to-json-schema";
import Ajv from "ajv";
import formats from "ajv-formats";
import * as v from "valibot";

const ajv = formats.default(new Ajv.default());
const values = { isoDate: "2026-11-30", isoDateTime: "2026-11-30T10:00", isoTime: "10:00", isoTimeSecond: "10:00:00", isoTimestamp: "2026-11-30T10:00:00Z" };
const full = { isoDateTime: "2026-11-30T10:00:00Z", isoTime: "10:00:00Z" };
const seen = {};
for (const [name, value] of Object.entries(values)) {
  const schema = v.pipe(v.string(), v[name]());
  const { $schema, ...json } = toJsonSchema(schema);
  const check = ajv.compile(json);
  seen[name] = [value, full[name]].filter(Boolean).map((text) => `${text}: Valibot ${v.is(schema, text)}, JSON Schema ${check(text)}`).join("; ");
}
console.log(seen);
const never = (...texts) => `${texts[0]}: Valibot true, JSON Schema false; ${texts[1]}: Valibot false, JSON Schema true`;
const both = (text) => `${text}: Valibot true, JSON Schema true`;
const guess = [both(values.isoDate), never(values.isoDateTime, full.isoDateTime), never(values.isoTime, full.isoTime), both(values.isoTimeSecond), both(values.isoTimestamp)];
process.exit(Object.values(seen).join() === guess.join() ? 0 : 1);
JS
node look.mjs
