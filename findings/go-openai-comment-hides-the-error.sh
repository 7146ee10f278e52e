#!/usr/bin/env bash
# go-openai loses the reason of a failed stream if a comment, or the event's name, stands anywhere before it.
# Package: github.com/sashabaranov/go-openai v1.43.0 (Go).
# A good guess: a comment means nothing, and Recv fails with the message of the error object, as it does without one. Seen: every line that
# is no data is kept as a part of the error to come; behind a comment that is no JSON, and Recv fails with "unexpected end of JSON input".
# The same comes of a good chunk whose first member is `"error": null`, and 299 comments in one pause break the stream off.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/sashabaranov/go-openai@v1.43.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/sashabaranov/go-openai"
)

const (
	members = `"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}]}`
	chunk   = "data: {" + members + "\n\n"
	failure = `data: {"error":{"message":"out of memory","type":"server_error","code":null,"param":null}}` + "\n\n"
	done    = "data: [DONE]\n\n"
)

func main() {
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
	}))
	config := openai.DefaultConfig("key")
	config.BaseURL = server.URL + "/v1"
	client := openai.NewClientWithConfig(config)
	same := true
	for _, it := range []struct{ name, body, text, end string }{
		{"a failure", chunk + failure, "a", "error, out of memory"},
		{"a failure behind a comment", chunk + ": a pause\n" + failure, "a", "unexpected end of JSON input"},
		{"a failure whose event is named", chunk + "event: error\n" + failure, "a", "unexpected end of JSON input"},
		{"a chunk that begins with a null error", `data: {"error":null,` + members + "\n\n" + done, "", "unexpected end of JSON input"},
		{"298 comments in a pause", chunk + strings.Repeat(":\n", 298) + "\n" + chunk + done, "aa", ""},
		{"a comment more", chunk + strings.Repeat(":\n", 299) + "\n" + chunk + done, "a", "stream has sent too many empty messages"},
	} {
		body = it.body
		text, end := read(client)
		fmt.Printf("%-38s text %q, ended with %q\n", it.name+":", text, end)
		same = same && text == it.text && end == it.end
	}
	if !same {
		os.Exit(1)
	}
}

func read(client *openai.Client) (text, end string) {
	stream, err := client.CreateChatCompletionStream(context.Background(), openai.ChatCompletionRequest{Model: "m", Stream: true})
	if err != nil {
		return "", err.Error()
	}
	defer stream.Close()
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return text, ""
		}
		if err != nil {
			return text, err.Error()
		}
		text += chunk.Choices[0].Delta.Content
	}
}
GO
go run .
