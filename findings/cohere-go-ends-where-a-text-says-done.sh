#!/usr/bin/env bash
# A stream of Cohere's Go client ends, as if it were whole, where the model writes the word [DONE].
# Package: github.com/cohere-ai/cohere-go/v2 v2.15.3 (Go).
# A good guess: an event whose data is `[DONE]` is the end, and a text that holds these letters is a text like any other. Seen: any line with
# them is the end: `Recv` returns io.EOF in place of the event that says "[DONE] means the end", and of all that come behind it, the reason to
# end too. A list with ticked-off points, or an answer about streams, is cut off without an error.
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

	cohere "github.com/cohere-ai/cohere-go/v2"
	"github.com/cohere-ai/cohere-go/v2/client"
	"github.com/cohere-ai/cohere-go/v2/option"
)

func word(text string) string {
	return "event: content-delta\ndata: " +
		`{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":"` + text + `"}}}}` + "\n\n"
}

const end = "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"finish_reason\":\"COMPLETE\"}}\n\ndata: [DONE]\n\n"

// read gives the types of a stream's events with their words, and how it ended.
func read(body string) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
	}))
	c := client.NewClient(option.WithBaseURL(server.URL), option.WithToken("token"))
	stream, err := c.V2.ChatStream(context.Background(), &cohere.V2ChatStreamRequest{Model: "m"})
	if err != nil {
		return err.Error()
	}
	seen := ""
	for {
		event, err := stream.Recv()
		if err != nil {
			return seen + err.Error()
		}
		if event.ContentDelta != nil {
			seen += fmt.Sprintf("%q, ", *event.ContentDelta.Delta.Message.Content.Text)
		} else {
			seen += event.Type + ", "
		}
	}
}

func main() {
	plain := read(word("the end") + word(" is near") + end)
	done := read(word("the end") + word(" is [DONE]") + word(", says OpenAI") + end)
	fmt.Printf("%s\n%s\n", plain, done)
	if plain != `"the end", " is near", message-end, EOF` || done != `"the end", EOF` {
		os.Exit(1)
	}
}
GO
go run .
