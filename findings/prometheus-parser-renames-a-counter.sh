#!/usr/bin/env bash
# The parser of Prometheus' Python client calls a counter by another name than the text does.
# Package: prometheus-client 0.26.0 (PyPI). A good guess: a sample has the name that stands in the text, whatever its type; servers of
# models, written in other languages, have counters that don't end in `_total`, as the text format allows. Seen: `requests` of the type
# counter is handed on as `requests_total`; with no TYPE line, or as a gauge, it keeps its name. Who looks for the name that `curl` shows
# finds nothing, and who writes the samples out again writes another metric.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check prometheus-client==0.26.0
cat > look.py <<'PY'
import sys

from prometheus_client.parser import text_string_to_metric_families

names = []
for kind in ("counter", "gauge", None):
    text = (f"# TYPE requests {kind}\n" if kind else "") + 'requests{model="m"} 5\n'
    found = [sample.name for family in text_string_to_metric_families(text) for sample in family.samples]
    print(f"type {kind}: {found}")
    names += found
sys.exit(0 if names == ["requests_total", "requests", "requests"] else 1)
PY
env/bin/python look.py
