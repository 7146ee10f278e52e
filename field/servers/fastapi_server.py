"""FastAPI as people write it: a plain function per call, and a generator for a stream in OpenAI's form."""

import json
import os

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from work import words, work

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


class Chat(BaseModel):
    model: str
    messages: list[dict]
    stream: bool = False
    seconds: float = 0


@app.get("/v1/models")
def models():
    return {"object": "list", "data": [{"id": "chat", "object": "model", "created": 0, "owned_by": "field"}]}


@app.post("/v1/chat/completions")
def chat(asked: Chat):
    text = asked.messages[-1]["content"]

    def events():
        for word in words(text, asked.seconds):
            yield "data: " + json.dumps(chunk({"content": word})) + "\n\n"
        yield "data: " + json.dumps(chunk({}, "stop")) + "\n\ndata: [DONE]\n\n"

    if asked.stream:
        return StreamingResponse(events(), media_type="text/event-stream")
    message = {"role": "assistant", "content": work(text, asked.seconds)}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 0,
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def chunk(delta, finish_reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "chat-1", "object": "chat.completion.chunk", "created": 0, "model": "chat", "choices": [choice]}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
