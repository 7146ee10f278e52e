"""LiteLLM, as a gateway sees us: its providers openai, baseten and triton."""

import asyncio
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402
from looks import KEY, URL, VECTOR, WORDS, look, raised  # noqa: E402

litellm.suppress_debug_info = True
messages = [{"role": "user", "content": "Which colors?"}]
openai = {"model": "openai/chat", "api_base": f"{URL}/v1", "api_key": KEY, "num_retries": 0}
baseten = {"model": "baseten/chat", "api_base": f"{URL}/v1", "api_key": KEY}
bearer = {"Authorization": f"Bearer {KEY}"}


def text_of(chunks):
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


@look("openai: chat")
def _():
    return litellm.completion(messages=messages, **openai).choices[0].message.content == WORDS, "the text"


@look("openai: stream")
def _():
    chunks = list(litellm.completion(messages=messages, stream=True, **openai))
    return text_of(chunks) == WORDS, f"the text in {len(chunks)} chunks"


@look("openai: async")
def _():
    answer = asyncio.run(litellm.acompletion(messages=messages, **openai))
    return answer.choices[0].message.content == WORDS, "the text"


@look("openai: embeddings")
def _():
    answer = litellm.embedding(model="openai/embedder", input=["a"], api_base=f"{URL}/v1", api_key=KEY)
    return answer.data[0]["embedding"] == VECTOR, "the numbers"


@look("openai: wrong key")
def _():
    return raised(lambda: litellm.completion(messages=messages, **{**openai, "api_key": "ck_wrong"}), litellm.AuthenticationError)


@look("openai: unknown model")
def _():
    return raised(lambda: litellm.completion(messages=messages, **{**openai, "model": "openai/nothing"}), litellm.NotFoundError)


@look("openai: refused input")
def _():
    wrong = [{"role": "user", "content": "please fail"}]
    return raised(lambda: litellm.completion(messages=wrong, **openai), litellm.BadRequestError)


@look("baseten: chat")
def _():
    return litellm.completion(messages=messages, **baseten).choices[0].message.content == WORDS, "the text"


@look("baseten: stream")
def _():
    return text_of(litellm.completion(messages=messages, stream=True, **baseten)) == WORDS, "the text"


# The provider sends neither the key nor headers that it is given, so a proxy that adds the key stands before us.
KEYED = os.environ["KEYED_URL"]


@look("triton: the key is not sent")
def _():
    there = f"{URL}/v2/models/chat/generate"
    ask = lambda: litellm.completion(model="triton/chat", messages=messages, api_base=there, api_key=KEY, extra_headers=bearer)  # noqa: E731
    return raised(ask, litellm.AuthenticationError)


@look("triton: generate")
def _():
    answer = litellm.completion(model="triton/chat", messages=messages, api_base=f"{KEYED}/v2/models/chat/generate")
    return answer.choices[0].message.content == WORDS, "the text"


@look("triton: generate_stream")
def _():
    chunks = litellm.completion(model="triton/chat", messages=messages, stream=True, api_base=f"{KEYED}/v2/models/chat/generate")
    return text_of(chunks) == WORDS, "the text"


@look("triton: infer")
def _():
    there = f"{KEYED}/v2/models/simple_echo/infer"
    answer = litellm.completion(model="triton/simple_echo", messages=messages, api_base=there)
    return answer.choices[0].message.content == "Which colors?", "the text that was sent"
