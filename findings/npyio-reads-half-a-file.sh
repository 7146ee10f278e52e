#!/usr/bin/env bash
# npyio reads a file of NumPy that was cut off without an error, as an array with fewer elements than its shape says.
# Package: codeberg.org/sbinet/npyio v0.14.0 (Go).
# A good guess: io.ErrUnexpectedEOF, as NumPy raises a ValueError. Seen: an npy.Array of a file that ends between two elements has the
# whole shape, half the data and no error. A slice is filled up with the last number that came, with io.EOF, which readers of files often
# take for the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
go mod init look >/dev/null 2>&1
go get codeberg.org/sbinet/npyio/npy@v0.14.0 >/dev/null 2>&1
cat > main.go <<'GO'
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"codeberg.org/sbinet/npyio/npy"
)

func main() {
	var file bytes.Buffer
	if err := npy.Write(&file, [][]float32{{1, 2, 3}, {4, 5, 6}}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	cut := file.Bytes()[:file.Len()-3*4]
	var array npy.Array
	err := npy.Read(bytes.NewReader(cut), &array)
	fmt.Printf("Array: shape %v, data %v, error %v\n", array.Shape(), array.Data(), err)
	same := err == nil && reflect.DeepEqual(array.Shape(), []int{2, 3}) && reflect.DeepEqual(array.Data(), []float32{1, 2, 3})
	var slice []float32
	err = npy.Read(bytes.NewReader(cut), &slice)
	fmt.Printf("slice: %v, error %v\n", slice, err)
	if !same || !errors.Is(err, io.EOF) || !reflect.DeepEqual(slice, []float32{1, 2, 3, 3, 3, 3}) {
		os.Exit(1)
	}
}
GO
go run .
