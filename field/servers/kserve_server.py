"""KServe's Python server with a model of its own, in the Open Inference Protocol."""

import os

from kserve import InferOutput, InferResponse, Model, ModelServer
from work import work


class Upper(Model):
    def __init__(self):
        super().__init__("upper")
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        inputs = {each.name: each for each in payload.inputs}
        if "text" not in inputs:
            outputs = [InferOutput(each.name, each.shape, each.datatype, each.data) for each in payload.inputs]
            return InferResponse(response_id=payload.id or "1", model_name=self.name, infer_outputs=outputs)

        def text_of(name):
            value = inputs[name].data[0] if name in inputs else ""
            return value.decode() if isinstance(value, bytes) else value

        seconds = float(inputs["seconds"].data[0]) if "seconds" in inputs else 0
        answer = work(text_of("text"), seconds, text_of("fail"))
        output = InferOutput("text", [1], "BYTES", [answer])
        return InferResponse(response_id=payload.id or "1", model_name=self.name, infer_outputs=[output])


port = int(os.environ["PORT"])
ModelServer(http_port=port, grpc_port=port + 1, enable_grpc=False).start([Upper()])
