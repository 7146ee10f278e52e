"""Starts MLServer with the model beside this file."""

import json
import os
import subprocess
import sys
import tempfile

folder = tempfile.mkdtemp()
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "settings.json"), "w", encoding="utf-8") as file:
    port = int(os.environ["PORT"])
    json.dump({"debug": False, "host": "127.0.0.1", "http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "parallel_workers": 0}, file)
with open(os.path.join(folder, "model-settings.json"), "w", encoding="utf-8") as file:
    json.dump({"name": "upper", "implementation": "mlserver_model.Upper"}, file)
environment = {**os.environ, "PYTHONPATH": here}
os.execve(os.path.join(os.path.dirname(sys.executable), "mlserver"), ["mlserver", "start", folder], environment)
