"""Hugging Face's InferenceClient, pointed at the address of an OpenAI server, and at one of TEI."""

import asyncio

from huggingface_hub import AsyncInferenceClient, InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from looks import KEY, URL, VECTOR, WORDS, look, raised

client = InferenceClient(base_url=f"{URL}/v1", api_key=KEY)
messages = [{"role": "user", "content": "Which colors?"}]


@look("chat")
def _():
    return client.chat_completion(messages, model="chat").choices[0].message.content == WORDS, "the text"


@look("stream")
def _():
    chunks = list(client.chat_completion(messages, model="chat", stream=True))
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == WORDS, f"the text in {len(chunks)} chunks"


@look("async")
def _():
    async def both():
        there = AsyncInferenceClient(base_url=f"{URL}/v1", api_key=KEY)
        whole = await there.chat_completion(messages, model="chat")
        text = ""
        async for chunk in await there.chat_completion(messages, model="chat", stream=True):
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        return whole.choices[0].message.content, text

    return asyncio.run(both()) == (WORDS, WORDS), "the text, whole and streamed"


@look("wrong key")
def _():
    return raised(lambda: InferenceClient(base_url=f"{URL}/v1", api_key="ck_wrong").chat_completion(messages, model="chat"), HfHubHTTPError)


@look("unknown model")
def _():
    return raised(lambda: client.chat_completion(messages, model="nothing"), HfHubHTTPError)


@look("refused input")
def _():
    return raised(lambda: client.chat_completion([{"role": "user", "content": "please fail"}], model="chat"), HfHubHTTPError)


@look("feature extraction")
def _():
    there = InferenceClient(model=f"{URL}/baseten/echo/sync/embed", api_key=KEY)
    return there.feature_extraction("a").tolist() == [VECTOR], "the numbers of a server that answers as TEI does"
