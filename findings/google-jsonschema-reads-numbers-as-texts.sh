#!/usr/bin/env bash
# Google's JSON Schema validator for Go takes a json.Number for a number and a text: 7 is no integer, and 0.1 less than `minimum: 0.1`.
# Package: github.com/google/jsonschema-go v0.4.3, beside it github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 (Go).
# A good guess: json.Number, which keeps all digits and which the package has code for, is judged as a number in each keyword, or refused in
# all. Seen: `const` and bounds take it as the exact number, and compare it with a bound that was rounded to a double, so that 0.1 is less
# than 0.1 and 0.3 more than 0.3. For `type` it is a string, also if it is 7, and `pattern` and `minLength`, which mean texts, refuse it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/google/jsonschema-go@v0.4.3 github.com/santhosh-tekuri/jsonschema/v6@v6.0.3 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	google "github.com/google/jsonschema-go/jsonschema"
	santhosh "github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	same := true
	for _, it := range [][2]string{
		{`{"minimum": 0.1}`, "0.1"},
		{`{"maximum": 0.3}`, "0.3"},
		{`{"type": "integer"}`, "7"},
		{`{"pattern": "^a"}`, "7"},
		{`{"minLength": 2}`, "7"},
		{`{"const": 7}`, "7.0"}, // these two it takes
		{`{"minimum": 0.5}`, "0.5"},
	} {
		schema, value := it[0], it[1]
		var of google.Schema
		check(json.Unmarshal([]byte(schema), &of))
		resolved, err := of.Resolve(nil)
		check(err)
		var exact, float any
		decoder := json.NewDecoder(strings.NewReader(value))
		decoder.UseNumber()
		check(decoder.Decode(&exact))
		check(json.Unmarshal([]byte(value), &float))
		exactly, floating := resolved.Validate(exact) == nil, resolved.Validate(float) == nil

		document, err := santhosh.UnmarshalJSON(strings.NewReader(schema))
		check(err)
		compiler := santhosh.NewCompiler()
		check(compiler.AddResource("a.json", document))
		compiled, err := compiler.Compile("a.json")
		check(err)
		other := compiled.Validate(exact) == nil
		fmt.Printf("%-20s %-4s json.Number: %-6v float64: %-6v santhosh-tekuri, json.Number: %v\n", schema, value, exactly, floating, other)
		same = same && exactly == (value == "7.0" || value == "0.5") && floating && other
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
