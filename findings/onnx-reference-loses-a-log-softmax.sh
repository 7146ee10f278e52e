#!/usr/bin/env bash
# ONNX's reference evaluator gives minus infinity for the LogSoftmax of logits that are 104 apart.
# Package: onnx 1.23.2, with numpy 2.4.6 (PyPI). A good guess: the evaluator, which is there to check runtimes against, gives x - log(sum(exp(x))),
# so -200 for the smaller of two logits that are 200 apart. Seen: it takes the logarithm of a softmax that has become 0, so -inf, with a
# warning; the operator's own definition as a function, run by the same evaluator, gives -200. A runtime that is right fails a comparison with
# it, and a sum of log probabilities is lost.
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


def run(nodes, logits, functions=(), imports=()):
    shape = list(logits.shape)
    given = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)
    wanted = helper.make_tensor_value_info("output", TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "look", [given], [wanted])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), *imports], functions=functions, ir_version=10)
    onnx.checker.check_model(model)
    return ReferenceEvaluator(model).run(None, {"input": logits})[0].tolist()


text = """
<domain: "own", opset_import: ["" : 18]>
Steps (input) => (output) {
    axes = Constant <value_ints = [-1]> ()
    top = ReduceMax (input, axes)
    lower = Sub (input, top)
    powers = Exp (lower)
    total = ReduceSum (powers, axes)
    log = Log (total)
    output = Sub (lower, log)
}
"""
steps = onnx.parser.parse_function(text)
seen = {}
for gap in (10, 103, 104, 200):
    logits = np.array([[gap, 0]], np.float32)
    operator = run([helper.make_node("LogSoftmax", ["input"], ["output"])], logits)
    by_steps = run([helper.make_node("Steps", ["input"], ["output"], domain="own")], logits, [steps], [helper.make_opsetid("own", 1)])
    seen[gap] = operator[0][1], by_steps[0][1]
    print(f"logits {gap} apart: the operator {operator[0]}, its steps {by_steps[0]}")
good = abs(seen[10][0] + 10) < 0.001 and [seen[gap][1] for gap in (103, 104, 200)] == [-103, -104, -200]
sys.exit(0 if good and seen[104][0] == seen[200][0] == -np.inf else 1)
PY
env/bin/python look.py
