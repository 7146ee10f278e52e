#!/usr/bin/env bash
# The server-sent events of Gin write a CR in a text as a backslash and a letter, and send the address of a text that is given by a pointer; their
# reader takes `retry` for the id, and makes one event of two whose lines end in CRLF.
# Package: github.com/gin-contrib/sse v1.1.0 (Go), behind `c.SSEvent` of Gin 1.11.
# A good guess: CRLF and CR end a line of the data, as LF does; a pointer is sent as what it points to, as structs are; the reader takes back what other
# servers write. Seen: as above; and half an event at the end of a cut stream is handed on as a whole one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/gin-contrib/sse@v1.1.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/gin-contrib/sse"
)

var address = regexp.MustCompile("0x[0-9a-f]+")

func main() {
	seen := []string{}
	text := "a text"
	for _, it := range []struct {
		name string
		data any
	}{{"LF", "one\ntwo"}, {"CRLF", "one\r\ntwo"}, {"pointer to a struct", &struct{ Text string }{text}}, {"pointer to a text", &text}} {
		var out bytes.Buffer
		if err := sse.Encode(&out, sse.Event{Data: it.data}); err != nil {
			panic(err)
		}
		seen = append(seen, fmt.Sprintf("%s is written as %q", it.name, address.ReplaceAllString(out.String(), "(address)")))
	}
	for _, stream := range []string{"data: one\n\ndata: two\n\n", "data: one\r\n\r\ndata: two\r\n\r\n", "id: 7\nretry: 5000\ndata: one\n\n", "data: one\n\ndata: ha"} {
		events, err := sse.Decode(strings.NewReader(stream))
		if err != nil {
			panic(err)
		}
		all := []string{}
		for _, event := range events {
			all = append(all, fmt.Sprintf("%q with id %q", event.Data, event.Id))
		}
		seen = append(seen, fmt.Sprintf("%q is read as %s", stream, strings.Join(all, " and ")))
	}
	fmt.Println(strings.Join(seen, "\n"))
	want := []string{
		`LF is written as "data:one\ndata:two\n\n"`,
		`CRLF is written as "data:one\\r\ndata:two\n\n"`,
		`pointer to a struct is written as "data:{\"Text\":\"a text\"}\n\n"`,
		`pointer to a text is written as "data:(address)\n\n"`,
		`"data: one\n\ndata: two\n\n" is read as "one" with id "" and "two" with id ""`,
		`"data: one\r\n\r\ndata: two\r\n\r\n" is read as "one\r\ntwo\r" with id ""`,
		`"id: 7\nretry: 5000\ndata: one\n\n" is read as "one" with id "5000"`,
		`"data: one\n\ndata: ha" is read as "one" with id "" and "ha" with id ""`,
	}
	if !slices.Equal(seen, want) {
		os.Exit(1)
	}
}
GO
go run .
