#!/usr/bin/env bash
# Two generators of Go clients refuse a document of OpenAPI 3.1 with a list of two types, though one says that it reads 3.1.
# Packages: github.com/oapi-codegen/oapi-codegen/v2 v2.8.2, github.com/ogen-go/ogen v1.25.0 (Go).
# A good guess: `"type": ["string", "number"]` becomes what the same as `anyOf` does, or `any`. Seen: nothing is written for the whole document,
# because of one such member anywhere in it; the same as `anyOf` is read by both, and a list of one type and null too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export GOBIN=$PWD CGO_ENABLED=0 GOFLAGS="'-gcflags=all=-N -l -dwarf=false'"
go install github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 >/dev/null 2>&1
go install github.com/ogen-go/ogen/cmd/ogen@v1.25.0 >/dev/null 2>&1
write() {
  cat > "$1.json" <<JSON
{
  "openapi": "3.1.0", "info": { "title": "x", "version": "1" },
  "paths": { "/x": { "get": { "operationId": "x", "responses": { "200": {
    "description": "x", "content": { "application/json": { "schema": { "\$ref": "#/components/schemas/X" } } } } } } } },
  "components": { "schemas": { "X": { "type": "object", "properties": { "code": $2 } } } }
}
JSON
}
write list '{ "type": ["string", "number"] }'
write alternatives '{ "anyOf": [{ "type": "string" }, { "type": "number" }] }'
write nullable '{ "type": ["string", "null"] }'
seen=""
for document in list alternatives nullable; do
  ./oapi-codegen -package x -generate types "$document.json" > oapi.txt 2>&1 && oapi=read || oapi="refused"
  ./ogen --target "$document" --package x "$document.json" > ogen.txt 2>&1 && ogen=read || ogen="refused"
  echo "$document: oapi-codegen $oapi, ogen $ogen"
  [ "$oapi $ogen" = "read read" ] || { tail -1 oapi.txt; tail -1 ogen.txt; }
  seen="$seen $oapi $ogen"
done
[ "$seen" = " refused refused read read read read" ]
