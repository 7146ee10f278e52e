/** What OpenAI's wire takes and answers. Only what decides here is checked; all other members are the model server's to judge. */
import * as z from "zod";
import { modelWithSchema, modelsSchema } from "../../api/models.ts";
import type { RouteShape } from "../../http/route.ts";
import { JSON_BODY_BYTES } from "../../limits.ts";

export const errorSchema = z.lazy(() =>
  z.object({
    error: z.object({
      message: z.string().describe("What happened and what is wanted, for people."),
      type: z.string().describe("What kind of error it is, such as `invalid_request_error`."),
      param: z.string().nullable().describe("The first member at fault, such as `messages[0].role`."),
      code: z.string().nullable().describe("What happened, for programs; a refusing backend's own passes, a number of its as text."),
    }),
  }),
);

const model = z.string().min(1).max(128).describe("The model's name.");
const usage = z.lazy(() =>
  z
    .looseObject({
      prompt_tokens: z.number().optional().describe("Tokens of the prompt."),
      completion_tokens: z.number().optional().describe("Tokens of the answer."),
      total_tokens: z.number().optional().describe("Both together."),
    })
    .nullish()
    .describe("What was counted."),
);

const chatRequest = z.lazy(() =>
  z.looseObject({
    model,
    messages: z
      .array(z.looseObject({ role: z.string().min(1).describe("Whose message it is.") }))
      .min(1, "must hold at least one message")
      .describe("The messages so far."),
    stream: z.boolean().nullish().describe("Whether the answer comes as server-sent events."),
    stream_options: z
      .looseObject({ include_usage: z.boolean().nullish().describe("Whether the last chunk counts the tokens.") })
      .nullish()
      .describe("How it streams."),
  }),
);

const completion = z.looseObject({
  model: z.string().describe("The model's name, as it was asked for."),
  choices: z.array(z.unknown()).describe("What the model says."),
  usage,
});

export const CHAT_COMPLETION = {
  summary: "Complete a chat, whole or streamed.",
  body: { json: chatRequest, limitBytes: JSON_BODY_BYTES },
  answers: {
    200: {
      description: "The completion.",
      json: completion,
      other: { "text/event-stream": "With `stream`: its chunks, then `[DONE]`; an error object as the last event if it breaks off." },
    },
  },
} as const satisfies RouteShape;

const several = (items: string) =>
  z
    .union([z.string(), z.array(z.unknown()).min(1, "must hold at least one entry")], {
      error: ({ input }) => (input === undefined ? "is missing" : "must be a text or a list"),
    })
    .describe(items);

const textRequest = z.lazy(() =>
  z.looseObject({
    model,
    prompt: several("The text to go on from, or several, or in tokens."),
    stream: chatRequest.unwrap().shape.stream,
    stream_options: chatRequest.unwrap().shape.stream_options,
  }),
);

export const TEXT_COMPLETION = {
  ...CHAT_COMPLETION,
  summary: "Complete a text, whole or streamed.",
  body: { json: textRequest, limitBytes: JSON_BODY_BYTES },
} as const satisfies RouteShape;

export const EMBED = {
  summary: "Embed a text or several.",
  body: { json: z.looseObject({ model, input: several("The text, or several, or in tokens.") }), limitBytes: JSON_BODY_BYTES },
  answers: {
    200: {
      description: "The embeddings, in the order of the input.",
      json: z.lazy(() =>
        z.looseObject({
          model: z.string().describe("The model's name, as it was asked for."),
          data: z.array(z.unknown()).describe("One of each text: numbers or base64, as the model's server sends it."),
          usage,
        }),
      ),
    },
  },
} as const satisfies RouteShape;

export const LIST_MODELS = {
  summary: "List the models.",
  query: z.object({
    after: z.string().optional().describe("The `next_after` of the page before."),
    limit: z.string().optional().describe("Models of a page, from 1 to 100; all by default."),
  }),
  answers: { 200: { description: "The models, by name.", json: modelsSchema } },
} as const satisfies RouteShape;

export const GET_MODEL = {
  summary: "Get a model.",
  beside: true,
  params: z.object({ name: z.string().describe("The model's name.") }),
  answers: { 200: { description: "The model.", json: modelWithSchema } },
} as const satisfies RouteShape;
