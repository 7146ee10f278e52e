"""Triton's HTTP client, blocking and asyncio, for what its published examples don't ask; and those examples unchanged."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import tritonclient.http as http
import tritonclient.http.aio as aio
from looks import KEY, URL, look, raised, say

host = URL.removeprefix("http://")


def key():
    """Made for each call, since the client writes headers of its own into what it is given, and they would go on to the next."""
    return {"Authorization": f"Bearer {KEY}"}


client = http.InferenceServerClient(host, concurrency=4)


def inputs(kind, binary):
    first, second = kind.InferInput("INPUT0", [1, 16], "INT32"), kind.InferInput("INPUT1", [1, 16], "INT32")
    first.set_data_from_numpy(np.arange(16, dtype=np.int32).reshape(1, 16), binary_data=binary)
    second.set_data_from_numpy(np.ones((1, 16), dtype=np.int32), binary_data=binary)
    return [first, second]


def outputs(kind, binary):
    return [kind.InferRequestedOutput(name, binary_data=binary) for name in ("OUTPUT0", "OUTPUT1")]


def right(result):
    return (result.as_numpy("OUTPUT0") == np.arange(16) + 1).all() and (result.as_numpy("OUTPUT1") == np.arange(16) - 1).all()


@look("infer, raw and JSON")
def _():
    both = [client.infer("simple", inputs(http, raw), outputs=outputs(http, raw), headers=key()) for raw in (True, False)]
    return all(right(result) for result in both), "sums and differences, both ways"


@look("infer, compressed")
def _():
    result = client.infer("simple", inputs(http, True), headers=key(), request_compression_algorithm="gzip", response_compression_algorithm="gzip")
    return right(result), "sums and differences; request zipped, answer asked for so"


@look("aio")
def _():
    async def all_of_it():
        async with aio.InferenceServerClient(host) as there:
            answers = await asyncio.gather(*[there.infer("simple", inputs(aio, True), headers=key()) for _ in range(8)])
            return await there.is_model_ready("simple", headers=key()), all(right(answer) for answer in answers)

    return asyncio.run(all_of_it()) == (True, True), "eight at once, all right"


@look("metadata")
def _():
    server, model = client.get_server_metadata(headers=key()), client.get_model_metadata("simple", headers=key())
    good = model["name"] == "simple" and [t["datatype"] for t in model["inputs"]] == ["INT32", "INT32"]
    return good, f"server {server['name']} with {', '.join(server['extensions'])}; the model's tensors"


@look("unknown model")
def _():
    return raised(lambda: client.infer("nothing", inputs(http, True), headers=key()), http.InferenceServerException)


@look("without a key")
def _():
    return raised(lambda: client.infer("simple", inputs(http, True)), http.InferenceServerException)


@look("wrong shape")
def _():
    wrong = http.InferInput("INPUT0", [1, 17], "INT32")
    wrong.set_data_from_numpy(np.ones((1, 17), dtype=np.int32), binary_data=False)
    wrong.set_shape([1, 16])
    return raised(lambda: client.infer("simple", [wrong], headers=key()), http.InferenceServerException)


@look("statistics")
def _():
    def counted():
        (model,) = client.get_inference_statistics("simple", headers=key())["model_stats"]
        return model["inference_stats"]

    before = counted()
    client.infer("simple", inputs(http, True), headers=key())
    after = counted()
    more = {part: after[part]["count"] - before[part]["count"] for part in ("success", "fail", "queue", "compute_infer")}
    models = client.get_inference_statistics(headers=key())["model_stats"]
    good = more == {"success": 1, "fail": 0, "queue": 1, "compute_infer": 1} and "simple" in [model["name"] for model in models]
    return good and after["success"]["ns"] > before["success"]["ns"], "one inference more counts as one success; those of all models at once too"


# The examples as published, through a proxy that adds the key: some take no header, and the others leave it out of their last call.
keyed = os.environ["KEYED_URL"].removeprefix("http://")
for file in sorted(Path(os.environ["TRITON_EXAMPLES"]).glob("simple_http_*.py")):
    if any(word in file.name for word in ("shm", "sequence", "model_control")):
        continue  # a GPU server's own business
    ran = subprocess.run([sys.executable, str(file), "-u", keyed], capture_output=True, text=True, timeout=60)
    last = ((ran.stderr if ran.returncode else ran.stdout).strip() or ran.stdout.strip()).splitlines()
    say(f"example {file.stem}", ran.returncode == 0, f"exit {ran.returncode}: {last[-1] if last else ''}"[:300])
