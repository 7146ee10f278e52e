/**
 * Any server that takes JSON by POST at one URL and answers with JSON or bytes: a Truss `/predict`, a Cog
 * `/predictions`, a function. The input goes as it came and the answer comes back as it is, with its content type, of any
 * size: what is not small goes into the bucket while it comes. JSON is looked at, and refused where it is none, up to the
 * size that may be parsed at all. Of a multipart answer the first part of JSON is the output, and each other one an
 * object of its own beside it; so are the fields of JSON that the model's setting says are files.
 * Such a server has no health address that we could know; it counts as ready as soon as it answers anything at all.
 */
import { JSON_TYPE, isJson } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES } from "../limits.ts";
import { itemsIn } from "../tensors/plain.ts";
import {
  type Protocol,
  type TakenIn,
  answerOf,
  connect,
  exchange,
  garbage,
  inputText,
  jsonOf,
  parsed,
  reasonIn,
  refusal,
} from "./backend.ts";
import type { Outcome } from "./outcome.ts";

/** Of a multipart answer: its JSON is the output; where it has none, a list of its parts is. */
async function partsOutcome({ json, parts, discard }: Extract<TakenIn, { parts: unknown }>): Promise<Outcome> {
  const listed = parts.map(({ name, contentType, bytes }) => ({ name, content_type: contentType, bytes }));
  const body = json === null ? writeJson({ parts: listed }) : new TextDecoder().decode(json);
  const value = parsed(body);
  if (value === undefined) {
    await discard();
    return garbage("what is said to be JSON is none");
  }
  return { kind: "done", output: { body, contentType: JSON_TYPE, items: json === null ? parts.length : itemsIn(value), parts } };
}

export const http: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const headers = { "Content-Type": "application/json", Accept: "*/*" };
    const question = { method: "POST", headers, body: inputText(call.input) };
    const answer = await connect(outside, call.backend.url, question, call, async (response, over) => {
      if (!response.ok) return answerOf(response, outside, call);
      const contentType = response.headers.get("content-type") ?? "application/octet-stream";
      const taken = await call.takeIn(response, isJson(contentType) ? BACKEND_ANSWER_BYTES : INLINE_BYTES, over);
      return { contentType, taken };
    });
    if ("outcome" in answer) return answer.outcome;
    if ("answer" in answer) {
      const said = isJson(answer.answer.headers.get("content-type") ?? "") ? jsonOf(answer.answer) : undefined;
      return refusal(answer.answer, reasonIn(said)) ?? garbage("neither a success nor a refusal");
    }
    const { contentType, taken } = answer;
    if ("failed" in taken) throw taken.failed;
    if ("garbage" in taken) return garbage(taken.garbage);
    if ("parts" in taken) return partsOutcome(taken);
    if ("kept" in taken) return { kind: "kept", kept: taken.kept, items: 1 };
    if (!isJson(contentType)) return { kind: "done", output: { body: taken.bytes, contentType, items: 1 } };
    const body = new TextDecoder().decode(taken.bytes);
    const value = parsed(body);
    if (value === undefined) return garbage("said to be JSON, but it is not");
    return { kind: "done", output: { body, contentType, items: itemsIn(value) } };
  },

  async ready({ backend, ...bounds }, outside) {
    const asked = await exchange(outside, backend.url, { method: "GET", headers: {} }, bounds);
    if ("answer" in asked && asked.answer.status !== 502 && asked.answer.status !== 503 && asked.answer.status !== 504) {
      return { ready: true, detail: null };
    }
    const refused = "outcome" in asked ? asked.outcome : refusal(asked.answer, null);
    return { ready: false, detail: refused && "error" in refused ? refused.error.message : null };
  },

  async describe() {
    return null;
  },
};
