"""FastAPI as people write it: a plain function per call."""

import os

import uvicorn
from chat import router
from fastapi import FastAPI
from pydantic import BaseModel
from work import work

app = FastAPI()


class Item(BaseModel):
    text: str
    seconds: float = 0
    fail: str = ""


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/predict")
def predict(item: Item):
    return {"text": work(item.text, item.seconds, item.fail)}


app.include_router(router)
uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
