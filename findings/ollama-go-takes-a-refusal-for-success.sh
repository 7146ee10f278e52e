#!/usr/bin/env bash
# Ollama's Go client gives no error for a chat that was refused without a body, and for one whose connection broke.
# Package: github.com/ollama/ollama/api of github.com/ollama/ollama v0.17.4 (Go).
# A good guess: `Chat` returns a StatusError for a 503, whatever its body, and io.ErrUnexpectedEOF where the connection breaks, as `Embed`
# does for both. Seen: an answer is judged line by line, so without a line there is no error: a 503 of a proxy that has no body is a chat
# without words. What breaks off behind a line ends as it does when it is whole; only `done` of the last response tells. So does `Pull`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/ollama/ollama/api@v0.17.4 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"

	"github.com/ollama/ollama/api"
)

const half = `{"model":"m","message":{"role":"assistant","content":"half"},"done":false}` + "\n"

func main() {
	cut := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if !cut {
			w.WriteHeader(503)
			return
		}
		io.WriteString(w, half)
		w.(http.Flusher).Flush()
		connection, _, _ := w.(http.Hijacker).Hijack()
		connection.Close() // no last chunk, so this is no end of an answer
	}))
	base, _ := url.Parse(server.URL)
	client := api.NewClient(base, http.DefaultClient)
	same := true
	for _, cut = range []bool{false, true} {
		words := ""
		chat := client.Chat(context.Background(), &api.ChatRequest{Model: "m"}, func(it api.ChatResponse) error {
			words += it.Message.Content
			return nil
		})
		pull := client.Pull(context.Background(), &api.PullRequest{Model: "m"}, func(api.ProgressResponse) error { return nil })
		_, embed := client.Embed(context.Background(), &api.EmbedRequest{Model: "m"})
		fmt.Printf("cut: %v, chat: %q, %v, pull: %v, embed: %v\n", cut, words, chat, pull, embed)
		same = same && chat == nil && pull == nil && embed != nil && words == map[bool]string{false: "", true: "half"}[cut]
	}
	if !same {
		os.Exit(1)
	}
}
GO
go run .
