"""A model of MLServer: texts in, texts out, and the types of tensors as they came."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse
from work import work


class Upper(MLModel):
    async def load(self):
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {each.name: each for each in payload.inputs}
        if "text" not in inputs:
            outputs = [NumpyCodec.encode_output(each.name, NumpyCodec.decode_input(each)) for each in payload.inputs]
            return InferenceResponse(model_name=self.name, outputs=outputs)

        def first(name, default):
            return NumpyCodec.decode_input(inputs[name]).ravel()[0] if name in inputs else default

        text = StringCodec.decode_input(inputs["text"])[0]
        fail = StringCodec.decode_input(inputs["fail"])[0] if "fail" in inputs else ""
        answer = work(text, float(first("seconds", 0)), fail)
        return InferenceResponse(model_name=self.name, outputs=[StringCodec.encode_output("text", [answer])])
