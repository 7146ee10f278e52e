"""LangChain's OpenAI classes."""

import asyncio

from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from looks import KEY, URL, VECTOR, WORDS, look, raised

chat = ChatOpenAI(base_url=f"{URL}/v1", api_key=KEY, model="chat")


@look("invoke")
def _():
    answer = chat.invoke("Which colors?")
    return answer.content == WORDS, f"the text, {answer.usage_metadata['total_tokens']} tokens"


@look("stream")
def _():
    parts = [part.content for part in chat.stream("Which colors?")]
    return "".join(parts) == WORDS, f"the text in {len(parts)} parts"


@look("async and batch")
def _():
    async def both():
        return (await chat.ainvoke("Which?")).content, [answer.content for answer in await chat.abatch(["a", "b", "c"])]

    return asyncio.run(both()) == (WORDS, [WORDS] * 3), "the text, four times"


@look("embeddings")
def _():
    there = OpenAIEmbeddings(base_url=f"{URL}/v1", api_key=KEY, model="embedder", check_embedding_ctx_length=False)
    return there.embed_documents(["a", "b"]) == [VECTOR, VECTOR], "the numbers"


@look("refused input")
def _():
    return raised(lambda: chat.invoke("please fail"), Exception)
