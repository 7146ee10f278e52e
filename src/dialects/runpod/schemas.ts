/** What RunPod's wire takes and answers. The members are the published ones; where RunPod publishes no form, `runpod.ts` says what was decided. */
import * as z from "zod";
import { NOT_MODIFIED } from "../../http/answer.ts";
import type { RouteShape } from "../../http/route.ts";
import { JSON_BODY_BYTES } from "../../limits.ts";

/** How long a call may ask to wait, and for how long it does unless it says so; published, in ms. */
const WAIT_MS = { default: 90_000, range: [0, 300_000] } as const;
/** What a policy may ask for, as published, in ms. */
const EXECUTION_MS = [5_000, 604_800_000] as const;
const TTL_MS = [10_000, 604_800_000] as const;

export const errorSchema = z.object({ error: z.string().describe("What happened and what is wanted, for people.") });

const jobStatus = z
  .enum(["IN_QUEUE", "IN_PROGRESS", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"])
  .describe("Where the job stands. `TIMED_OUT` if it waited or ran for too long.");
export type JobStatus = z.infer<typeof jobStatus>;

const id = z.uuid().describe("The job's id.");

const jobSchema = z.lazy(() =>
  z.object({
    id,
    status: jobStatus,
    delayTime: z.int().optional().describe("How long it waited for its first start, in ms."),
    executionTime: z.int().optional().describe("How long it ran, in ms; once it has ended."),
    output: z
      .unknown()
      .optional()
      .describe("What the model gave, once it is `COMPLETED`; bytes and large ones as a link that needs no key."),
    error: z.string().optional().describe("Why it has failed or timed out."),
  }),
);
export type ShownJob = z.infer<typeof jobSchema>;

const streamSchema = z.lazy(() =>
  z.object({
    status: jobStatus.describe("Where the job stands; its last status once all was given, and then `FAILED` if it is cancelled."),
    stream: z
      .array(z.object({ output: z.unknown().describe("What the model said, or the whole output of one that does not stream.") }))
      .describe("The chunks that no call was given before; held for some seconds until there is one."),
    error: z.string().optional().describe("Why it has failed or timed out."),
  }),
);
export type ShownStream = z.infer<typeof streamSchema>;

const purgedSchema = z.object({
  removed: z.int().describe("How many jobs were cancelled."),
  status: z.enum(["completed", "partial"]).describe("`partial` if more wait: ask again."),
});
export type Purged = z.infer<typeof purgedSchema>;

const healthSchema = z.lazy(() =>
  z.object({
    jobs: z
      .object({
        completed: z.int().describe("Of the account's newest 1,000 jobs: those that are completed."),
        failed: z.int().describe("Of the same: those that ended otherwise."),
        inProgress: z.int().describe("Jobs of the model that run, of every account."),
        inQueue: z.int().describe("Jobs of the model that wait, of every account."),
        retried: z.int().describe("Always 0."),
      })
      .describe("Counts of jobs."),
    workers: z
      .object({
        idle: z.int().describe("Slots that are free."),
        initializing: z.int().describe("Always 0."),
        ready: z.int().describe("Slots of the backends that take work."),
        running: z.int().describe("Slots in which a job runs."),
        throttled: z.int().describe("Always 0."),
        unhealthy: z.int().describe("Always 0."),
      })
      .describe("Slots of the model's backends."),
  }),
);
export type Health = z.infer<typeof healthSchema>;

const ms = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).nullish();
/** A member that is refused for what it is. Null is as good as none. */
const refused = (why: string) => z.null({ error: () => why }).optional();

const runSchema = z.lazy(() =>
  z.object({
    // The parser has made it, so there is nothing to check but that it is there.
    input: z
      .unknown()
      .refine((input) => input !== undefined, "is missing")
      .describe("What the model takes: any JSON."),
    webhook: z.string().nullish().describe("A URL that is sent the job when it has ended."),
    policy: z
      .object({
        executionTimeout: ms(EXECUTION_MS).describe("How long one attempt may run, in ms; counts as 840,000 if it is more."),
        ttl: ms(TTL_MS).describe("How long after its submission the job may wait and run, in ms."),
        lowPriority: z.boolean().nullish().describe("Whether all other jobs go first."),
      })
      .nullish()
      .describe("How it is run."),
    s3Config: refused(
      "is not taken here, so that no secret of a bucket is stored: outputs are kept for you, and large ones come as links",
    ).describe("Refused."),
    webhookV2: refused('is not taken here: give the URL as "webhook"').describe("Refused."),
  }),
);

const waitMs = z
  .string()
  .refine((text) => /^\d{1,6}$/.test(text) && Number(text) <= WAIT_MS.range[1], `must be milliseconds from ${WAIT_MS.range.join(" to ")}`)
  .transform(Number);
const waitQuery = z.object({
  wait: waitMs.default(WAIT_MS.default).describe("For how long to wait for the end, in ms; counts as 60,000 if it is more."),
});
const streamQuery = z.object({
  wait: waitMs.optional().describe("For how long to wait for a chunk, in ms; counts as 60,000 if it is more, and is 5,000 by default."),
});

const body = { json: runSchema, limitBytes: JSON_BODY_BYTES };
const job = (description: string) => ({ 200: { description, json: jobSchema } });

export const RUN = {
  summary: "Submit a job.",
  body,
  answers: job("Accepted: the job."),
} as const satisfies RouteShape;

export const RUN_SYNC = {
  summary: "Submit a job and wait for its end.",
  query: waitQuery,
  body,
  answers: job("The job, at its end or when the wait was over."),
} as const satisfies RouteShape;

export const GET_STATUS = {
  summary: "Get a job.",
  beside: true,
  answers: { ...job("The job."), 304: NOT_MODIFIED },
} as const satisfies RouteShape;

export const POST_STATUS = { summary: GET_STATUS.summary, answers: job("The job.") } as const satisfies RouteShape;

export const WAIT_FOR_STATUS = {
  summary: "Wait for a job's end.",
  query: waitQuery,
  answers: { ...job("The job, at its end or when the wait was over."), 304: NOT_MODIFIED },
} as const satisfies RouteShape;

export const POST_WAIT_FOR_STATUS = {
  ...WAIT_FOR_STATUS,
  answers: job("The job, at its end or when the wait was over."),
} as const satisfies RouteShape;

export const CANCEL = {
  summary: "Cancel a job.",
  answers: job("The job: cancelled, or as it had ended before."),
} as const satisfies RouteShape;

export const RETRY = {
  summary: "Queue a job again that has failed or timed out.",
  answers: job("The job, which waits."),
} as const satisfies RouteShape;

export const STREAM = {
  summary: "Get what a job's model has said since the call before.",
  query: streamQuery,
  answers: { 200: { description: "The next chunks.", json: streamSchema } },
} as const satisfies RouteShape;

export const PURGE = {
  summary: "Cancel the account's jobs that wait for a model.",
  answers: { 200: { description: "How many.", json: purgedSchema } },
} as const satisfies RouteShape;

export const HEALTH = {
  summary: "Count a model's jobs and slots.",
  answers: { 200: { description: "The counts.", json: healthSchema } },
} as const satisfies RouteShape;
