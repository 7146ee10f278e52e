#!/usr/bin/env bash
# ONNX's reference evaluator can't take the maximum of int8 in a window, nor of one dimension that is padded.
# Package: onnx 1.23.2, with numpy 2.4.6 (PyPI). A good guess: the evaluator, which is there to check runtimes against, pools int8 and uint8, which the
# operator has taken since version 12, and one dimension as it does two. Seen: a MaxPool of int8 in two dimensions is a ValueError ("cannot convert
# float NaN to integer"), padded or not, and one of a padded dimension is an IndexError for every type; uint8 and floats in two are right. So a
# quantized model of pictures, or one of sound, can't be checked with it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
cat > look.py <<'PY'
import sys
import warnings

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

warnings.simplefilter("ignore")


def pool(values, pads):
    size = values.ndim - 2
    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    given = helper.make_tensor_value_info("input", kind, values.shape)
    wanted = helper.make_tensor_value_info("output", kind, [1, 1] + [length - 2 + 2 * pads for length in values.shape[2:]])
    node = helper.make_node("MaxPool", ["input"], ["output"], kernel_shape=[3] * size, pads=[pads] * 2 * size, strides=[1] * size)
    model = helper.make_model(helper.make_graph([node], "look", [given], [wanted]), opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    try:
        return ReferenceEvaluator(model).run(None, {"input": values})[0].astype(int).ravel().tolist()
    except (ValueError, IndexError) as error:
        return type(error).__name__


seen = {}
for kind in (np.float32, np.int8, np.uint8):
    for shape in ((1, 1, 3, 3), (1, 1, 3)):
        values = np.arange(1, np.prod(shape) + 1).reshape(shape).astype(kind)
        name = f"{np.dtype(kind).name} in {len(shape) - 2}"
        seen[name] = pool(values, 0), pool(values, 1)
        print(f"{name}: not padded {seen[name][0]}, padded {seen[name][1]}")
best = [5, 6, 6, 8, 9, 9, 8, 9, 9]
line = ([3], "IndexError")
right = ([9], best)
expected = {"float32 in 2": right, "int8 in 2": ("ValueError", "ValueError"), "uint8 in 2": right}
expected.update({f"{kind} in 1": line for kind in ("float32", "int8", "uint8")})
sys.exit(0 if seen == expected else 1)
PY
env/bin/python look.py
