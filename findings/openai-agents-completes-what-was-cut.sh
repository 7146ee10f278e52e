#!/usr/bin/env bash
# OpenAI's Agents SDK says `completed` of an answer of chat completions that was cut at its length or by a filter, or whose stream broke off.
# Package: openai-agents 0.24.0 with openai 3.57.0 (PyPI).
# A good guess: where the reason to end is `length` or `content_filter` the run raises, as the same SDK does by way of the Responses API,
# or the message is `incomplete`; and a stream that names no reason can be told from a whole one. Seen: half a text is the run's final
# output, its message is `completed`, streamed or not, and the reason stands nowhere in the result or its events.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check openai-agents==0.24.0 openai==3.57.0
cat > look.py <<'PY'
import asyncio
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agents import Agent, ModelBehaviorError, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
from openai import AsyncOpenAI

set_tracing_disabled(True)
reason = None


class Server(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.endswith("/responses"):
            message = {"type": "message", "id": "2", "role": "assistant", "status": "incomplete"}
            message["content"] = [{"type": "output_text", "text": "half a", "annotations": []}]
            answer = {"id": "1", "object": "response", "created_at": 1, "model": "m", "status": "incomplete", "output": [message]}
            answer |= {"incomplete_details": {"reason": "max_output_tokens"}, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
            self.give("application/json", json.dumps(answer))
        elif asked.get("stream"):
            chunks = [self.choice("chat.completion.chunk", delta={"content": "half a"}, finish_reason=None)]
            if reason is not None:
                chunks += [self.choice("chat.completion.chunk", delta={}, finish_reason=reason), "[DONE]"]
            self.give("text/event-stream", "".join(f"data: {chunk}\n\n" for chunk in chunks))
        else:
            message = {"role": "assistant", "content": "half a"}
            self.give("application/json", self.choice("chat.completion", message=message, finish_reason=reason))

    def choice(self, kind, **members):
        return json.dumps({"id": "1", "object": kind, "created": 1, "model": "m", "choices": [{"index": 0, **members}]})

    def give(self, kind, text):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


async def main():
    global reason
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = AsyncOpenAI(base_url=f"http://127.0.0.1:{server.server_address[1]}", api_key="key", max_retries=0)
    agent = Agent("a", model=OpenAIChatCompletionsModel("m", client))
    seen = []

    def look(name, result, told):
        seen.append((result.final_output, result.raw_responses[0].output[0].status, told))
        print(f"{name}: {seen[-1][0]!r} is {seen[-1][1]}; a reason is told: {told}")

    try:
        await Runner.run(Agent("a", model=OpenAIResponsesModel("m", client)), "x")
    except ModelBehaviorError as error:
        seen.append("max_output_tokens" in str(error))
        print(f"Responses API, length: {error}")
    for reason in ["stop", "length", "content_filter"]:
        result = await Runner.run(agent, "x")
        look(f"plain, {reason}", result, reason in repr(result.raw_responses))
    for reason in ["stop", "length", "content_filter", None]:
        result = Runner.run_streamed(agent, "x")
        events = [repr(event) async for event in result.stream_events()]
        look(f"stream, {reason}", result, any(f"'{word}'" in event for event in events for word in ["length", "content_filter", "incomplete"]))
    return seen != [True] + [("half a", "completed", False)] * 7


sys.exit(asyncio.run(main()))
PY
env/bin/python look.py
