#!/usr/bin/env bash
# The Go package of nlpodyssey for safetensors refuses to write a scalar that it has read, and writes one without a value, which nobody reads.
# Packages: github.com/nlpodyssey/safetensors v0.0.0-20250209183917-bfb01cc25f7c (Go), safetensors 0.7.0 and numpy 2.4.6 (PyPI).
# A good guess: a tensor of shape [] has one element, as in NumPy and in the library of Hugging Face, and whatever was read can be written again,
# such as the `num_batches_tracked` of each BatchNorm of PyTorch. Seen: it is read with its eight bytes, and NewTensorView says of the same shape
# and bytes "invalid tensor view", since a shape without dimensions has no elements there. Without bytes it is taken and written, without an
# error; the file is then refused by the package itself and by Hugging Face's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
export CGO_ENABLED=0 GOFLAGS="-mod=mod '-gcflags=all=-N -l -dwarf=false'"
python3 -m venv env
env/bin/pip -q install --disable-pip-version-check safetensors==0.7.0 numpy==2.4.6
go mod init look >/dev/null 2>&1
go get github.com/nlpodyssey/safetensors@v0.0.0-20250209183917-bfb01cc25f7c >/dev/null 2>&1
cat > write.py <<'PY'
import numpy
from safetensors.numpy import save_file

weight = numpy.ones((2, 3), dtype=numpy.float32)
save_file({"weight": weight, "num_batches_tracked": numpy.array(7, dtype=numpy.int64)}, "scalar.safetensors")
PY
cat > read.py <<'PY'
from safetensors.numpy import load_file

try:
    load_file("written.safetensors")
except Exception as error:
    print("the same, read by Python:", error)
else:
    raise SystemExit(1)
PY
cat > main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/nlpodyssey/safetensors"
)

func main() {
	file, err := os.ReadFile("scalar.safetensors")
	check(err)
	tensors, err := safetensors.Deserialize(file)
	check(err)
	read, _ := tensors.Tensor("num_batches_tracked")
	fmt.Printf("read: shape %v, %d bytes\n", read.Shape(), read.DataLen())
	_, refused := safetensors.NewTensorView(read.DType(), read.Shape(), read.Data())
	none, err := safetensors.NewTensorView(read.DType(), read.Shape(), []byte{})
	check(err)
	fmt.Printf("the same again: %v\n", refused)
	written, err := safetensors.Serialize(map[string]safetensors.TensorView{"num_batches_tracked": none}, nil)
	check(err)
	check(os.WriteFile("written.safetensors", written, 0o600))
	_, unread := safetensors.Deserialize(written)
	fmt.Printf("one without bytes, written and read: %v\n", unread)
	if read.DataLen() != 8 || refused == nil || unread == nil {
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
env/bin/python write.py
go run .
env/bin/python read.py
