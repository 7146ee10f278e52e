#!/usr/bin/env bash
# kin-openapi's check of requests writes a default in the place of a null that the client sent and may send.
# Package: github.com/getkin/kin-openapi v0.153.0 (Go).
# A good guess: a default stands for a member that is absent, so `{"limit": null}` of a member that is nullable reaches the handler as it was
# sent: null, such as "no limit". Seen: ValidateRequest, which by default fills in defaults, takes null for absent and rewrites the body: the
# handler reads `{"limit":10}`. So a null passes, and is replaced, where the member may not be null either. In a document of OpenAPI 3.1
# nothing is replaced, and nothing is filled in either: the default of an absent member is missing too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/getkin/kin-openapi/openapi3filter@v0.153.0 github.com/getkin/kin-openapi/routers/gorillamux@v0.153.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// read gives the body that a handler reads behind the check of a request with the body `sent`.
func read(version, limit, sent string) string {
	document, err := openapi3.NewLoader().LoadFromData([]byte(`{
		"openapi": "` + version + `", "info": {"title": "look", "version": "1"},
		"paths": {"/jobs": {"post": {
			"requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"limit": ` + limit + `}}}}},
			"responses": {"200": {"description": "ok"}}}}}}`))
	check(err)
	check(document.Validate(context.Background()))
	router, err := gorillamux.NewRouter(document)
	check(err)
	request, _ := http.NewRequest("POST", "http://host/jobs", strings.NewReader(sent))
	request.Header.Set("Content-Type", "application/json")
	route, _, err := router.FindRoute(request)
	check(err)
	input := &openapi3filter.RequestValidationInput{Request: request, Route: route}
	if openapi3filter.ValidateRequest(context.Background(), input) != nil {
		return "refused"
	}
	body, _ := io.ReadAll(request.Body)
	return string(body)
}

func main() {
	same := true
	for _, it := range [][4]string{
		{"3.0.3", `{"type": "integer", "nullable": true, "default": 10}`, `{}`, `{"limit":10}`},
		{"3.0.3", `{"type": "integer", "nullable": true, "default": 10}`, `{"limit":null}`, `{"limit":10}`},
		{"3.0.3", `{"type": "integer", "default": 10}`, `{"limit":null}`, `{"limit":10}`},
		{"3.0.3", `{"type": "integer"}`, `{"limit":null}`, "refused"},
		{"3.1.0", `{"type": ["integer", "null"], "default": 10}`, `{}`, `{}`},
		{"3.1.0", `{"type": ["integer", "null"], "default": 10}`, `{"limit":null}`, `{"limit":null}`},
	} {
		seen := read(it[0], it[1], it[2])
		fmt.Printf("%s %-53s sent %-15s read %s\n", it[0], it[1], it[2], seen)
		same = same && seen == it[3]
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
