#!/usr/bin/env bash
# Two Go readers of server-sent events can't read lines that end in CRLF, as sse-starlette writes them by default.
# Packages: resty.dev/v3 v3.0.0-rc.4, github.com/replicate/replicate-go v0.26.0 (Go).
# A good guess: a line ends in LF, CRLF or CR, as the specification has it, and Python's servers with FastAPI write CRLF. Seen: resty waits
# until the stream has ended, and then hands on one event, with the data of all and the last id, CRs in them. A stream of more than 32 KiB is
# "token too long", and an event with a name reaches no listener. Replicate's client hands on no event at all, nor an error. Both read LF.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get resty.dev/v3@v3.0.0-rc.4 github.com/replicate/replicate-go@v0.26.0 >/dev/null 2>&1
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
	"time"

	"github.com/replicate/replicate-go"
	"resty.dev/v3"
)

const stream = "id: 1\ndata: one\n\nid: 2\ndata: two\n\n"

func main() {
	body := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
		w.(http.Flusher).Flush()
		select {
		case <-time.After(1500 * time.Millisecond):
		case <-r.Context().Done():
		}
	}))
	seen := []string{}
	for _, end := range []string{"\n", "\r\n"} {
		body = strings.ReplaceAll(stream, "\n", end)
		source := resty.NewSSESource().SetURL(server.URL)
		started := time.Now()
		heard := []string{}
		source.OnMessage(func(it any) {
			event := it.(*resty.SSE)
			late := time.Since(started) > time.Second
			heard = append(heard, fmt.Sprintf("%q %q late: %v", event.ID, event.Data, late))
		}, nil)
		source.Get()
		seen = append(seen, fmt.Sprintf("%-6q resty: %s", end, strings.Join(heard, ", ")))

		client, err := replicate.NewClient(replicate.WithToken("token"))
		if err != nil {
			panic(err)
		}
		ctx, stop := context.WithTimeout(context.Background(), time.Second)
		heard = []string{}
		events, _ := client.StreamPrediction(ctx, &replicate.Prediction{URLs: map[string]string{"stream": server.URL}})
		for waiting := true; waiting; {
			select {
			case event, open := <-events:
				if waiting = open; open {
					heard = append(heard, fmt.Sprintf("%s %q", event.ID, event.Data))
				}
			case <-ctx.Done():
				waiting = false
			}
		}
		stop()
		seen = append(seen, fmt.Sprintf("%-6q replicate-go: %s", end, strings.Join(heard, ", ")))
	}
	fmt.Println(strings.Join(seen, "\n"))
	if !slices.Equal(seen, []string{
		`"\n"   resty: "1" "one" late: false, "2" "two" late: false`,
		`"\n"   replicate-go: 1 "one", 2 "two"`,
		`"\r\n" resty: "2\r" "one\r\ntwo\r" late: true`,
		`"\r\n" replicate-go: `,
	}) {
		os.Exit(1)
	}
}
GO
go run .
