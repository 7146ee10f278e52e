#!/usr/bin/env bash
# Three SDKs of CloudEvents don't take data for JSON whose type ends in `+json`: Go's refuses the event, and Python's writes Python into it.
# Packages: github.com/cloudevents/sdk-go/v2 v2.16.2 (Go), cloudevents 2.2.0 (PyPI), cloudevents 10.0.0 (npm).
# A good guess: as the JSON format of CloudEvents has it, `data` is a JSON value if the subtype of `datacontenttype` is json or ends in
# +json, whatever the main type: application/problem+json, application/vnd.a_b+json and model/gltf+json are alike.
# Seen: Go's SDK fails at an object under each of them, and writes one as a text that holds JSON. Python's reads all three, and sends the
# last two on as the text {'ok': True}, which is no JSON. JavaScript's reads an object in structured mode and a text in binary mode.
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
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/cloudevents/sdk-go/v2/event"
)

func main() {
	for _, name := range os.Args[1:] {
		var read event.Event
		outcome := "read"
		if json.Unmarshal([]byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","datacontenttype":"`+name+`","data":{"ok":true}}`), &read) != nil {
			outcome = "refused"
		}
		written := event.New()
		written.SetID("1")
		written.SetSource("/s")
		written.SetType("t")
		if err := written.SetData(name, map[string]bool{"ok": true}); err != nil {
			panic(err)
		}
		text, _ := json.Marshal(written)
		var sent map[string]json.RawMessage
		json.Unmarshal(text, &sent)
		fmt.Printf("Go, %s: %s, written %s\n", name, outcome, sent["data"])
	}
}
GO
cat > look.py <<'PY'
import json
import sys

from cloudevents.core.formats.json import JSONFormat

for name in sys.argv[1:]:
    text = json.dumps({"specversion": "1.0", "id": "1", "source": "/s", "type": "t", "datacontenttype": name, "data": {"ok": True}})
    event = JSONFormat().read(None, text)
    print(f"Python, {name}: read {json.dumps(event.get_data())}, written {json.dumps(json.loads(JSONFormat().write(event))['data'])}")
PY
cat > look.mjs <<'JS'
import cloudevents from "cloudevents";

for (const name of process.argv.slice(2)) {
  const attributes = { specversion: "1.0", id: "1", source: "/s", type: "t" };
  const body = JSON.stringify({ ...attributes, datacontenttype: name, data: { ok: true } });
  const structured = cloudevents.HTTP.toEvent({ headers: { "content-type": "application/cloudevents+json" }, body });
  const names = Object.fromEntries(Object.entries(attributes).map(([attribute, value]) => [`ce-${attribute}`, value]));
  const binary = cloudevents.HTTP.toEvent({ headers: { "content-type": name, ...names }, body: '{"ok":true}' });
  console.log(`JavaScript, ${name}: ${typeof structured.data} if structured, ${typeof binary.data} if binary`);
}
JS
types="application/json application/problem+json application/vnd.a_b+json model/gltf+json"
{ go run . $types && env/bin/python look.py $types && node look.mjs $types; } | tee seen.txt
diff seen.txt - <<'SEEN'
Go, application/json: read, written {"ok":true}
Go, application/problem+json: refused, written "{\"ok\":true}"
Go, application/vnd.a_b+json: refused, written "{\"ok\":true}"
Go, model/gltf+json: refused, written "{\"ok\":true}"
Python, application/json: read {"ok": true}, written {"ok": true}
Python, application/problem+json: read {"ok": true}, written {"ok": true}
Python, application/vnd.a_b+json: read {"ok": true}, written "{'ok': True}"
Python, model/gltf+json: read {"ok": true}, written "{'ok': True}"
JavaScript, application/json: object if structured, object if binary
JavaScript, application/problem+json: object if structured, string if binary
JavaScript, application/vnd.a_b+json: object if structured, string if binary
JavaScript, model/gltf+json: object if structured, string if binary
SEEN
