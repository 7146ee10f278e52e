"""Starts Cog's HTTP server with the predictor beside this file, without its container."""

import os
import shutil
import sys
import tempfile

here = os.path.dirname(os.path.abspath(__file__))
folder = tempfile.mkdtemp()
shutil.copy(os.path.join(here, "cog_predictor.py"), os.path.join(folder, "predict.py"))
shutil.copy(os.path.join(here, "work.py"), folder)
with open(os.path.join(folder, "cog.yaml"), "w", encoding="utf-8") as file:
    file.write('build:\n  python_version: "3.11"\npredict: "predict.py:Predictor"\n')
os.chdir(folder)
environment = {
    **os.environ,
    "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],
    "PYTHONPATH": folder,
    "COG_PREDICT_TYPE_STUB": "predict.py:Predictor",
}
os.execve(sys.executable, [sys.executable, "-m", "cog.server.http", "--host", "127.0.0.1"], environment)
