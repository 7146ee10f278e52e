/**
 * Client of the Open Inference Protocol (KServe V2 over HTTP): infer, ready, metadata. Tensors go as JSON. An input
 * that is tensors already is passed on as it came and answered with the server's own answer; plain JSON is mapped
 * there and back (tensors.ts).
 * Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md.
 */
import type { Outcome } from "./outcome.ts";
import { type Protocol, type Server, askReady, exchange, garbage, jsonOf, parsed, reasonIn, refusal, rejected, textOf } from "./backend.ts";
import { fromTensors, inferRequest, itemsIn, readInferResponse, toTensors } from "./tensors.ts";

const JSON_HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

export const oip: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const mapped = toTensors(JSON.parse(call.input));
    if (!mapped.ok) return rejected("input", "input_not_tensors", 422, `The input can't be given to a tensor model: ${mapped.detail}.`);
    const body = mapped.inputs ? inferRequest(mapped.inputs) : call.input;
    const exchanged = await exchange(
      outside,
      `${modelUrl(call.backend, call.version)}/infer`,
      { method: "POST", headers: JSON_HEADERS, body },
      call,
    );
    if ("outcome" in exchanged) return exchanged.outcome;
    const { answer } = exchanged;
    const said = jsonOf(answer);
    const refused = refusal(answer, reasonIn(said));
    if (refused) return refused;
    if (said === undefined) return garbage("not JSON");
    const outputs = readInferResponse(said);
    if (typeof outputs === "string") return garbage(outputs);
    if (mapped.form.kind === "tensors") {
      return { kind: "done", output: { body: textOf(answer), contentType: "application/json", items: itemsIn(said) } };
    }
    const plain = fromTensors(outputs, mapped.form);
    if (!plain.ok) return garbage(plain.detail);
    return { kind: "done", output: { body: JSON.stringify(plain.value), contentType: "application/json", items: itemsIn(plain.value) } };
  },

  ready({ backend, version, ...bounds }, outside) {
    return askReady(outside, `${modelUrl(backend, version)}/ready`, bounds);
  },

  async describe({ backend, version, ...bounds }, outside) {
    const described = await exchange(outside, modelUrl(backend, version), { method: "GET", headers: JSON_HEADERS }, bounds);
    if ("outcome" in described || described.answer.status !== 200) return null;
    return parsed(described.answer.conceal(textOf(described.answer))) ?? null;
  },
};
function modelUrl(backend: Server, version: string): string {
  const model = `${backend.url}/v2/models/${encodeURIComponent(backend.remoteModel)}`;
  return version ? `${model}/versions/${encodeURIComponent(version)}` : model;
}
