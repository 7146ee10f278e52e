"""LitServe in its plain form: JSON in, JSON out."""

import os

import litserve
from work import work


class Plain(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request

    def predict(self, item):
        return work(item["text"], item.get("seconds", 0), item.get("fail", ""))

    def encode_response(self, output):
        return {"text": output}


if __name__ == "__main__":
    server = litserve.LitServer(Plain(), accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
