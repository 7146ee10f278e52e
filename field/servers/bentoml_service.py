"""A service of BentoML, with a FastAPI application mounted for chat."""

import bentoml
from chat import router
from fastapi import FastAPI
from work import work


app = FastAPI()
app.include_router(router)


@bentoml.service(traffic={"timeout": 60})
@bentoml.asgi_app(app)
class Upper:
    @bentoml.api
    def predict(self, text: str, seconds: float = 0, fail: str = "") -> dict:
        return {"text": work(text, seconds, fail)}
