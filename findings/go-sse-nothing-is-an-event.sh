#!/usr/bin/env bash
# Four Go readers of server-sent events hand on an event without data for a block that has none, such as `retry` or `id` alone.
# Packages: github.com/r3labs/sse/v2 v2.10.0, github.com/tmaxmax/go-sse v0.12.0, github.com/launchdarkly/eventsource v1.11.0,
# github.com/donovanhide/eventsource v0.0.0-20210830082556-c59027999da0 (Go).
# A good guess: as the specification has it ("if the data buffer is an empty string, … return"), a block without a line of data changes
# the id and the time to retry, and is no event. Seen: each of the four hands on three events for the three blocks without data, which
# servers begin a stream with. Whoever parses the data as JSON fails at the first of them. A comment alone is an event to none.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/r3labs/sse/v2@v2.10.0 github.com/tmaxmax/go-sse@v0.12.0 github.com/launchdarkly/eventsource@v1.11.0 \
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
	"reflect"
	"time"

	donovanhide "github.com/donovanhide/eventsource"
	launchdarkly "github.com/launchdarkly/eventsource"
	r3labs "github.com/r3labs/sse/v2"
	tmaxmax "github.com/tmaxmax/go-sse"
)

const stream = ": hello\n\nretry: 60000\n\nid: 7\n\nevent: begun\n\nid: 8\ndata: {}\n\n"

func main() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, stream)
	}))
	seen := map[string][]string{}
	r3labs.NewClient(server.URL).SubscribeRaw(func(event *r3labs.Event) {
		seen["r3labs"] = append(seen["r3labs"], string(event.Data))
	})
	ctx, stop := context.WithTimeout(context.Background(), time.Second)
	defer stop()
	request, _ := http.NewRequestWithContext(ctx, "GET", server.URL, nil)
	connection := tmaxmax.NewConnection(request)
	connection.SubscribeToAll(func(event tmaxmax.Event) { seen["tmaxmax"] = append(seen["tmaxmax"], event.Data) })
	connection.Connect()
	of, err := donovanhide.Subscribe(server.URL, "")
	check(err)
	for open := true; open; {
		select {
		case event := <-of.Events:
			seen["donovanhide"] = append(seen["donovanhide"], event.Data())
		case <-of.Errors: // the end of the stream
			open = false
		}
	}
	source, err := launchdarkly.SubscribeWithURL(server.URL)
	check(err)
	for open := true; open; {
		select {
		case event := <-source.Events:
			seen["launchdarkly"] = append(seen["launchdarkly"], event.Data())
		case <-source.Errors:
			open = false
		}
	}
	same := len(seen) == 4
	for name, data := range seen {
		fmt.Printf("%-12s %q\n", name, data)
		same = same && reflect.DeepEqual(data, []string{"", "", "", "{}"})
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
