#!/usr/bin/env bash
# r3labs/sse does not come back to a stream that has ended, and asks again and again where it was refused.
# Package: github.com/r3labs/sse/v2 v2.10.0 (Go).
# A good guess: as an EventSource, it reconnects with `Last-Event-ID` when a server closes the stream, and gives up at a 404. Seen: the
# other way round. At the end of a stream, also one that breaks off inside an event, Subscribe returns nil without asking again, and
# hands on the broken event as if it were whole. A 404 is asked again with growing pauses, for a quarter of an hour by default,
# even when the context has ended: the call does not return before. The server's `retry` changes none of this.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/r3labs/sse/v2@v2.10.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/r3labs/sse/v2"
)

func main() {
	same := true
	for _, it := range []struct {
		name   string
		status int
		body   string
		data   []string
	}{
		{"a stream that is closed, to be gone on with", 200, "retry: 100\nid: 1\ndata: one\n\n", []string{"one"}},
		{"a stream that breaks off", 200, "id: 1\ndata: one\n\nid: 2\ndata: tw", []string{"one", "tw"}},
		{"not found", 404, "", nil},
	} {
		var asked atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(it.status)
			io.WriteString(w, it.body)
		}))
		ctx, stop := context.WithTimeout(context.Background(), 3*time.Second)
		var data []string
		returned := make(chan error, 1)
		go func() {
			returned <- sse.NewClient(server.URL).SubscribeRawWithContext(ctx, func(event *sse.Event) { data = append(data, string(event.Data)) })
		}()
		select {
		case err := <-returned:
			fmt.Printf("%s: asked %d times, events %q, returned %v\n", it.name, asked.Load(), data, err)
			same = same && it.status == 200 && err == nil && asked.Load() == 1 && reflect.DeepEqual(data, it.data)
		case <-time.After(6 * time.Second):
			fmt.Printf("%s: asked %d times, and goes on 3 s after its context has ended\n", it.name, asked.Load())
			same = same && it.status == 404 && asked.Load() >= 3
		}
		stop()
	}
	if !same {
		os.Exit(1)
	}
}
GO
go run .
