#!/usr/bin/env bash
# datamodel-code-generator writes a module of pydantic models that can't be imported, if a pattern names surrogates.
# Package: datamodel-code-generator 0.89.0 (PyPI), with pydantic 2.14.4. A good guess: a pattern that is valid in OpenAPI (ECMA-262) is
# translated, left out with a warning, or refused when the models are generated. Seen: it exits with 0, and the module fails at its import,
# with all of its models, since pydantic compiles patterns with Rust's engine, which has no class `\p{Cs}`. A pattern that looks ahead is
# known to it, and works.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check datamodel-code-generator==0.89.0 pydantic==2.14.4
env/bin/python - <<'PY'
import json
import pathlib
import subprocess
import sys

pattern = r"^[^\p{Cc}\p{Cs}/]+$"
schema = {"type": "object", "properties": {"name": {"type": "string", "pattern": pattern}}}
document = {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}, "components": {"schemas": {"File": schema}}}
pathlib.Path("openapi.json").write_text(json.dumps(document))
command = ["env/bin/datamodel-codegen", "--input", "openapi.json", "--input-file-type", "openapi", "--output", "models.py"]
generated = subprocess.run([*command, "--output-model-type", "pydantic_v2.BaseModel"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
imported = subprocess.run([sys.executable, "-c", "import models"], capture_output=True, text=True)
print("generated:", generated.returncode)
print("imported:", imported.returncode, imported.stderr.strip().splitlines()[-2:])
sys.exit(0 if generated.returncode == 0 and imported.returncode == 1 and "Unicode property" in imported.stderr else 1)
PY
