"""A model of Triton's Python backend: texts in, texts out, and the types of tensors as they came."""

import numpy as np
import triton_python_backend_utils as triton
from work import work


class TritonPythonModel:
    def execute(self, requests):
        return [triton.InferenceResponse(self.answer(request)) for request in requests]

    def answer(self, request):
        inputs = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
        if "text" not in inputs:
            return [triton.Tensor(name, value) for name, value in inputs.items()]
        fail = inputs["fail"][0].decode() if "fail" in inputs else ""
        seconds = float(inputs["seconds"][0]) if "seconds" in inputs else 0
        answer = work(inputs["text"][0].decode(), seconds, fail, request.is_cancelled)
        return [triton.Tensor("text", np.array([answer.encode()], dtype=object))]
