#!/usr/bin/env bash
# The JavaScript and Python SDKs of CloudEvents give an event that has no time the moment at which it is read, as if it had been sent so.
# Packages: cloudevents 10.0.0 (npm), cloudevents 2.2.0 (PyPI), beside them github.com/cloudevents/sdk-go/v2 v2.16.2 (Go).
# A good guess: `time` is optional, so an event without it has none when it is read, and none when it is sent on. A default is for an event
# that is made. Seen: the same event has another time at each reading, in both modes of HTTP, and is sent on with it; nothing tells it from
# a producer's. The SDK of Go leaves it out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund cloudevents@10.0.0
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check cloudevents==2.2.0
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/cloudevents/sdk-go/v2@v2.16.2 >/dev/null 2>&1
cat > event.json <<'JSON'
{ "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "data": {} }
JSON
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/cloudevents/sdk-go/v2/event"
)

func main() {
	text, _ := os.ReadFile("event.json")
	var read event.Event
	if err := json.Unmarshal(text, &read); err != nil {
		panic(err)
	}
	again, _ := json.Marshal(read)
	var sent map[string]any
	json.Unmarshal(again, &sent)
	_, timed := sent["time"]
	fmt.Println("Go, structured: time", map[bool]string{true: "made up", false: "none"}[timed])
}
GO
cat > look.py <<'PY'
import json
import time

from cloudevents.core.bindings.http import HTTPMessage, from_http_event, to_structured_event

text = open("event.json", "rb").read()
structured = HTTPMessage(headers={"content-type": "application/cloudevents+json"}, body=text)
names = {f"ce-{name}": value for name, value in json.loads(text).items() if name != "data"}
binary = HTTPMessage(headers={"content-type": "application/json", **names}, body=b"{}")
for mode, message in (("structured", structured), ("binary", binary)):
    sent = []
    for _ in range(2):
        sent.append(json.loads(to_structured_event(from_http_event(message)).body).get("time"))
        time.sleep(0.05)
    print(f"Python, {mode}: time", "none" if sent[0] is None else "made up" if sent[0] != sent[1] else "kept")
PY
cat > look.mjs <<'JS'
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import cloudevents from "cloudevents";

const body = readFileSync("event.json", "utf8");
const { data, ...attributes } = JSON.parse(body);
const names = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
const modes = { structured: { headers: { "content-type": "application/cloudevents+json" }, body }, binary: { headers: { "content-type": "application/json", ...names }, body: "{}" } };
for (const [mode, message] of Object.entries(modes)) {
  const sent = [];
  for (let time = 0; time < 2; time++) {
    sent.push(JSON.parse(cloudevents.HTTP.structured(cloudevents.HTTP.toEvent(message)).body).time);
    await setTimeout(50);
  }
  console.log(`JavaScript, ${mode}: time ${sent[0] === undefined ? "none" : sent[0] !== sent[1] ? "made up" : "kept"}`);
}
JS
{ node look.mjs && env/bin/python look.py && go run .; } | tee seen.txt
diff seen.txt - <<'SEEN'
JavaScript, structured: time made up
JavaScript, binary: time made up
Python, structured: time made up
Python, binary: time made up
Go, structured: time none
SEEN
