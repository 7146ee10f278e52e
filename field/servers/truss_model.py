"""A Truss: a model as Baseten has it, which also offers OpenAI's chat."""

from chat import events
from fastapi import Request
from work import work


class Model:
    def predict(self, asked):
        return {"text": work(asked["text"], asked.get("seconds", 0), asked.get("fail", ""))}

    def chat_completions(self, asked, request: Request):
        text, seconds = asked["messages"][-1]["content"], asked.get("seconds", 0)
        if asked.get("stream"):
            return self.stream(text, seconds, request)
        message = {"role": "assistant", "content": work(text, seconds)}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        return {"id": "chat-1", "object": "chat.completion", "created": 0, "model": asked["model"], "choices": choices}

    def stream(self, text, seconds, request):
        """Asks whether its client has left, as Truss offers it; the server looks each second."""
        with request.state.watch_disconnect() as left:
            for event in events(text, seconds):
                if left.is_set():
                    break
                yield event
