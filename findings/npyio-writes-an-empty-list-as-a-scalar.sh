#!/usr/bin/env bash
# npyio writes an empty list as a scalar without a value, which NumPy cannot read.
# Packages: codeberg.org/sbinet/npyio v0.14.0 (Go), numpy 2.4.6 (PyPI).
# A good guess: `'shape': (0,)`, as NumPy writes it, so that a model that finds nothing answers with an empty array. Seen: `'shape': ()`
# and no data, without an error. NumPy raises, since a scalar has one element; npyio itself reads one 0, with io.EOF.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check numpy==2.4.6
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
	err := npy.Write(&file, []float32{})
	fmt.Printf("written: %q, error %v\n", bytes.TrimSpace(file.Bytes()[12:]), err)
	same := err == nil && bytes.Contains(file.Bytes(), []byte("'shape': ()"))
	os.WriteFile("empty.npy", file.Bytes(), 0o644)
	var read []float32
	err = npy.Read(&file, &read)
	fmt.Printf("read by npyio: %v, error %v\n", read, err)
	if !same || !reflect.DeepEqual(read, []float32{0}) || !errors.Is(err, io.EOF) {
		os.Exit(1)
	}
}
GO
go run .
env/bin/python - <<'PY'
import sys

import numpy

try:
    seen = repr(numpy.load("empty.npy"))
except ValueError as error:
    seen = f"ValueError: {error}"
print(f"read by NumPy: {seen}")
sys.exit(0 if seen.startswith("ValueError") else 1)
PY
