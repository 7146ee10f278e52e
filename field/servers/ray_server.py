"""Ray Serve with FastAPI in front, as its guide shows it."""

import os
import time

import ray
from chat import router
from fastapi import FastAPI
from pydantic import BaseModel
from ray import serve
from work import work

app = FastAPI()
app.include_router(router)


class Item(BaseModel):
    text: str
    seconds: float = 0
    fail: str = ""


@serve.deployment(ray_actor_options={"num_cpus": 0}, max_ongoing_requests=4)
@serve.ingress(app)
class Upper:
    @app.get("/health")
    def health(self):
        return "ok"

    @app.post("/predict")
    def predict(self, item: Item):
        return {"text": work(item.text, item.seconds, item.fail)}


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, configure_logging=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(os.environ["PORT"])})
serve.run(Upper.bind())
while True:
    time.sleep(1)
