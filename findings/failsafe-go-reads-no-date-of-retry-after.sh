#!/usr/bin/env bash
# failsafe-go's policy for HTTP ignores a `Retry-After` that is a date, and asks again at its own pace.
# Packages: github.com/failsafe-go/failsafe-go v0.9.8, beside it github.com/hashicorp/go-retryablehttp v0.7.8 (Go).
# A good guess: its documentation says that a `Retry-After` of 429 and 503 is the delay, and RFC 9110 has two forms of it: seconds and a date.
# Seen: seconds are waited for; with a date it asks again after its own delay, or at once if it has none. retryablehttp waits for both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/failsafe-go/failsafe-go@v0.9.8 github.com/hashicorp/go-retryablehttp@v0.7.8 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"time"

	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/hashicorp/go-retryablehttp"
)

func main() {
	var asked []time.Time
	var header func() string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked = append(asked, time.Now()); len(asked) == 1 {
			w.Header().Set("Retry-After", header())
			w.WriteHeader(503)
		}
	}))
	failsafe := &http.Client{Transport: failsafehttp.NewRoundTripper(nil, failsafehttp.NewRetryPolicyBuilder().Build())}
	retryable := retryablehttp.NewClient()
	retryable.Logger = nil
	waited := func(get func(string) (*http.Response, error)) bool {
		asked = nil
		if response, err := get(server.URL); err != nil || response.StatusCode != 200 {
			panic(err)
		}
		return asked[1].Sub(asked[0]) > time.Second
	}
	forms := []struct {
		name string
		text func() string
	}{
		{"2", func() string { return "2" }},
		{"a date in 3 s", func() string { return time.Now().Add(3 * time.Second).UTC().Format(http.TimeFormat) }},
	}
	seen := ""
	for _, form := range forms {
		header = form.text
		one, other := waited(failsafe.Get), waited(retryable.Get)
		fmt.Printf("Retry-After %s: failsafe-go waited %v, retryablehttp %v\n", form.name, one, other)
		seen += fmt.Sprint(one, " ", other, " ")
	}
	if seen != "true true false true " {
		os.Exit(1)
	}
}
GO
go run .
