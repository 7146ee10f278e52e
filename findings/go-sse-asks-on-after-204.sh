#!/usr/bin/env bash
# Two Go readers of server-sent events ask again after 204, for ever, and one of them without a longer pause.
# Packages: github.com/launchdarkly/eventsource v1.11.0 and github.com/donovanhide/eventsource
# v0.0.0-20210830082556-c59027999da0, beside github.com/tmaxmax/go-sse v0.12.0 (Go).
# A good guess: 204 ends it, as the specification has it ("clients will reconnect … unless told to stop with 204 No Content"), as
# go-sse does. Seen: a 204 where a stream was before is an error like any other. LaunchDarkly's asks again after each `retry`, with no
# longer pause by default; donovanhide's doubles its pause, and never stops.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/tmaxmax/go-sse@v0.12.0 github.com/launchdarkly/eventsource@v1.11.0 \
  github.com/donovanhide/eventsource@v0.0.0-20210830082556-c59027999da0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"time"

	donovanhide "github.com/donovanhide/eventsource"
	launchdarkly "github.com/launchdarkly/eventsource"
	tmaxmax "github.com/tmaxmax/go-sse"
)

// serve answers the first request with a stream of one event, and each later one with 204.
func serve() (string, *atomic.Int32) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) > 1 {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "retry: 100\nid: 1\ndata: last\n\n")
	}))
	return server.URL, &asked
}

func main() {
	const wait = 4 * time.Second
	url, asked := serve()
	ctx, stop := context.WithTimeout(context.Background(), wait)
	defer stop()
	request, _ := http.NewRequestWithContext(ctx, "GET", url, nil)
	err := tmaxmax.NewConnection(request).Connect()
	fmt.Printf("go-sse       asked %d times, then: %v\n", asked.Load(), err)
	same := asked.Load() == 2

	url, asked = serve()
	of, err := donovanhide.Subscribe(url, "")
	check(err)
	for end := time.After(wait); end != nil; {
		select {
		case <-of.Events:
		case <-of.Errors:
		case <-end:
			end = nil
		}
	}
	fmt.Printf("donovanhide  asked %d times in %v\n", asked.Load(), wait)
	same = same && asked.Load() >= 4 && asked.Load() <= 8

	url, asked = serve()
	source, err := launchdarkly.SubscribeWithURL(url)
	check(err)
	for end := time.After(wait); end != nil; {
		select {
		case <-source.Events:
		case <-source.Errors:
		case <-end:
			end = nil
		}
	}
	fmt.Printf("launchdarkly asked %d times in %v\n", asked.Load(), wait)
	if !same || asked.Load() < 12 {
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
