/** What Replicate's wire takes and answers. The members are the published ones; where Replicate publishes no form, `replicate.ts` says what was decided. */
import * as z from "zod";
import { NOT_MODIFIED } from "../../http/answer.ts";
import type { RouteShape } from "../../http/route.ts";
import { EVENTS_TYPE } from "../../http/sse.ts";
import { instantSchema } from "../../http/time.ts";
import { CURSOR_CHARACTERS, JSON_BODY_BYTES, WEBHOOK_URL_CHARACTERS } from "../../limits.ts";
import { isObject } from "../../tensors/tensor.ts";

export const ROOT = "/replicate/v1";

/** The version of a model that has none, as Replicate shows those of official models. */
export const NO_VERSION = "hidden";

/** A page of any of their lists. */
export const PAGE_ITEMS = 100;

export const errorSchema = z.lazy(() =>
  z.object({
    title: z.string().describe("What kind of error it is, for people."),
    detail: z.string().describe("What happened and what is wanted, for people."),
    status: z.int().describe("The HTTP status."),
    invalid_fields: z
      .array(
        z.object({
          type: z.literal("invalid"),
          field: z.string().describe("The member at fault, such as `input.prompt`; empty if it is the whole body."),
          description: z.string().describe("What is wanted there."),
        }),
      )
      .optional()
      .describe("Every fault of the body or the query."),
  }),
);

const predictionStatus = z
  .enum(["starting", "processing", "succeeded", "failed", "canceled"])
  .describe("Where the prediction stands; the last three are final.");
export type PredictionStatus = z.infer<typeof predictionStatus>;

const timestamp = z.iso.datetime();

const predictionSchema = z.lazy(() =>
  z.object({
    id: z.uuid().describe("The prediction's id."),
    model: z.string().describe("The model's name."),
    version: z.string().describe("The model's version; `hidden` if it has none."),
    input: z.record(z.string(), z.unknown()).describe("What the model was given; empty once it was removed."),
    output: z.unknown().describe("What the model gave: JSON as it is, files as links that need no key; null until there is one."),
    logs: z.string().describe("The lines that the model has logged."),
    error: z.string().nullable().describe("Why it failed; null if it has not."),
    status: predictionStatus,
    data_removed: z.boolean().describe("Whether its input and output were removed."),
    source: z.literal("api").describe("Where it was created."),
    created_at: timestamp.describe("When it was created."),
    started_at: timestamp.nullable().describe("When its first attempt began."),
    completed_at: timestamp.nullable().describe("When it ended, in whatever status."),
    deadline: timestamp.optional().describe("When it is canceled, if its `Cancel-After` says so and it has not ended."),
    metrics: z
      .object({
        predict_time: z.number().optional().describe("Seconds at the model's servers."),
        total_time: z.number().optional().describe("Seconds from its creation to its end."),
      })
      .describe("Empty until it has ended."),
    urls: z.object({
      get: z.url().describe("Where the prediction is."),
      cancel: z.url().describe("Where a POST cancels it."),
      web: z.url().describe("Its page in the console, for people."),
      stream: z.string().optional().describe("Its output while it comes, as events; needs no key."),
    }),
  }),
);
export type ShownPrediction = Omit<z.infer<typeof predictionSchema>, "input" | "output">;

export const WEBHOOK_EVENTS = ["start", "output", "logs", "completed"] as const;

const newPrediction = {
  input: z
    .custom<Readonly<Record<string, unknown>>>(isObject, {
      error: ({ input }) => (input === undefined ? "is missing" : "must be an object"),
    })
    .describe("What the model takes: an object."),
  webhook: z
    .string()
    .min(1)
    .max(WEBHOOK_URL_CHARACTERS)
    .nullish()
    .describe("A URL that is sent the prediction when something happens to it."),
  webhook_events_filter: z.array(z.enum(WEBHOOK_EVENTS)).nullish().describe("What the webhook is told of; everything by default."),
  stream: z
    .boolean()
    .nullish()
    .describe("Whether the output is kept while it comes. By default it is for a text model, unless the call waits for the end."),
};

const createdSchema = z.lazy(() => z.object(newPrediction));
const createdByVersion = z.lazy(() =>
  z.object({
    version: z.string().min(1).max(400).describe("`owner/name`, `owner/name:version`, or a version alone, if only one model has it."),
    ...newPrediction,
  }),
);

const modelParam = z.object({ model: z.string().describe("The model's name, such as `owner/name`.") });
const idParam = z.object({ id: z.string().describe("The prediction's id.") });

const created = { 201: { description: "The prediction; with `Prefer: wait`, as it stands at its end.", json: predictionSchema } };

export const CREATE = {
  summary: "Create a prediction by a model's version.",
  body: { json: createdByVersion, limitBytes: JSON_BODY_BYTES },
  answers: created,
} as const satisfies RouteShape;

export const CREATE_BY_MODEL = {
  summary: "Create a prediction by a model's default version.",
  params: modelParam,
  body: { json: createdSchema, limitBytes: JSON_BODY_BYTES },
  answers: created,
} as const satisfies RouteShape;

export const CREATE_BY_DEPLOYMENT = {
  ...CREATE_BY_MODEL,
  summary: "Create a prediction by a deployment: the model of that name.",
} as const;
export type NewPrediction = z.infer<z.ZodObject<typeof newPrediction>>;

export const GET = {
  summary: "Get a prediction.",
  beside: true,
  params: idParam,
  answers: { 200: { description: "The prediction.", json: predictionSchema }, 304: NOT_MODIFIED },
} as const satisfies RouteShape;

export const CANCEL = {
  summary: "Cancel a prediction.",
  params: idParam,
  answers: { 200: { description: "The prediction as it is now; one that has ended stays as it is.", json: predictionSchema } },
} as const satisfies RouteShape;

const cursor = z.string().max(CURSOR_CHARACTERS).optional().describe("As the `next` of the page before has it.");

/** A page of a list. */
export const pageOf = <T extends z.ZodType>(results: T) =>
  z.lazy(() =>
    z.object({
      next: z.url().nullable().describe("The address of the next page; null on the last."),
      previous: z.null().describe("Pages are read from the first on."),
      results: z.array(results).describe("What is on the page."),
    }),
  );

export const pageQuery = z.object({ cursor });

export const LIST = {
  summary: "List predictions, newest first.",
  query: z.lazy(() =>
    pageQuery.extend({
      created_after: instantSchema.optional().describe("Only those created then or later."),
      created_before: instantSchema.optional().describe("Only those created before."),
      source: z.enum(["web", "api"]).optional().describe("`web`: none, since every prediction comes by the API."),
    }),
  ),
  answers: { 200: { description: "A page of predictions.", json: pageOf(predictionSchema) } },
} as const satisfies RouteShape;

export const STREAM = {
  summary: "Follow a prediction by its `urls.stream`.",
  params: z.object({ token: z.string().describe("What the link was made with.") }),
  answers: {
    200: { description: "Events, until the end: `output`, `logs`, `error` and `done`.", other: { [EVENTS_TYPE]: "The events." } },
    204: { description: "It has ended, and the client has all of it." },
  },
} as const satisfies RouteShape;

export const GET_ACCOUNT = {
  summary: "Get the account of the key.",
  answers: {
    200: {
      description: "The account.",
      json: z.lazy(() =>
        z.object({
          type: z.literal("organization"),
          username: z.string().describe("The account's id."),
          name: z.string().describe("The account's name."),
        }),
      ),
    },
  },
} as const satisfies RouteShape;

export const GET_SECRET = {
  summary: "Get the secret that webhooks are signed with, if the account has never seen it.",
  answers: { 200: { description: "The secret.", json: z.object({ key: z.string().describe("`whsec_` and base64.") }) } },
} as const satisfies RouteShape;
