#!/usr/bin/env bash
# gojsonschema compares `maximum` exactly and `const` as doubles: a number of 64 bits passes for its neighbour.
# Package: github.com/xeipuuv/gojsonschema v1.2.0, beside github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 (Go).
# A good guess: a validator that keeps numbers as they are written (it does, as json.Number) compares them exactly in each keyword. Seen:
# 2^53 + 1 passes `const: 2^53` and is found twice in a list with it, and does not pass `maximum: 2^53`. The other one is exact in all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/xeipuuv/gojsonschema@v1.2.0 github.com/santhosh-tekuri/jsonschema/v6@v6.0.3 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"
	"strings"

	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/xeipuuv/gojsonschema"
)

func main() {
	same := true
	for _, it := range []struct {
		schema, value string
		taken, exact  bool
	}{
		{`{"const":9007199254740992}`, `9007199254740993`, true, false},
		{`{"enum":[9007199254740992]}`, `9007199254740993`, true, false},
		{`{"uniqueItems":true}`, `[9007199254740992,9007199254740993]`, false, true},
		{`{"maximum":9007199254740992}`, `9007199254740993`, false, false},
	} {
		result, err := gojsonschema.Validate(gojsonschema.NewStringLoader(it.schema), gojsonschema.NewStringLoader(it.value))
		check(err)
		document, err := santhosh.UnmarshalJSON(strings.NewReader(it.schema))
		check(err)
		compiler := santhosh.NewCompiler()
		check(compiler.AddResource("https://example.com/schema", document))
		schema, err := compiler.Compile("https://example.com/schema")
		check(err)
		value, err := santhosh.UnmarshalJSON(strings.NewReader(it.value))
		check(err)
		exact := schema.Validate(value) == nil
		fmt.Printf("%s takes %s: gojsonschema %v, jsonschema %v\n", it.schema, it.value, result.Valid(), exact)
		same = same && result.Valid() == it.taken && exact == it.exact
	}
	if !same {
		os.Exit(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
GO
go run .
