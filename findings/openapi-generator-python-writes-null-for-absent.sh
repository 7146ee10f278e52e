#!/usr/bin/env bash
# openapi-generator's client for Python makes null of each member that may be null and did not come, when what it has read is sent back.
# Packages: org.openapitools:openapi-generator-cli 7.25.0 (Maven; target python), pydantic 2.14.4, urllib3 2.8.0, python-dateutil 2.9.0 (PyPI).
# A good guess: a member that is not there is None, and is left out again: its own comment on `to_dict` says that None is written only of
# members that were set. Seen: read from JSON, every member is set, to None if it did not come; those that may be null are written as null.
# So who reads an object, changes a member and sends it back, clears what the server had left out. Made by hand it is as the comment says.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
mvn -q -B dependency:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=. >/dev/null 2>&1
generate() { java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar openapi-generator-cli-7.25.0.jar generate -i api.json -g "$1" -o "$2" >/dev/null 2>&1; }
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check pydantic==2.14.4 urllib3==2.8.0 python-dateutil==2.9.0
cat > api.json <<'JSON'
{
  "openapi": "3.1.0", "info": { "title": "x", "version": "1" },
  "paths": { "/model": { "patch": { "operationId": "change",
    "requestBody": { "required": true, "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Model" } } } },
    "responses": { "204": { "description": "nothing" } } } } },
  "components": { "schemas": { "Model": { "type": "object", "required": ["name"], "properties": {
    "name": { "type": "string" },
    "limit": { "type": ["integer", "null"] },
    "note": { "type": "string" }
  } } } }
}
JSON
generate python python
cat > look.py <<'PY'
import json
import sys

sys.path.insert(0, "python")
from openapi_client import Model

seen = {
    "made": Model(name="a"),
    "read, without the others": Model.from_json('{"name": "a"}'),
    "read, with null": Model.from_json('{"name": "a", "limit": null}'),
    "read, with a value": Model.from_json('{"name": "a", "limit": 5}'),
}
written = [json.loads(model.to_json()) for model in seen.values()]
for name, what in zip(seen, written):
    print(f"{name}: written as {json.dumps(what)}")
null = {"name": "a", "limit": None}
sys.exit(written != [{"name": "a"}, null, null, {"name": "a", "limit": 5}])
PY
env/bin/python look.py
