/**
 * A server of the OpenAI API, such as vLLM: an inference's input is the body of a chat completion. It is asked for the
 * model by the name that the server knows it by, and never for a stream: an inference has one output.
 * Source: openai/openai-openapi, `POST /v1/chat/completions`.
 */
import type { Outcome } from "./outcome.ts";
import { type Protocol, askReady, exchange, garbage, jsonOf, reasonIn, refusal, rejected, textOf } from "./backend.ts";

const JSON_HEADERS = { "Content-Type": "application/json", Accept: "application/json" };

export const openai: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const input: unknown = JSON.parse(call.input);
    if (typeof input !== "object" || input === null || !("messages" in input) || !Array.isArray(input.messages)) {
      return rejected("input", "input_not_chat", 422, "The input of a chat model must be an object with `messages`.");
    }
    const body = JSON.stringify({ ...input, model: call.backend.remoteModel, stream: false });
    const exchanged = await exchange(
      outside,
      `${call.backend.url}/v1/chat/completions`,
      { method: "POST", headers: JSON_HEADERS, body },
      call,
    );
    if ("outcome" in exchanged) return exchanged.outcome;
    const { answer } = exchanged;
    const parsed = jsonOf(answer);
    const refused = refusal(answer, reasonIn(parsed));
    if (refused) return refused;
    if (typeof parsed !== "object" || parsed === null || !("choices" in parsed) || !Array.isArray(parsed.choices))
      return garbage("no choices");
    return { kind: "done", output: { body: textOf(answer), contentType: "application/json", items: 1 } };
  },

  ready({ backend, ...bounds }, outside) {
    return askReady(outside, `${backend.url}/v1/models`, bounds);
  },

  async describe() {
    return null;
  },
};
