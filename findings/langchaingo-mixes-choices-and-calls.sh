#!/usr/bin/env bash
# LangChain for Go makes one text of two streamed choices, and one tool call's arguments of two.
# Package: github.com/tmc/langchaingo v0.1.14 (Go).
# A good guess: `index` tells which choice and which call a piece belongs to: `WithN(2)` gives two choices, or the first alone, and two calls
# whose pieces come in turn keep their own arguments. Seen: neither index is read. The choices are one text, word for word in turn, and the
# second call has the arguments of both, which are no JSON, while the first has none. A call is lost whose first piece has its arguments,
# but no `type`. There is no error in any of these.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/tmc/langchaingo/llms/openai@v0.1.14 >/dev/null 2>&1
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

	"github.com/tmc/langchaingo/llms"
	"github.com/tmc/langchaingo/llms/openai"
)

func piece(choice string) string {
	return `data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[` + choice + "]}\n\n"
}

func word(index int, text string) string {
	return piece(fmt.Sprintf(`{"index":%d,"delta":{"role":"assistant","content":%q},"finish_reason":null}`, index, text))
}

func call(it string) string {
	return piece(`{"index":0,"delta":{"role":"assistant","tool_calls":[` + it + `]},"finish_reason":null}`)
}

func more(index int, arguments string) string {
	return call(fmt.Sprintf(`{"index":%d,"function":{"arguments":%q}}`, index, arguments))
}

const done = "data: [DONE]\n\n"

func main() {
	end := func(index int, reason string) string {
		return piece(fmt.Sprintf(`{"index":%d,"delta":{},"finish_reason":%q}`, index, reason))
	}
	bodies := []string{
		word(0, "one ") + word(1, "eins ") + word(0, "two") + word(1, "zwei") + end(0, "stop") + end(1, "stop") + done,
		call(`{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}`) +
			call(`{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}`) +
			more(0, `{"x":`) + more(1, `{"y":`) + more(0, "1}") + more(1, "2}") + end(0, "tool_calls") + done,
		call(`{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}`) + end(0, "tool_calls") + done,
	}
	body := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, body)
	}))
	model, err := openai.New(openai.WithBaseURL(server.URL), openai.WithToken("token"), openai.WithModel("m"))
	check(err)
	ask := []llms.MessageContent{llms.TextParts(llms.ChatMessageTypeHuman, "x")}
	stream := llms.WithStreamingFunc(func(context.Context, []byte) error { return nil })
	seen := []string{}
	for _, body = range bodies {
		answer, err := model.GenerateContent(context.Background(), ask, llms.WithN(2), stream)
		check(err)
		said := []string{}
		for _, choice := range answer.Choices {
			said = append(said, fmt.Sprintf("%q", choice.Content))
			for _, it := range choice.ToolCalls {
				said = append(said, it.FunctionCall.Name+": "+it.FunctionCall.Arguments)
			}
		}
		seen = append(seen, strings.Join(said, ", "))
	}
	fmt.Println(strings.Join(seen, "\n"))
	if !slices.Equal(seen, []string{`"one eins twozwei"`, `"", f: , g: {"x":{"y":1}2}`, `""`}) {
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
