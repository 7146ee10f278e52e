/** What the Open Inference Protocol takes and answers, as its files have it, and Triton's additions. */
import * as z from "zod";
import { HEAD_LENGTH } from "../../backends/oip.ts";
import type { RouteShape } from "../../http/route.ts";
import { GENERATE_ID_CHARACTERS } from "../../limits.ts";

export const errorSchema = z.object({ error: z.string().describe("What happened and what is wanted, for people.") });

const metadataSchema = z.lazy(() =>
  z.object({
    name: z.string().describe("The server's name."),
    version: z.string().describe("The server's version."),
    extensions: z.array(z.string()).describe("The extensions of the protocol that it offers."),
  }),
);
export type ServerMetadata = z.infer<typeof metadataSchema>;

const tensorHeads = z.lazy(() =>
  z.array(
    z.object({
      name: z.string().describe("The tensor's name."),
      datatype: z.string().describe("Its type, such as `FP32`."),
      shape: z.array(z.int()).describe("Its shape; -1 is any size."),
    }),
  ),
);
const described = {
  platform: z.string().describe("The framework that runs the model."),
  inputs: tensorHeads.describe("What it takes; empty if no backend says."),
  outputs: tensorHeads.describe("What it answers; empty if no backend says."),
  properties: z.record(z.string(), z.string()).describe("What else its backend says of it."),
};

/** What a server says of its model; what it says otherwise than the protocol has it is not taken over. */
export const descriptionSchema = z.lazy(() =>
  z.object({
    platform: described.platform.optional().catch(undefined),
    inputs: tensorHeads.optional().catch(undefined),
    outputs: tensorHeads.optional().catch(undefined),
    properties: described.properties.optional().catch(undefined),
  }),
);
export type Description = z.infer<typeof descriptionSchema>;

const name = z.string().describe("The model's name.");
const modelSchema = z.object({
  name,
  versions: z.array(z.string()).describe("Its versions; empty if it has none."),
  ...described,
  properties: described.properties.optional(),
});
export type ShownModel = z.infer<typeof modelSchema>;

/** A refusal, or why the model or the server is not ready. */
const notReadySchema = errorSchema.extend({
  name: name.optional(),
  ready: z.literal(false).optional().describe("Left out if the call itself could not be answered."),
});
export type NotReady = z.infer<typeof notReadySchema>;
const notReady = { description: "No backend takes work for it.", json: notReadySchema };
/** To a client that repeats it without waiting (repeats.ts), or is over its limit. */
const askedTooOften = {
  description: "The same, or the key's limit, to a client that asks too often.",
  json: z.union([notReadySchema, errorSchema]),
};

const parameters = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe("Parameters of the protocol, of an extension, or of the model.");
const tensor = z.lazy(() =>
  z.looseObject({
    name: z.string().describe("The tensor's name."),
    shape: z.array(z.number()).describe("Its shape."),
    datatype: z.string().describe("Its type, such as `FP32`."),
    parameters: parameters.optional(),
    data: z.unknown().describe("Its elements, nested or flat; left out if they follow in binary form."),
  }),
);

const inferRequest = z.lazy(() =>
  z.looseObject({
    id: z.string().optional().describe("Comes back with the answer."),
    parameters: parameters.optional(),
    inputs: z.array(tensor).describe("The input tensors."),
    outputs: z
      .array(z.looseObject({ name: z.string().describe("The tensor's name."), parameters: parameters.optional() }))
      .optional()
      .describe("The output tensors that are wanted; all if it is left out."),
  }),
);

const inferResponse = z.lazy(() =>
  z.object({
    model_name: name,
    model_version: z.string().optional().describe("The version that answered, if the model has any."),
    id: z.string().optional().describe("The request's `id`."),
    parameters: parameters.optional(),
    outputs: z.array(tensor).describe("The output tensors."),
  }),
);

const acceptedSchema = z.lazy(() =>
  z.object({
    id: z.uuid().describe("The inference's id, for our own API."),
    model_name: name,
    model_version: z.string().optional().describe("The version that was asked, if the model has any."),
    status: z.string().describe("The inference's status, as in our own API."),
  }),
);
export type Accepted = z.infer<typeof acceptedSchema>;
const accepted = { description: "Accepted, with `Prefer: respond-async`.", json: acceptedSchema };

export const generateSchema = z.lazy(() =>
  z.looseObject({
    id: z.string().max(GENERATE_ID_CHARACTERS).nullish().describe("Comes back with the answer, and in each event of a stream."),
    text_input: z.string().describe("The text that the model continues."),
    parameters: z
      .looseObject({
        temperature: z.number().min(0).nullish().describe("How much chance there is in the choice of tokens."),
        top_p: z.number().min(0).max(1).nullish().describe("The share of likely tokens that are chosen from."),
        max_tokens: z.int().min(1).nullish().describe("Tokens of the answer at most; 20 by default."),
        stop: z
          .union([z.string(), z.array(z.string())])
          .nullish()
          .describe("Texts that end the answer."),
        details: z.boolean().nullish().describe("Whether the answer has details."),
      })
      .nullish()
      .describe("Further members reach the model as they are."),
  }),
);

const generateResponse = z.lazy(() =>
  z.looseObject({
    id: z.string().optional().describe("The request's `id`."),
    model_name: name,
    model_version: z.string().optional().describe("The version that answered, if the model has any."),
    text_output: z.string().describe("The text."),
  }),
);

export const GET_SERVER = {
  summary: "Get the server's name and its extensions.",
  answers: { 200: { description: "The server.", json: metadataSchema } },
} as const satisfies RouteShape;

export const GET_LIVE = {
  summary: "Ask whether the server runs.",
  answers: { 200: { description: "It runs.", json: z.lazy(() => z.object({ live: z.boolean().describe("Always true.") })) } },
} as const satisfies RouteShape;

export const GET_READY = {
  summary: "Ask whether every model that has backends is ready.",
  answers: {
    200: { description: "They are.", json: z.lazy(() => z.object({ ready: z.boolean().describe("Always true.") })) },
    429: askedTooOften,
    503: notReady,
  },
} as const satisfies RouteShape;

export const LIST_MODELS = {
  summary: "List the names of the models.",
  answers: {
    200: { description: "All names.", json: z.lazy(() => z.object({ models: z.array(z.string()).describe("The models' names.") })) },
  },
} as const satisfies RouteShape;

export const GET_MODEL = {
  summary: "Get a model's tensors.",
  answers: { 200: { description: "The model.", json: modelSchema } },
} as const satisfies RouteShape;

export const GET_MODEL_READY = {
  summary: "Ask whether a backend takes work for a model.",
  answers: {
    200: { description: "One does.", json: z.lazy(() => z.object({ name, ready: z.boolean().describe("Always true.") })) },
    429: askedTooOften,
    503: notReady,
  },
} as const satisfies RouteShape;

const duration = z.object({
  count: z.number().describe("How many times."),
  ns: z.number().describe("How long in all, in nanoseconds; of durations that were measured in milliseconds."),
});
export type Duration = z.infer<typeof duration>;
const unmeasured = duration.describe("Always 0: only the backend could measure it.");
const uncached = duration.describe("Always 0: no answer comes from a cache.");
const statisticsSchema = z.lazy(() =>
  z.object({
    model_stats: z
      .array(
        z.object({
          name,
          version: z.string().optional().describe("The version, if the model has any."),
          last_inference: z.number().describe("When the latest inference was submitted, in milliseconds since 1970; 0 if there is none."),
          inference_count: z.number().describe("Items of the inputs of the inferences that succeeded; a batch of four tensors is four."),
          execution_count: z.number().describe("Inferences that succeeded."),
          inference_stats: z.object({
            success: duration.describe("Inferences that succeeded, from submit to end."),
            fail: duration.describe("Inferences that failed, expired or were canceled, from submit to end."),
            queue: duration.describe("Of those that succeeded, the time in which no backend worked at them."),
            compute_input: unmeasured,
            compute_infer: duration.describe("Of those that succeeded, the time in which a backend worked at them, all attempts together."),
            compute_output: unmeasured,
            cache_hit: uncached,
            cache_miss: uncached,
          }),
          response_stats: z.record(z.string(), z.never()).describe("Always empty: responses of one inference are not told apart."),
          batch_stats: z.array(z.never()).describe("Always empty: the batches of a backend are its own."),
          memory_usage: z.array(z.never()).describe("Always empty: only the backend knows its memory."),
        }),
      )
      .describe("A model and version each."),
  }),
);
export type ShownStatistics = z.infer<typeof statisticsSchema>;

export const GET_STATISTICS = {
  summary: "Get what became of the account's inferences, by model and version: of its newest 1,000, all models together.",
  answers: { 200: { description: "The statistics.", json: statisticsSchema } },
} as const satisfies RouteShape;

const BINARY = `The JSON of a request, as long as \`${HEAD_LENGTH}\` says, then raw tensors (Triton's binary tensor data).`;

export const INFER = {
  summary: "Run an inference and wait for its output.",
  body: { raw: { "application/json": inferRequest, "application/octet-stream": BINARY } },
  answers: {
    200: {
      description: "The output tensors.",
      json: inferResponse,
      other: { "application/octet-stream": "The same with raw tensors, if the request asks for them." },
    },
    202: accepted,
  },
} as const satisfies RouteShape;

export const GENERATE_TEXT = {
  summary: "Generate text and wait for it.",
  body: { raw: { "application/json": generateSchema } },
  answers: { 200: { description: "The text.", json: generateResponse }, 202: accepted },
} as const satisfies RouteShape;

export const GENERATE_STREAM = {
  summary: "Generate text and stream it.",
  body: { raw: { "application/json": generateSchema } },
  answers: {
    200: { description: "A piece of the text in each event.", other: { "text/event-stream": "Each event is as `generate` answers." } },
  },
} as const satisfies RouteShape;
