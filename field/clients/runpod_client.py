"""RunPod's client."""

import asyncio
import os

from looks import KEY, URL, WORDS, look, raised

os.environ["RUNPOD_ENDPOINT_BASE_URL"] = f"{URL}/runpod/v2"
os.environ["RUNPOD_API_KEY"] = KEY

import runpod  # noqa: E402, it reads these at its start
from aiohttp import ClientSession  # noqa: E402
from requests import HTTPError  # noqa: E402

runpod.api_key = KEY
items = runpod.Endpoint("items")
nobody = runpod.Endpoint("nobody")
chat = runpod.Endpoint("chat")
INPUT = {"text": "a"}
STREAMED = {"messages": [{"role": "user", "content": "Colours?"}], "stream": True}


@look("run, status, output")
def _():
    job = items.run({"input": INPUT})
    return job.output(timeout=20) == INPUT and job.status() == "COMPLETED", "the output, then COMPLETED"


@look("run_sync")
def _():
    return items.run_sync(INPUT, timeout=20) == INPUT, "the output"


@look("stream, of a model that streams")
def _():
    chunks = chat.run({"input": STREAMED}).stream()
    text = "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk["choices"])
    return text == WORDS, "the text, then the end"


@look("stream, of one that does not")
def _():
    return list(items.run(INPUT).stream()) == [INPUT], "the whole output, then the end"


@look("cancel")
def _():
    job = nobody.run(INPUT)
    answer = job.cancel()
    return (answer["status"], job.status()) == ("CANCELLED", "CANCELLED"), "CANCELLED"


@look("stream, of what is cancelled")
def _():
    job = nobody.run(INPUT)
    job.cancel()
    return list(job.stream()) == [], "nothing, then the end"


@look("health, purge_queue")
def _():
    nobody.purge_queue()
    nobody.run(INPUT)
    waits = nobody.health()["jobs"]["inQueue"]
    return (waits, nobody.purge_queue()) == (1, {"removed": 1, "status": "completed"}), "1 waits, and is removed"


@look("a wait that is over")
def _():
    return raised(lambda: nobody.run(INPUT).output(timeout=2), TimeoutError)


@look("a wrong key")
def _():
    return raised(lambda: runpod.Endpoint("items", api_key="wrong").run(INPUT), RuntimeError)


@look("an unknown model")
def _():
    return raised(lambda: runpod.Endpoint("nothing").run(INPUT), HTTPError)


@look("asyncio: run, output, stream, health")
def _():
    async def ask():
        async with ClientSession() as session:
            endpoint = runpod.AsyncioEndpoint("items", session)
            job = await endpoint.run(INPUT)
            output = await job.output(timeout=20)
            chunks = [chunk async for chunk in job.stream()]
            return output, chunks, (await endpoint.health())["workers"]["ready"]

    return asyncio.run(ask()) == (INPUT, [INPUT], 4), "the output, the same as one chunk, 4 slots"
