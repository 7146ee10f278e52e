"""LitServe with its OpenAI form: a generator of words."""

import os

import litserve
from work import words


class Words(litserve.LitAPI):
    def setup(self, device):
        pass

    def predict(self, asked):
        text = asked.messages[-1].content
        yield from words(text, 6 if "slowly" in text else 0)


if __name__ == "__main__":
    server = litserve.LitServer(Words(spec=litserve.OpenAISpec()), accelerator="cpu", timeout=60)
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), generate_client_file=False, log_level="warning")
