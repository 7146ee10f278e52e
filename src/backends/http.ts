/**
 * Any server that takes JSON by POST at one URL and answers with JSON or bytes: a Truss `/predict`, a Cog
 * `/predictions`, a function. The input goes as it came and the answer comes back as it is, with its content type.
 * Such a server has no health address that we could know; it counts as ready as soon as it answers anything at all.
 */
import { isJson } from "../content.ts";
import type { Outcome } from "./outcome.ts";
import { type Protocol, exchange, garbage, inputText, jsonOf, reasonIn, refusal, textOf } from "./backend.ts";
import { itemsIn } from "../tensors/plain.ts";

export const http: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const headers = { "Content-Type": "application/json", Accept: "*/*" };
    const exchanged = await exchange(outside, call.backend.url, { method: "POST", headers, body: inputText(call.input) }, call);
    if ("outcome" in exchanged) return exchanged.outcome;
    const { answer } = exchanged;
    const contentType = answer.headers.get("content-type") ?? "application/octet-stream";
    const parsed = isJson(contentType) ? jsonOf(answer) : undefined;
    const refused = refusal(answer, reasonIn(parsed));
    if (refused) return refused;
    if (!isJson(contentType)) return { kind: "done", output: { body: answer.bytes, contentType, items: 1 } };
    if (parsed === undefined) return garbage("said to be JSON, but it is not");
    return { kind: "done", output: { body: textOf(answer), contentType, items: itemsIn(parsed) } };
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
