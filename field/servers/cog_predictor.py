"""A predictor of Cog."""

from cog import BasePredictor, Input
from work import work


class Predictor(BasePredictor):
    def predict(
        self,
        text: str = Input(description="A text"),
        seconds: float = Input(description="How long it takes", default=0),
        fail: str = Input(description="What it fails with", default=""),
    ) -> str:
        return work(text, seconds, fail)
