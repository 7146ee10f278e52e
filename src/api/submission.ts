/** What a client says of an inference that it submits, alone or among others. */
import * as z from "zod";
import { askedBy, canStream } from "../backends/openai-paths.ts";
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { metadataSchema } from "../http/filter.ts";
import { instantSchema, time } from "../http/time.ts";
import { wholeIn } from "../http/range.ts";
import type { KeyCall } from "../http/route.ts";
import { submitterOf, webhookOf } from "../http/vetted.ts";
import { retryOf } from "../inferences/retry.ts";
import type { Submission } from "../inferences/submission.ts";
import { EVENTS } from "../inferences/webhook.ts";
import {
  BACKEND_TIMEOUT_SECONDS,
  CANCEL_AFTER_SECONDS,
  INITIAL_DELAY_MS,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_TIME_IN_QUEUE_SECONDS,
  NOT_BEFORE_MS,
  PAYLOAD_RETENTION_SECONDS,
  PRIORITY,
} from "../limits.ts";
import type { Fault } from "../problem.ts";
import { itemsIn } from "../tensors/plain.ts";
import { isObject } from "../tensors/tensor.ts";

const within = (range: readonly [number, number]) => wholeIn(range).optional();

export const submissionSchema = z.lazy(() =>
  z
    .strictObject({
      model: z.string().min(1).max(128),
      version: z.string().min(1).max(128).optional().describe("The model's default version by default."),
      // JSON.parse has made it, so there is nothing to check but that it is there.
      input: z
        .unknown()
        .refine((input) => input !== undefined, "is missing")
        .describe("Any JSON; what the model takes."),
      priority: within(PRIORITY.range).describe(`0 goes first; ${PRIORITY.default} by default.`),
      max_time_in_queue_seconds: within(MAX_TIME_IN_QUEUE_SECONDS.range).describe(
        `It expires if it has not started by then; ${MAX_TIME_IN_QUEUE_SECONDS.default} by default.`,
      ),
      run_within_seconds: within(BACKEND_TIMEOUT_SECONDS.range).describe("Of one attempt; the backend's timeout by default."),
      retry: z
        .strictObject({
          max_attempts: within(MAX_ATTEMPTS.range).describe(`The first counts; ${MAX_ATTEMPTS.default} by default.`),
          initial_delay_ms: within(INITIAL_DELAY_MS.range).describe(`${INITIAL_DELAY_MS.default} by default.`),
          max_delay_ms: within(MAX_DELAY_MS.range).describe(`${MAX_DELAY_MS.default} by default.`),
        })
        .optional()
        .describe("How often and how soon it is tried again."),
      cancel_after_seconds: within(CANCEL_AFTER_SECONDS.range).describe("It is canceled so long after the submit; never by default."),
      not_before: instantSchema
        .refine((at) => at <= Date.now() + NOT_BEFORE_MS, {
          error: ({ input }) => `must be within ${NOT_BEFORE_MS / 86_400_000} days from now, and is ${time(Number(input))}`,
        })
        .optional()
        .describe("It is not begun before then; its time in the queue counts from there. At once by default."),
      retention_seconds: within(PAYLOAD_RETENTION_SECONDS.range).describe(
        "How long input and output are kept after its end; never longer than the account's retention.",
      ),
      stream: z
        .boolean()
        .optional()
        .describe(
          "Its output is kept while it comes, to be read from `urls.stream`. By default as the `stream` of an input of a text model says.",
        ),
      metadata: metadataSchema.optional().describe("The client's own words, up to 16 entries."),
      webhook: z
        .strictObject({
          url: z.string(),
          events: z.array(z.enum(EVENTS)).min(1).optional().describe("How it ended by default."),
        })
        .optional()
        .describe("A URL that gets its events."),
    })
    .refine(mayBegin, {
      path: ["cancel_after_seconds"],
      error: "must be later than `not_before`: it would be canceled before it may begin",
    }),
);

/** Whether it may begin before it is canceled. */
function mayBegin({
  cancel_after_seconds: seconds,
  not_before: at,
}: {
  cancel_after_seconds?: number | undefined;
  not_before?: number | undefined;
}): boolean {
  return seconds === undefined || at === undefined || at < Date.now() + seconds * 1000;
}

/** Whether an input is the body of a call that its client would have streamed, had it been sent to the model's server. */
export function asksToStream(input: unknown): boolean {
  if (!isObject(input) || input["stream"] !== true) return false;
  return typeof input["text_input"] === "string" || canStream(askedBy("", input)?.what ?? "");
}

/** The submission that a body is. Throws what is wrong with its webhook. */
export async function submissionOf(
  call: KeyCall,
  body: z.infer<typeof submissionSchema>,
  idempotency: Submission["idempotency"],
): Promise<Submission> {
  return submissionBy(submitterOf(call), body, idempotency, body.webhook && (await webhookIn(call, body.webhook)));
}

/** What a body has said of its webhook, judged; `path` is where the body stands in the request's. */
export const webhookIn = (
  call: KeyCall,
  { url, events }: NonNullable<z.infer<typeof submissionSchema>["webhook"]>,
  path: Fault["path"] = [],
) => webhookOf(call, url, [...path, "webhook", "url"], events);

/** The submission that a body is, whose webhook was judged. */
export function submissionBy(
  submitter: ReturnType<typeof submitterOf>,
  body: z.infer<typeof submissionSchema>,
  idempotency: Submission["idempotency"],
  webhook: Submission["webhook"],
  path: Fault["path"] = [],
): Submission {
  return {
    ...submitter,
    dialect: "claimcheck",
    model: body.model,
    version: body.version,
    input: { body: writeJson(body.input), contentType: JSON_TYPE },
    inputPath: [...path, "input"],
    given: { value: body.input },
    inputItems: itemsIn(body.input),
    priority: body.priority,
    maxTimeInQueueSeconds: body.max_time_in_queue_seconds,
    runWithinSeconds: body.run_within_seconds,
    retry: retryOf(body.retry),
    cancelAfterSeconds: body.cancel_after_seconds,
    notBefore: body.not_before,
    retentionSeconds: body.retention_seconds,
    resumable: body.stream ?? asksToStream(body.input),
    metadata: body.metadata,
    webhook,
    idempotency,
  };
}
