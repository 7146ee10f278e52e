#!/usr/bin/env bash
# Two Go clients go on waiting between attempts when the caller's context has ended: a deadline of 100 ms is told after seconds.
# Packages: github.com/gojek/heimdall/v7 v7.0.3, github.com/replicate/replicate-go v0.26.0, beside them
# github.com/hashicorp/go-retryablehttp v0.7.8 (Go).
# A good guess: a call returns at its context's deadline, wherever it is; a pause before the next attempt ends with it, as retryablehttp's
# does. Seen: heimdall sleeps through the pauses of all attempts, of which none can be made any more: with three of a second it returns after
# four seconds. Replicate's sleeps for all of a `Retry-After`, also if it is an hour, and then sees that the deadline has passed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/gojek/heimdall/v7@v7.0.3 github.com/replicate/replicate-go@v0.26.0 github.com/hashicorp/go-retryablehttp@v0.7.8 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"time"

	"github.com/gojek/heimdall/v7"
	"github.com/gojek/heimdall/v7/httpclient"
	"github.com/hashicorp/go-retryablehttp"
	"github.com/replicate/replicate-go"
)

func main() {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(503)
	}))
	pause := heimdall.NewRetrier(heimdall.NewConstantBackoff(time.Second, 0))
	of := httpclient.NewClient(httpclient.WithRetryCount(3), httpclient.WithRetrier(pause))
	client, err := replicate.NewClient(replicate.WithToken("token"), replicate.WithBaseURL(server.URL))
	if err != nil {
		panic(err)
	}
	other := retryablehttp.NewClient()
	other.Logger = nil
	same := true
	for _, it := range []struct {
		name    string
		call    func(context.Context) error
		seconds int
	}{
		{"heimdall", func(ctx context.Context) error {
			request, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
			_, err := of.Do(request)
			return err
		}, 4},
		{"replicate-go", func(ctx context.Context) error {
			_, err := client.GetPrediction(ctx, "p")
			return err
		}, 2},
		{"retryablehttp", func(ctx context.Context) error {
			request, _ := retryablehttp.NewRequestWithContext(ctx, "GET", server.URL, nil)
			_, err := other.Do(request)
			return err
		}, 0},
	} {
		asked.Store(0)
		started := time.Now()
		ctx, stop := context.WithTimeout(context.Background(), 100*time.Millisecond)
		err := it.call(ctx)
		stop()
		took := time.Since(started)
		fmt.Printf("%-13s after %.1f s and %d request(s): %v\n", it.name, took.Seconds(), asked.Load(), err != nil)
		same = same && err != nil && asked.Load() == 1 && int(took.Seconds()) == it.seconds
	}
	if !same {
		os.Exit(1)
	}
}
GO
go run .
