"""A service of BentoML."""

import bentoml
from work import work


@bentoml.service(traffic={"timeout": 60})
class Upper:
    @bentoml.api
    def predict(self, text: str, seconds: float = 0, fail: str = "") -> dict:
        return {"text": work(text, seconds, fail)}
