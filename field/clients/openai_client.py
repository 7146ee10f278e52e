"""OpenAI's Python client: whole answers, streams, embeddings, errors and retries, in both of its forms."""

import asyncio

import openai
from looks import KEY, URL, VECTOR, WORDS, look, raised

client = openai.OpenAI(base_url=f"{URL}/v1", api_key=KEY)
ask = {"model": "chat", "messages": [{"role": "user", "content": "Which colors?"}]}


def prompt(text):
    return {"model": "chat", "messages": [{"role": "user", "content": text}]}


@look("chat")
def _():
    answer = client.chat.completions.create(**ask)
    text, usage = answer.choices[0].message.content, answer.usage.completion_tokens
    return text == WORDS and usage == 4 and answer.model == "chat", f"the text, {usage} tokens"


@look("stream")
def _():
    chunks = list(client.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    return text == WORDS and chunks[-1].usage.total_tokens == 7, f"the text in {len(chunks)} chunks, the last with the usage"


@look("async")
def _():
    async def both():
        async with openai.AsyncOpenAI(base_url=f"{URL}/v1", api_key=KEY) as there:
            whole = await there.chat.completions.create(**ask)
            text = ""
            async for chunk in await there.chat.completions.create(**ask, stream=True):
                text += "".join(choice.delta.content or "" for choice in chunk.choices)
            return whole.choices[0].message.content, text

    return asyncio.run(both()) == (WORDS, WORDS), "the text, whole and streamed"


@look("embeddings")
def _():
    default = client.embeddings.create(model="embedder", input=["a", "b"])
    floats = client.embeddings.create(model="embedder", input="a", encoding_format="float")
    same = [e.embedding for e in default.data] == [VECTOR, VECTOR] and floats.data[0].embedding == VECTOR
    return same, "the numbers, asked as base64 (its default) and as floats"


@look("models")
def _():
    names = [model.id for model in client.models.list()]
    return "chat" in names and client.models.retrieve("chat").id == "chat", f"listed and got: {', '.join(sorted(names))}"


@look("wrong key")
def _():
    return raised(lambda: client.with_options(api_key="ck_wrong").chat.completions.create(**ask), openai.AuthenticationError)


@look("unknown model")
def _():
    return raised(lambda: client.chat.completions.create(**{**ask, "model": "nothing"}), openai.NotFoundError)


@look("refused input")
def _():
    return raised(lambda: client.chat.completions.create(**prompt("please fail")), openai.BadRequestError)


@look("refused input, streamed")
def _():
    return raised(lambda: list(client.chat.completions.create(**prompt("please fail"), stream=True)), openai.BadRequestError)


@look("server busy once")
def _():
    answer = client.with_options(max_retries=0).chat.completions.create(**prompt("please fail once, sync"))
    return answer.choices[0].message.content == WORDS, "the text at the client's first try: the retry was ours"


@look("headers")
def _():
    there = client.chat.completions.with_raw_response.create(**ask).headers
    names = [name for name in ("x-request-id", "x-inference-id", "x-ratelimit-limit-requests", "openai-processing-ms") if name in there]
    return "x-inference-id" in names, f"has {', '.join(names)}"


@look("time limit of the client")
def _():
    return raised(lambda: client.with_options(timeout=0.001, max_retries=1).chat.completions.create(**ask), openai.APITimeoutError)
