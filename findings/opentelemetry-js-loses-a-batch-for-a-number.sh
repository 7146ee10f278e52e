#!/usr/bin/env bash
# OpenTelemetry's JavaScript exporter writes a large number as an integer that does not fit, for which a reader refuses the whole batch.
# Packages: @opentelemetry/otlp-transformer 0.301.1, @opentelemetry/sdk-trace-base 2.12.1 (npm), opentelemetry-proto 1.45.2, protobuf 7.36.2 (PyPI).
# A good guess: what is beyond 64 bits is a `doubleValue`, and NaN is "NaN", as OTLP's JSON (that of protobuf) has it.
# Seen: 1e22 is `intValue: 1e+22`, and protobuf's reader refuses all spans of the request; NaN and infinities are `doubleValue: null`, which
# reads as no value at all; -0 is the integer 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --legacy-peer-deps @opentelemetry/otlp-transformer@0.301.1 @opentelemetry/sdk-trace-base@2.12.1 \
  @opentelemetry/api@1.10.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check opentelemetry-proto==1.45.2 protobuf==7.36.2
cat > write.mjs <<'JS'
import { writeFileSync } from "node:fs";
import { JsonTraceSerializer } from "@opentelemetry/otlp-transformer";
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";

for (const [name, loss] of [["fraction", 1.5], ["nan", NaN], ["large", 1e22]]) {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer("look");
  tracer.startSpan("good").end();
  tracer.startSpan("step", { attributes: { loss } }).end();
  writeFileSync(`${name}.json`, JsonTraceSerializer.serializeRequest(exporter.getFinishedSpans()));
}
JS
node write.mjs
cat > look.py <<'PY'
import base64
import json
import sys

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

seen = {}
for name in ["fraction", "nan", "large"]:
    with open(f"{name}.json") as file:
        request = json.load(file)
    spans = request["resourceSpans"][0]["scopeSpans"][0]["spans"]
    written = json.dumps(spans[1]["attributes"][0]["value"])
    for span in spans:  # OTLP writes ids in hexadecimal, and protobuf's JSON in base64
        for key in ["traceId", "spanId"]:
            span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    try:
        read = json_format.ParseDict(request, ExportTraceServiceRequest()).resource_spans[0].scope_spans[0].spans
        result = f"{len(read)} spans, {read[1].attributes[0].value.WhichOneof('value')}"
    except json_format.ParseError as error:
        result = "refused"
        print(str(error)[-60:])
    print(name.ljust(8), "is written as", written, "and reads as", result)
    seen[name] = (written, result)
sys.exit(0 if seen == {
    "fraction": ('{"doubleValue": 1.5}', "2 spans, double_value"),
    "nan": ('{"doubleValue": null}', "2 spans, None"),
    "large": ('{"intValue": 1e+22}', "refused"),
} else 1)
PY
env/bin/python look.py
