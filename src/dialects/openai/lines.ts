/** What a line of a batch asks for, and how its answer looks, in OpenAI's API. */
import type * as z from "zod";
import { CHAT, COMPLETIONS, EMBEDDINGS, itemsAsked } from "../../backends/openai-paths.ts";
import type { BatchWire, LineAnswer } from "../../batches/wire.ts";
import { JSON_TYPE } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { read } from "../../http/faults.ts";
import { MESSAGE_CHARACTERS, UPSTREAM_CHARACTERS } from "../../limits.ts";
import { problem } from "../../problem.ts";
import { isObject } from "../../tensors/tensor.ts";
import { type ApiError, bodyOf, canceled, errorOfFailure, errorOfProblem, otherAnswer } from "./present.ts";
import { CHAT_COMPLETION, EMBED, TEXT_COMPLETION } from "./schemas.ts";

interface Endpoint {
  readonly capability: string;
  readonly schema: z.ZodType<{ model: string }>;
  readonly items: (body: Readonly<Record<string, unknown>>) => number;
  /** The member that an answer has, what those without it are not, and the code that says so. */
  readonly answer: readonly [member: string, wanted: string, code: string];
}

const COMPLETION = ["choices", "chat completions", "not_a_chat_model"] as const;

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "/v1/chat/completions": { capability: CHAT, schema: CHAT_COMPLETION.body.json, items: () => 1, answer: COMPLETION },
  "/v1/completions": {
    capability: COMPLETIONS,
    schema: TEXT_COMPLETION.body.json,
    items: ({ prompt }) => itemsAsked(prompt),
    answer: COMPLETION,
  },
  "/v1/embeddings": {
    capability: EMBEDDINGS,
    schema: EMBED.body.json,
    items: ({ input }) => itemsAsked(input),
    answer: ["data", "embeddings", "not_an_embedding_model"],
  },
};

/** Those that batches may be of. */
export const BATCH_ENDPOINTS = Object.keys(ENDPOINTS);

function endpointOf(endpoint: string): Endpoint {
  const known = ENDPOINTS[endpoint];
  if (!known) throw new Error(`no endpoint of batches: ${endpoint}`);
  return known;
}

/** A message of a line is as short as one of an inference. */
const answerOf = (error: ApiError): LineAnswer => ({
  status: error.status,
  body: bodyOf({
    ...error,
    message: error.message.slice(0, MESSAGE_CHARACTERS),
    param: error.param?.slice(0, UPSTREAM_CHARACTERS) ?? null,
  }),
});

export const batchWire: BatchWire = {
  capabilityOf: (endpoint) => ENDPOINTS[endpoint]?.capability ?? null,
  ask(endpoint, body) {
    const { schema, capability, items } = endpointOf(endpoint);
    const checked = read(schema, body, "body");
    if (!checked.ok) throw problem("invalid_input", { faults: checked.faults });
    if (body["stream"] === true)
      throw problem("invalid_input", { faults: [{ path: ["stream"], detail: "must be false or left out in a batch" }] });
    return {
      dialect: "openai",
      model: checked.value.model,
      capability,
      input: { body: writeJson(body), contentType: JSON_TYPE },
      given: { value: body },
      inputItems: items(body),
    };
  },
  refused: (refused) => answerOf(errorOfProblem(refused)),
  failed: (error) => answerOf(error ? errorOfFailure(error) : canceled()),
  succeeded(endpoint, { id, model }, output) {
    const [member, wanted, code] = endpointOf(endpoint).answer;
    if (!isObject(output) || !Array.isArray(output[member])) return answerOf(otherAnswer(model, id, wanted, code));
    return { status: 200, body: { ...output, model } };
  },
};
