"""OpenAI's chat as people write it over FastAPI: a generator for a stream, a plain function for a whole answer."""

import json

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel
from work import words, work

router = APIRouter()


class Chat(BaseModel):
    model: str
    messages: list[dict]
    stream: bool = False
    seconds: float = 0


@router.get("/v1/models")
def models():
    return {"object": "list", "data": [{"id": "chat", "object": "model", "created": 0, "owned_by": "field"}]}


@router.post("/v1/chat/completions")
def chat(asked: Chat):
    text = asked.messages[-1]["content"]
    if asked.stream:
        return StreamingResponse(events(text, asked.seconds), media_type="text/event-stream")
    message = {"role": "assistant", "content": work(text, asked.seconds)}
    return {
        "id": "chat-1",
        "object": "chat.completion",
        "created": 0,
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


def events(text, seconds):
    for word in words(text, seconds):
        yield "data: " + json.dumps(chunk({"content": word})) + "\n\n"
    yield "data: " + json.dumps(chunk({}, "stop")) + "\n\ndata: [DONE]\n\n"


def chunk(delta, finish_reason=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "chat-1", "object": "chat.completion.chunk", "created": 0, "model": "chat", "choices": [choice]}
