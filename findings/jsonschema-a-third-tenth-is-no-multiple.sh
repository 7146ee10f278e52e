#!/usr/bin/env bash
# Python's jsonschema and Ajv refuse 0.3 for `multipleOf: 0.1`, and 19.99 for 0.01, which five other validators take.
# Packages: jsonschema 4.26.0, fastjsonschema 2.22.3 and jsonschema-rs 0.60.3 (PyPI); ajv 8.20.0, @cfworker/json-schema 4.1.6,
# @exodus/schemasafe 1.3.0 and @hyperjump/json-schema 1.18.0 (npm). A good guess: JSON's numbers are decimal, and 0.3 is three times 0.1
# (JSON Schema 2020-12, validation 6.2.1), so all agree, or none. Seen: two compute in binary, where 0.3 / 0.1 is 2.9999999999999996. A
# model's schema with a step of 0.1 refuses some of its own steps in one language and not in the other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check jsonschema==4.26.0 fastjsonschema==2.22.3 jsonschema-rs==0.60.3
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ajv@8.20.0 @cfworker/json-schema@4.1.6 @exodus/schemasafe@1.3.0 @hyperjump/json-schema@1.18.0
cat > look.mjs <<'JS'
import { Validator } from "@cfworker/json-schema";
import { validator } from "@exodus/schemasafe";
import { registerSchema, validate } from "@hyperjump/json-schema/draft-2020-12";
import Ajv from "ajv/dist/2020.js";

const $schema = "https://json-schema.org/draft/2020-12/schema";
const validators = {
  ajv: (schema, value) => new Ajv.default({ strict: false }).validate(schema, value),
  cfworker: (schema, value) => new Validator(schema, "2020-12").validate(value).valid,
  schemasafe: (schema, value) => validator({ $schema, ...schema }, { mode: "spec" })(value),
  hyperjump: async (schema, value) => {
    const id = `https://example.com/${schema.multipleOf}`;
    registerSchema({ $schema, ...schema }, id);
    return (await validate(id, value)).valid;
  },
};
let agreed = true;
for (const [name, valid] of Object.entries(validators)) {
  const seen = [await valid({ multipleOf: 0.1 }, 0.3), await valid({ multipleOf: 0.01 }, 19.99)];
  console.log(`${name}: 0.3 ${seen[0]}, 19.99 ${seen[1]}`);
  agreed &&= seen.every((is) => is === (name !== "ajv"));
}
process.exit(agreed ? 0 : 1);
JS
node look.mjs
env/bin/python - <<'PY'
import json
import sys

import fastjsonschema
import jsonschema
import jsonschema_rs


def fast(schema, value):
    try:
        fastjsonschema.compile(schema)(value)
        return True
    except fastjsonschema.JsonSchemaValueException:
        return False


validators = {
    "jsonschema": lambda schema, value: jsonschema.Draft202012Validator(schema).is_valid(value),
    "fastjsonschema": fast,
    "jsonschema-rs": jsonschema_rs.is_valid,
}
seen = {name: [valid({"multipleOf": step}, value) for step, value in ((0.1, 0.3), (0.01, 19.99))] for name, valid in validators.items()}
for name, valid in seen.items():
    print(f"{name}: 0.3 {valid[0]}, 19.99 {valid[1]}")
sys.exit(0 if list(seen.values()) == [[False, False], [True, True], [True, True]] else 1)
PY
