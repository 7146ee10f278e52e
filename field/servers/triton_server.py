"""Triton Inference Server itself, as the wheel of PyTriton brings it, with two models of its Python backend."""

import os
import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SITE = Path(sysconfig.get_path("purelib"))
TRITON = SITE / "pytriton" / "tritonserver"

UPPER = """
backend: "python"
input [
  { name: "text" data_type: TYPE_STRING dims: [1] optional: true },
  { name: "seconds" data_type: TYPE_FP64 dims: [1] optional: true },
  { name: "fail" data_type: TYPE_STRING dims: [1] optional: true },
  { name: "f" data_type: TYPE_FP32 dims: [-1] optional: true },
  { name: "i" data_type: TYPE_INT64 dims: [-1, -1] optional: true },
  { name: "b" data_type: TYPE_BOOL dims: [-1] optional: true },
  { name: "u" data_type: TYPE_UINT8 dims: [-1] optional: true }
]
output [
  { name: "text" data_type: TYPE_STRING dims: [1] },
  { name: "f" data_type: TYPE_FP32 dims: [-1] },
  { name: "i" data_type: TYPE_INT64 dims: [-1, -1] },
  { name: "b" data_type: TYPE_BOOL dims: [-1] },
  { name: "u" data_type: TYPE_UINT8 dims: [-1] }
]
instance_group [{ kind: KIND_CPU count: 2 }]
"""
WORDS = """
backend: "python"
model_transaction_policy { decoupled: true }
input [
  { name: "text_input" data_type: TYPE_STRING dims: [1] },
  { name: "seconds" data_type: TYPE_FP64 dims: [1] optional: true }
]
output [{ name: "text_output" data_type: TYPE_STRING dims: [1] }]
instance_group [{ kind: KIND_CPU count: 2 }]
"""


def repository():
    folder = Path(tempfile.mkdtemp(prefix="claimcheck-triton-"))
    for name, config in (("upper", UPPER), ("words", WORDS)):
        (folder / name / "1").mkdir(parents=True)
        (folder / name / "config.pbtxt").write_text(config)
        shutil.copy(HERE / f"triton_{name}.py", folder / name / "1" / "model.py")
    return folder


if __name__ == "__main__":
    # PyTriton copies it there too, out of those that it has for each version of Python.
    stub = TRITON / "python_backend_stubs" / f"{sys.version_info[0]}.{sys.version_info[1]}" / "triton_python_backend_stub"
    shutil.copy(stub, TRITON / "backends" / "python")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": str(HERE),
        "LD_LIBRARY_PATH": os.pathsep.join([str(SITE / "nvidia_pytriton.libs"), sysconfig.get_config_var("LIBDIR")]),
    }
    options = {
        "model-repository": repository(),
        "backend-directory": TRITON / "backends",
        "http-address": "127.0.0.1",
        "http-port": os.environ["PORT"],
        "http-thread-count": 16,
        "allow-grpc": "false",
        "allow-metrics": "false",
    }
    command = [str(TRITON / "bin" / "tritonserver"), *(f"--{name}={value}" for name, value in options.items())]
    os.execve(command[0], command, environment)
