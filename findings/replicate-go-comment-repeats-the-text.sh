#!/usr/bin/env bash
# The text stream of Replicate's Go client begins again at the first word if a comment came before a cut.
# Package: github.com/replicate/replicate-go v0.26.0 (Go).
# A good guess: `StreamPredictionText` asks again after a cut with the last id that it has seen, as the specification has it, and does so
# without a comment. Seen: a comment with its blank line, which keeps a connection open, counts as an event without an id, and the last id
# is forgotten: `Last-Event-ID` is not sent, and the reader gives the text from its beginning once more, behind what it gave before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
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

	"github.com/replicate/replicate-go"
)

const begin = "event: output\nid: 1\ndata: one \n\n"
const rest = "event: output\nid: 2\ndata: two\n\nevent: done\nid: 3\ndata: {}\n\n"

// read gives the text of a stream that ends after `first`, and is whole, or goes on behind the id 1, when it is asked for again.
func read(first string) string {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		asked++
		switch {
		case asked == 1:
			io.WriteString(w, first)
		case r.Header.Get("Last-Event-ID") == "1":
			io.WriteString(w, rest)
		default:
			io.WriteString(w, begin+rest)
		}
	}))
	client, err := replicate.NewClient(replicate.WithToken("token"))
	if err != nil {
		panic(err)
	}
	prediction := &replicate.Prediction{URLs: map[string]string{"stream": server.URL}}
	stream, err := client.StreamPredictionText(context.Background(), prediction)
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(stream)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func main() {
	plain := read(begin)
	comment := read(begin + ": keep-alive\n\n")
	fmt.Printf("cut after an event:  %q\ncut after a comment: %q\n", plain, comment)
	if plain != "one two" || comment != "one one two" {
		os.Exit(1)
	}
}
GO
go run .
