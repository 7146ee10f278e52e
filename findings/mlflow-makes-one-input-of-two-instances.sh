#!/usr/bin/env bash
# MLflow's model server makes one input of two instances that have different members, and cuts fractions off that it refuses elsewhere.
# Package: mlflow-skinny 3.17.2, with pandas 3.1.1 and numpy 2.4.6 (PyPI); the functions are those that its scoring server reads a body by. A good guess:
# two `instances`, one with a text and one with a picture, are two rows or an error, and 1.9 for a column of `long` is refused, as the same
# schema refuses it for a data frame. Seen: the columns are collected by themselves, so the model gets one row of the first one's text and the
# other one's picture, and answers once for two; 1.9 is 1 for a column and for a tensor, and the text "false" is true.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check mlflow-skinny==3.17.2 pandas==3.1.1 numpy==2.4.6
cat > look.py <<'PY'
import sys
import warnings

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.models.utils import _enforce_schema
from mlflow.types import ColSpec, Schema, TensorSpec
from mlflow.utils.proto_json_utils import dataframe_from_parsed_json, parse_tf_serving_input

warnings.simplefilter("ignore")
mixed = parse_tf_serving_input({"instances": [{"text": "a cat"}, {"picture": "dog.png"}]})
mixed = {name: values.tolist() for name, values in mixed.items()}
print("two instances:", mixed)
column = Schema([ColSpec("long", "steps")])
read = dataframe_from_parsed_json([{"steps": 1.9}], "records", schema=column)["steps"].tolist()
print("1.9 for a column of long, by JSON:", read)
try:
    enforced = _enforce_schema(pd.DataFrame({"steps": [1.9]}), column)
except MlflowException as error:
    enforced = str(error).split(". ")[-1]
print("1.9 for the same, in a data frame:", enforced)


def tensor(kind, values):
    schema = Schema([TensorSpec(np.dtype(kind), (-1,))])
    return parse_tf_serving_input({"inputs": values}, schema=schema).tolist()


tensors = [tensor("int64", [1.9]), tensor("bool", ["false"])]
print('tensors of 1.9 and "false":', tensors)
good = mixed == {"text": ["a cat"], "picture": ["dog.png"]} and enforced.startswith("Can not safely convert")
sys.exit(0 if good and read == [1] and tensors == [[1], [True]] else 1)
PY
env/bin/python look.py
