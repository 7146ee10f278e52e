#!/usr/bin/env bash
# openapi-generator's clients for Go and Java take 32 bits for an integer whose stated maximum needs 53.
# Package: org.openapitools:openapi-generator-cli 7.25.0 (Maven; targets go and java).
# A good guess: an integer with `"maximum": 9007199254740991` is as wide as that, and a `number` is a double, as in JSON. Seen: without a
# `format` the integer is an int32 of Go and an Integer of Java: a file of 3 GB makes a whole answer unreadable. A number is a float32 of Go,
# so 0.123456789 is 0.12345679, and 16777217 is 16777216. With the formats int64 and double all are read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
mvn -q -B dependency:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=. >/dev/null 2>&1
generate() { java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -jar openapi-generator-cli-7.25.0.jar generate -i api.json -g "$1" -o "$2" >/dev/null 2>&1; }
write() {
  cat > api.json <<JSON
{
  "openapi": "3.1.0", "info": { "title": "x", "version": "1" },
  "paths": { "/file": { "get": { "operationId": "getFile", "responses": { "200": {
    "description": "a file", "content": { "application/json": { "schema": { "\$ref": "#/components/schemas/Upload" } } } } } } } },
  "components": { "schemas": { "Upload": { "type": "object", "properties": {
    "bytes": { "type": "integer", "maximum": 9007199254740991 $1 },
    "score": { "type": "number" $2 }
  } } } }
}
JSON
  generate go "$3"
  # the model alone, without the client around it, whose HTTP takes most of a minute to compile
  mkdir "$3/model"
  sed 's/^package openapi$/package main/' "$3/model_upload.go" > "$3/model/upload.go"
  sed 's/^package openapi$/package main/' "$3/utils.go" > "$3/model/utils.go"
  cat > "$3/model/main.go" <<'GO'
package main

import (
	"encoding/json"
	"fmt"
)

func main() {
	for _, text := range []string{`{"bytes":3000000000}`, `{"score":0.123456789}`, `{"score":16777217}`} {
		var upload Upload
		outcome := "refused"
		if json.Unmarshal([]byte(text), &upload) == nil {
			again, _ := json.Marshal(upload)
			outcome = string(again)
		}
		fmt.Println("read", text, "as", outcome)
	}
}
GO
  (cd "$3/model" && go run ./*.go | sed "s/^/$3: /")
}
{
  write '' '' plain
  generate java java
  grep -rh "private [A-Za-z]* bytes;" java/src/main | sed "s/^ */plain: Java has /"
  write ', "format": "int64"' ', "format": "double"' formats
} | tee seen.txt
diff seen.txt - <<'SEEN'
plain: read {"bytes":3000000000} as refused
plain: read {"score":0.123456789} as {"score":0.12345679}
plain: read {"score":16777217} as {"score":16777216}
plain: Java has private Integer bytes;
formats: read {"bytes":3000000000} as {"bytes":3000000000}
formats: read {"score":0.123456789} as {"score":0.123456789}
formats: read {"score":16777217} as {"score":16777217}
SEEN
