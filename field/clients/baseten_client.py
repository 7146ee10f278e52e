"""Baseten's performance client."""

import asyncio
import os

import baseten_performance_client as baseten
from looks import KEY, URL, VECTOR, look, raised

embedder = baseten.PerformanceClient(base_url=f"{URL}/baseten/embedder/sync", api_key=KEY)


@look("embed")
def _():
    answer = embedder.embed(["a", "b", "c"], "embedder", preference=baseten.RequestProcessingPreference(batch_size=1, max_concurrent_requests=2))
    return [e.embedding for e in answer.data] == [VECTOR] * 3, f"the numbers of {len(answer.data)} texts in as many requests"


@look("embed, at the OpenAI address")
def _():
    answer = baseten.PerformanceClient(base_url=URL, api_key=KEY).embed(["a"], "embedder")
    return answer.data[0].embedding == VECTOR, "the numbers"


@look("async embed")
def _():
    async def ask():
        return await embedder.async_embed(["a"], "embedder")

    return asyncio.run(ask()).data[0].embedding == VECTOR, "the numbers"


@look("rerank")
def _():
    answer = embedder.rerank("q", ["a", "b"], return_text=True)
    return [(r.index, r.score) for r in answer.data] == [(0, 1.0), (1, 0.75)], "the scores"


@look("classify")
def _():
    answer = embedder.classify(["a", "b"])
    return answer.data[1][0].label == "red", "the labels"


@look("batch_post, predict")
def _():
    there = baseten.PerformanceClient(base_url=f"{URL}/baseten/echo", api_key=KEY)
    answer = there.batch_post("/predict", [{"model_input": {"n": n}} for n in range(3)])
    return len(answer.data) == 3, f"{answer.data}"


@look("batch_post, async_predict")
def _():
    there = baseten.PerformanceClient(base_url=f"{URL}/baseten/echo/production", api_key=KEY)
    answer = there.batch_post("/async_predict", [{"model_input": {"n": n}} for n in range(3)])
    return all("request_id" in data for data in answer.data), f"{len(answer.data)} request ids"


@look("embed over HTTP/2, the runtime of npm start alone")
def _():
    there = baseten.PerformanceClient(base_url=URL, api_key=KEY, http_version=2)
    return raised(lambda: there.embed(["a"], "embedder", preference=baseten.RequestProcessingPreference(max_retries=0)), ValueError)


@look("embed over HTTP/2, behind a proxy that speaks it")
def _():
    there = baseten.PerformanceClient(base_url=os.environ["HTTP2_URL"], api_key=KEY, http_version=2)
    return there.embed(["a"], "embedder").data[0].embedding == VECTOR, "the numbers"


@look("wrong key")
def _():
    there = baseten.PerformanceClient(base_url=f"{URL}/baseten/embedder/sync", api_key="ck_wrong")
    return raised(lambda: there.embed(["a"], "embedder"), Exception)
