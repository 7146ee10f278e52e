#!/usr/bin/env bash
# Cohere's Go client fails at the first pause of a stream: what it can read has to be there at once, with the events behind it.
# Package: github.com/cohere-ai/cohere-go/v2 v2.15.3 (Go).
# A good guess: `Recv` of `V2.ChatStream` waits for the rest of a line, and a blank line that ends an event is no event. Seen: the events of a
# chat that come in one piece are read. If the network cuts a line in two, `Recv` fails with a JSON error, since half a line is taken for a
# whole one. If each event comes by itself, as from a model that writes word by word, the blank line behind the first is read as JSON:
# "unexpected end of JSON input" comes in place of the second event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/cohere-ai/cohere-go/v2/client@v2.15.3 >/dev/null 2>&1
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
	"time"

	cohere "github.com/cohere-ai/cohere-go/v2"
	"github.com/cohere-ai/cohere-go/v2/client"
	"github.com/cohere-ai/cohere-go/v2/option"
)

func word(text string) string {
	return "event: content-delta\ndata: " +
		`{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"` + text + `"}}}}` + "\n\n"
}

const end = "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\"}}\n\ndata: [DONE]\n\n"

// read gives the words of a stream that comes in these pieces, and how it ended.
func read(pieces ...string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, piece := range pieces {
			io.WriteString(w, piece)
			w.(http.Flusher).Flush()
			time.Sleep(200 * time.Millisecond)
		}
	}))
	c := client.NewClient(option.WithBaseURL(server.URL), option.WithToken("token"))
	stream, err := c.V2.ChatStream(context.Background(), &cohere.V2ChatStreamRequest{Model: "m"})
	if err != nil {
		return err.Error()
	}
	words := ""
	for {
		event, err := stream.Recv()
		if err != nil {
			return fmt.Sprintf("%q, %v", words, err)
		}
		if event.ContentDelta != nil {
			words += *event.ContentDelta.Delta.Message.Content.Text
		}
	}
}

func main() {
	whole := word("one") + word("two") + end
	seen := []string{
		read(whole),
		read(whole[:40], whole[40:]),
		read(word("one"), word("two"), end),
	}
	fmt.Printf("in one piece:      %s\na line in two:     %s\nevent after event: %s\n", seen[0], seen[1], seen[2])
	if !slices.Equal(seen, []string{`"onetwo", EOF`, `"", unexpected end of JSON input`, `"one", unexpected end of JSON input`}) {
		os.Exit(1)
	}
}
GO
go run .
