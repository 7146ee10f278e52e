#!/usr/bin/env bash
# A stream of Replicate's Go client never comes back after a cut, though it is written to, and a loop over its events then never ends.
# Package: github.com/replicate/replicate-go v0.26.0 (Go).
# A good guess: `StreamPrediction` asks again with `Last-Event-ID` where a stream breaks off before `done`, as its code says of itself, or
# closes its channels. Seen: it does neither. The error is "failed to send request: … EOF", though nothing was sent: the new request has
# the context of the old one, which has ended. Both channels stay open, so `for event := range events` waits for ever.
set -euo pipefail
cd "$(mktemp -d)"
export GOFLAGS=-mod=mod
go mod init look >/dev/null 2>&1
go get github.com/replicate/replicate-go@v0.26.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/replicate/replicate-go"
)

func main() {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		if asked.Add(1) == 1 {
			io.WriteString(w, "event: output\nid: 1\ndata: one\n\n")
		} else {
			io.WriteString(w, "event: output\nid: 2\ndata: two\n\nevent: done\nid: 3\ndata: {}\n\n")
		}
		w.(http.Flusher).Flush()
		time.Sleep(500 * time.Millisecond) // so that all has been read before the end comes
	}))
	client, err := replicate.NewClient(replicate.WithToken("token"))
	if err != nil {
		panic(err)
	}
	prediction := &replicate.Prediction{URLs: map[string]string{"stream": server.URL}}
	events, errors := client.StreamPrediction(context.Background(), prediction)
	seen := []string{}
	over := time.After(3 * time.Second)
	for waiting := true; waiting; {
		select {
		case event, open := <-events:
			seen = append(seen, fmt.Sprintf("event %s %s (open: %v)", event.Type, event.Data, open))
			waiting = open
		case err, open := <-errors:
			seen = append(seen, fmt.Sprintf("error %s (open: %v)", strings.ReplaceAll(fmt.Sprint(err), server.URL, "…"), open))
			waiting = open
		case <-over:
			seen = append(seen, "nothing more")
			waiting = false
		}
	}
	fmt.Printf("asked for %d time(s)\n%s\n", asked.Load(), strings.Join(seen, "\n"))
	want := []string{"event output one (open: true)", `error failed to send request: Get "…": EOF (open: true)`, "nothing more"}
	if asked.Load() != 1 || !slices.Equal(seen, want) {
		os.Exit(1)
	}
}
GO
go run .
