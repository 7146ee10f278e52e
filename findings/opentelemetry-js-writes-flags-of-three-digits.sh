#!/usr/bin/env bash
# OpenTelemetry's JavaScript propagator hands a trace on with three digits of flags, which its own reader takes for no trace.
# Packages: @opentelemetry/core 3.1.1, @opentelemetry/api 1.10.0 (npm).
# A good guess: a `traceparent` of a later version, or with flags that are not defined yet, is passed on with two digits, as the Python
# and Java SDKs do, or with the flags that are known. Seen: flags from 10 on are written as a 0 and then two digits, so that
# `01-…-11` goes out as `00-…-011`. The next service reads no trace from that, and begins another.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @opentelemetry/core@3.1.1 @opentelemetry/api@1.10.0
cat > look.mjs <<'JS'
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { defaultTextMapGetter, defaultTextMapSetter, ROOT_CONTEXT, trace } from "@opentelemetry/api";

const propagator = new W3CTraceContextPropagator();
const ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
const passOn = (headers) => {
  const context = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const out = {};
  if (trace.getSpanContext(context)) propagator.inject(context, out, defaultTextMapSetter);
  return out;
};
const seen = {};
for (const [version, flags] of [["00", "03"], ["01", "11"], ["00", "ff"]]) {
  const first = passOn({ traceparent: `${version}-${ids}-${flags}` });
  const second = passOn(first);
  seen[flags] = [first.traceparent?.split("-")[3], second.traceparent?.split("-")[3]];
  console.log(`${version}-${ids}-${flags} goes out as ${first.traceparent}, and from the next service as ${second.traceparent}`);
}
const expected = { "03": ["03", "03"], 11: ["011", undefined], ff: ["0ff", undefined] };
process.exit(Object.keys(expected).every((flags) => String(seen[flags]) === String(expected[flags])) ? 0 : 1);
JS
node look.mjs
