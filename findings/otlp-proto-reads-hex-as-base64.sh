#!/usr/bin/env bash
# Python's classes of OTLP read a trace's id in JSON without a word, and wrongly.
# Package: opentelemetry-proto 1.45.2 (PyPI), with protobuf 7.36.2. A good guess: ParseDict of a valid OTLP/HTTP request in JSON gives the
# 16 bytes of `traceId`, or an error. Seen: 24 other bytes. The protocol writes ids in hexadecimal, protobuf's JSON has bytes in base64, and
# 32 hexadecimal digits are base64 too; so a receiver that is built on these classes must turn the ids over before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opentelemetry-proto==1.45.2 protobuf==7.36.2
venv/bin/python - <<'PY'
import sys

from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
span = {"traceId": TRACE, "spanId": SPAN, "name": "a", "kind": 1, "startTimeUnixNano": "1", "endTimeUnixNano": "2"}
sent = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
read = ParseDict(sent, ExportTraceServiceRequest()).resource_spans[0].scope_spans[0].spans[0]
print("sent:", TRACE, SPAN)
print("read:", read.trace_id.hex(), read.span_id.hex())
sys.exit(0 if (len(read.trace_id), len(read.span_id)) == (24, 12) else 1)
PY
