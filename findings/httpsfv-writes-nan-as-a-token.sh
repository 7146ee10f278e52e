#!/usr/bin/env bash
# The structured fields of dunglas' httpsfv write NaN as the token `NaN`, where they refuse an infinity and whatever else has no form.
# Package: github.com/dunglas/httpsfv v1.1.2 (Go).
# A good guess: RFC 9651 has no NaN among its decimals, so it is an error, as the infinities, 1e12 and integers of 16 digits are. Seen: it is written without
# an error, and read back as another type.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get github.com/dunglas/httpsfv@v1.1.2 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/dunglas/httpsfv"
)

func main() {
	seen := []string{}
	for _, value := range []any{1.5, 1e12, math.Inf(1), math.Inf(-1), int64(1e15), math.NaN()} {
		text, err := httpsfv.Marshal(httpsfv.NewItem(value))
		if err != nil {
			seen = append(seen, fmt.Sprint(value, " is refused"))
			continue
		}
		item, err := httpsfv.UnmarshalItem([]string{text})
		if err != nil {
			panic(err)
		}
		seen = append(seen, fmt.Sprintf("%v is written as %s, and read as a %T", value, text, item.Value))
	}
	for _, line := range seen {
		fmt.Println(line)
	}
	want := []string{
		"1.5 is written as 1.5, and read as a float64",
		"1e+12 is refused",
		"+Inf is refused",
		"-Inf is refused",
		"1000000000000000 is refused",
		"NaN is written as NaN, and read as a httpsfv.Token",
	}
	if !slices.Equal(seen, want) {
		os.Exit(1)
	}
}
GO
go run .
