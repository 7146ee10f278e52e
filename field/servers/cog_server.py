"""Starts Cog's HTTP server with the predictor beside this file, without its container."""

import json
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
# What `cog build` makes of the predictor's types and puts into the image; the server checks inputs by it.
TEXT = {"type": "string", "title": "Text", "x-order": 0}
SECONDS = {"type": "number", "title": "Seconds", "default": 0, "x-order": 1}
FAIL = {"type": "string", "title": "Fail", "default": "", "x-order": 2}
PROPERTIES = {"text": TEXT, "seconds": SECONDS, "fail": FAIL}
SCHEMAS = {
    "Input": {"type": "object", "title": "Input", "properties": PROPERTIES, "required": ["text"]},
    "Output": {"type": "string", "title": "Output"},
}
os.mkdir(os.path.join(folder, ".cog"))
with open(os.path.join(folder, ".cog", "openapi_schema.json"), "w", encoding="utf-8") as file:
    json.dump({"openapi": "3.0.2", "info": {"title": "Cog", "version": "0.1.0"}, "paths": {}, "components": {"schemas": SCHEMAS}}, file)
os.chdir(folder)
environment = {
    **os.environ,
    "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],
    "PYTHONPATH": folder,
    "COG_PREDICT_TYPE_STUB": "predict.py:Predictor",
}
os.execve(sys.executable, [sys.executable, "-m", "cog.server.http", "--host", "127.0.0.1"], environment)
