"""A Truss under the server that its image has, laid out as the image has it."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import truss
from truss.base.truss_config import TrussConfig

HERE = Path(__file__).parent
TEMPLATES = Path(truss.__file__).parent / "templates"

if __name__ == "__main__":
    app = Path(tempfile.mkdtemp(prefix="claimcheck-truss-"))
    shutil.copytree(TEMPLATES / "server", app, dirs_exist_ok=True)
    shutil.copytree(TEMPLATES / "shared", app / "_truss_shared")
    for name in ("model", "data", "packages"):
        (app / name).mkdir()
    (app / "model" / "__init__.py").touch()
    shutil.copy(HERE / "truss_model.py", app / "model" / "model.py")
    config = TrussConfig.from_dict({"model_name": "upper", "runtime": {"predict_concurrency": 2}})
    config.write_to_yaml_file(app / "config.yaml", verbose=True)
    os.chdir(app)
    environment = {**os.environ, "INFERENCE_SERVER_PORT": os.environ["PORT"], "PYTHONPATH": str(HERE)}
    os.execve(sys.executable, [sys.executable, "main.py"], environment)
