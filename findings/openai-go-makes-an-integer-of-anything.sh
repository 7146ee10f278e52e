#!/usr/bin/env bash
# OpenAI's Go client reads `true`, 1.5, "7" and 1e30 as integers, without an error and as valid.
# Package: github.com/openai/openai-go/v3 v3.99.0 (Go).
# A good guess: a count of tokens that is no integer of 64 bits is an error, as it is to encoding/json, or its field says that it is not valid. Seen:
# `true` is 1, 1.5 is 1, "7" is 7, and 1e30 is 9223372036854775807; `JSON.….Valid()` says true of each.
set -euo pipefail
cd "$(mktemp -d)"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/openai/openai-go/v3@v3.99.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/openai/openai-go/v3"
)

func main() {
	same := true
	for _, it := range []struct {
		text string
		want int64
	}{{"7", 7}, {"true", 1}, {"1.5", 1}, {`"7"`, 7}, {"1e30", 9223372036854775807}} {
		text := []byte(`{"prompt_tokens":` + it.text + `,"completion_tokens":1,"total_tokens":1}`)
		var usage openai.CompletionUsage
		err := json.Unmarshal(text, &usage)
		var plain struct {
			PromptTokens int64 `json:"prompt_tokens"`
		}
		refused := json.Unmarshal(text, &plain) != nil
		fmt.Printf("%-5s is %d, error %v, valid %v; refused by encoding/json: %v\n", it.text, usage.PromptTokens, err, usage.JSON.PromptTokens.Valid(), refused)
		same = same && err == nil && usage.PromptTokens == it.want && usage.JSON.PromptTokens.Valid() && refused == (it.text != "7")
	}
	if !same {
		os.Exit(1)
	}
}
GO
go run .
