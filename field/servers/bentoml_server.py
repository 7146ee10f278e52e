"""Starts BentoML with the service beside this file."""

import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
os.chdir(here)
environment = {**os.environ, "PYTHONPATH": here, "BENTOML_DO_NOT_TRACK": "True"}
command = ["bentoml", "serve", "bentoml_service:Upper", "--host", "127.0.0.1", "--port", os.environ["PORT"]]
os.execve(os.path.join(os.path.dirname(sys.executable), "bentoml"), command, environment)
