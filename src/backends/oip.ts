/**
 * Client of the Open Inference Protocol (KServe V2 over HTTP): infer, ready, metadata. Tensors go as JSON. An input
 * that is tensors already is passed on as it came and answered with the server's own answer; plain JSON is mapped
 * there and back (tensors.ts).
 * Source: kserve/open-inference-protocol, specification/protocol/inference_rest.md.
 */
import type { Outcome } from "../inferences/inference.ts";
import type { ClaimedBackend } from "../inferences/store.ts";
import { type BackendCall, type Fetch, type Protocol, type Readiness, exchange, garbage, refusal, rejected } from "./backend.ts";
import { fromTensors, inferRequest, itemsIn, readInferResponse, toTensors } from "./tensors.ts";

const READY_TIMEOUT_MS = 5_000;
const JSON_HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

export const oip: Protocol = {
  async infer(call: BackendCall, fetch: Fetch): Promise<Outcome> {
    const mapped = toTensors(JSON.parse(call.input));
    if (!mapped.ok) return rejected("input", "input_not_tensors", 422, `The input can't be given to a tensor model: ${mapped.detail}.`);
    const body = mapped.inputs ? inferRequest(mapped.inputs) : call.input;
    const exchanged = await exchange(
      fetch,
      `${modelUrl(call.backend, call.version)}/infer`,
      { method: "POST", headers: JSON_HEADERS, body },
      { timeoutMs: call.timeoutMs, letGo: call.letGo },
    );
    if ("outcome" in exchanged) return exchanged.outcome;
    const { answer } = exchanged;
    const parsed = parse(answer.text);
    const refused = refusal(answer, errorText(parsed));
    if (refused) return refused;
    if (parsed === undefined) return garbage("not JSON");
    const outputs = readInferResponse(parsed);
    if (typeof outputs === "string") return garbage(outputs);
    if (mapped.form.kind === "tensors") {
      return { kind: "done", output: { text: answer.text, contentType: "application/json", items: itemsIn(parsed) } };
    }
    const plain = fromTensors(outputs, mapped.form);
    if (!plain.ok) return garbage(plain.detail);
    return { kind: "done", output: { text: JSON.stringify(plain.value), contentType: "application/json", items: itemsIn(plain.value) } };
  },

  async ready(backend: ClaimedBackend, version: string, fetch: Fetch): Promise<Readiness> {
    const url = modelUrl(backend, version);
    const get = (address: string) => exchange(fetch, address, { method: "GET", headers: JSON_HEADERS }, { timeoutMs: READY_TIMEOUT_MS });
    const [ready, metadata] = await Promise.all([get(`${url}/ready`), get(url)]);
    const said = "answer" in metadata && metadata.answer.status === 200 ? (parse(metadata.answer.text) ?? null) : null;
    if ("outcome" in ready) return { ready: false, detail: messageOf(ready.outcome), metadata: said };
    const refused = refusal(ready.answer, errorText(parse(ready.answer.text)));
    return { ready: refused === null, detail: refused ? messageOf(refused) : null, metadata: said };
  },
};

function modelUrl(backend: ClaimedBackend, version: string): string {
  const model = `${backend.url}/v2/models/${encodeURIComponent(backend.remoteModel)}`;
  return version ? `${model}/versions/${encodeURIComponent(version)}` : model;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The protocol's `{"error": text}`. */
function errorText(body: unknown): string | null {
  if (typeof body !== "object" || body === null || !("error" in body)) return null;
  return typeof body.error === "string" ? body.error : null;
}

function messageOf(outcome: Outcome): string | null {
  return outcome.kind === "retry" || outcome.kind === "rejected" ? outcome.error.message : null;
}
