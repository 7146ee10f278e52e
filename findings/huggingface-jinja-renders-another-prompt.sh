#!/usr/bin/env bash
# @huggingface/jinja renders another prompt than Jinja does for a chat template that prints tools, strips characters or compares lists.
# Package: @huggingface/jinja 0.5.11 (npm); jinja2 3.1.6 (PyPI) stands beside it.
# A good guess: what it can't do as Jinja does is an error, as an unknown filter is, since a model was trained on the template's own text. Seen: lists and
# objects are written as JSON, `True` and `None` as `true` and nothing; `strip("x")` takes nothing away; two equal lists, or objects, are not equal, but
# the text "1" is equal to the number 1; -7 % 3 is -1. So the same model is given another prompt in JavaScript, without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit @huggingface/jinja@0.5.11
cat > look.mjs <<'JS'
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";

const { templates, values, rendered } = JSON.parse(readFileSync("jinja2.json", "utf8"));
const guess = {
  "{{ tools }}": `[{"name": "look", "strict": true, "default": null}]`,
  "{{ tools[0].strict }} {{ tools[0].default }}": "true ",
  "{{ text.strip('x') }}": "xxlookxx",
  "{{ tools == same }}": "false",
  "{{ '1' == 1 }}": "true",
  "{{ -7 % 3 }}": "-1",
  "{{ text | upper }} {{ tools | tojson }}": rendered.at(-1),
};
let isOdd = templates.length === Object.keys(guess).length;
for (const [index, template] of templates.entries()) {
  const text = new Template(template).render(values);
  console.log(`${template}\n  Jinja:      ${rendered[index]}\n  JavaScript: ${text}`);
  if (text !== guess[template]) isOdd = false;
  if (index < templates.length - 1 && text === rendered[index]) isOdd = false;
}
process.exit(isOdd ? 0 : 1);
JS
python3 -m pip install --quiet --no-compile --disable-pip-version-check --root-user-action=ignore --target python jinja2==3.1.6
PYTHONPATH=python python3 - > jinja2.json <<'PY'
import json

import jinja2

templates = [
    "{{ tools }}", "{{ tools[0].strict }} {{ tools[0].default }}", "{{ text.strip('x') }}", "{{ tools == same }}", "{{ '1' == 1 }}", "{{ -7 % 3 }}",
    "{{ text | upper }} {{ tools | tojson }}",
]
tool = {"name": "look", "strict": True, "default": None}
values = {"tools": [tool], "same": [tool], "text": "xxlookxx"}
environment = jinja2.Environment()
environment.policies["json.dumps_kwargs"] = {}
rendered = [environment.from_string(template).render(values) for template in templates]
print(json.dumps({"templates": templates, "values": values, "rendered": rendered}))
PY
node look.mjs
