"""Flask behind waitress, as people write it."""

import os

from flask import Flask, jsonify, request
from waitress import serve
from work import work

app = Flask(__name__)


@app.get("/health")
def health():
    return "ok"


@app.post("/predict")
def predict():
    item = request.get_json()
    return jsonify(text=work(item["text"], item.get("seconds", 0), item.get("fail", "")))


serve(app, host="127.0.0.1", port=int(os.environ["PORT"]), threads=4)
