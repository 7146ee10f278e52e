"""A model of Triton's Python backend that streams: decoupled, and between its words it asks whether its client has left, as documented."""

import numpy as np
import triton_python_backend_utils as triton
from work import words


class TritonPythonModel:
    def execute(self, requests):
        for request in requests:
            inputs = {tensor.name(): tensor.as_numpy() for tensor in request.inputs()}
            seconds = float(inputs["seconds"][0]) if "seconds" in inputs else 0
            sender = request.get_response_sender()
            for word in words(inputs["text_input"][0].decode(), seconds):
                if sender.is_cancelled():
                    break
                sender.send(triton.InferenceResponse([triton.Tensor("text_output", np.array([word.encode()], dtype=object))]))
            sender.send(flags=triton.TRITONSERVER_RESPONSE_COMPLETE_FINAL)
