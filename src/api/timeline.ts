/** An inference's life as spans, for a waterfall: how it waited, its attempts and what took how long in them, its deliveries. */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { lookUpWithWait } from "../http/lookup.ts";
import { type AccountCall, type RouteShape, route } from "../http/route.ts";
import { time, timeSchema } from "../http/time.ts";
import type { Inference } from "../inferences/inference.ts";
import { type Moment, SPAN_OUTCOMES, type Span, lifeOf } from "../inferences/timeline.ts";
import { spanIdOf, spanOf } from "../inferences/trace.ts";
import { WAIT_REASONS } from "../inferences/wait.ts";
import { TIMELINE_DELIVERIES } from "../limits.ts";
import { deliveryIdOf, deliverySpan, keyAt } from "../webhooks/delivery.ts";
import { type Delivery, listDeliveries } from "../webhooks/sql/deliveries.ts";
import { errorOf, failureSchema, notFound } from "./present.ts";

const spanSchema = z.lazy(() =>
  z.object({
    id: z.string().describe("16 hex digits: the same as in the traces of the deployment."),
    parent_id: z.string().nullable().describe("Null of the first, which is the whole."),
    name: z
      .enum(["inference", "queued", "attempt", "prepare", "backend", "store", "delivery", "delivery_attempt"])
      .describe(
        "The whole; a wait; an attempt, and in it: until its backend is called, the backend's call, storing what it answered; an event for an endpoint, and each try to send it.",
      ),
    start_at: timeSchema.describe("When it began."),
    end_at: timeSchema.nullable().describe("Null while it lasts."),
    outcome: z.enum(SPAN_OUTCOMES).nullable().describe("Null while it goes on, and of what only takes its time."),
    attempt: z.int().optional().describe("Its number, of an attempt and what is in it, and of a try to send."),
    backend: z.string().optional().describe("The backend's id."),
    waiting_on: z
      .enum(WAIT_REASONS)
      .nullable()
      .optional()
      .describe("Of a wait: for what; null of one that is over and was for its turn or a free slot."),
    first_byte_at: timeSchema.optional().describe("Of a backend's call: when its answer began."),
    error: failureSchema.optional(),
    delivery_id: z.string().optional().describe("Of a delivery: its `webhook-id`."),
    event: z.string().optional(),
    url: z.string().optional(),
    webhook_id: z.string().nullable().optional().describe("Null for the URL that came with the inference."),
    result: z.string().optional().describe("Of a try to send: `answered`, `timed_out`, `unreachable`, `refused` or `internal_error`."),
    http_status: z.int().nullable().optional().describe("What the endpoint answered."),
  }),
);

const momentSchema = z.object({
  name: z
    .enum(["aged", "redriven", "log"])
    .describe("It waited so long that it counts for one level more; it was queued again; a line of the model's own."),
  at: timeSchema,
  message: z.string().optional(),
});

const timelineSchema = z.lazy(() =>
  z.object({
    inference_id: z.string(),
    trace_id: z.string().describe("32 hex digits: the trace that its attempts and deliveries name in `traceparent`."),
    spans: z.array(spanSchema).describe("The whole first; a parent stands before what is in it."),
    moments: z.array(momentSchema).describe("What happened at one moment."),
    is_cut: z.boolean().describe("Whether spans are missing, since its log was shortened or it has more deliveries than are shown."),
  }),
);
z.globalRegistry.add(timelineSchema, { id: "Timeline" });

export const TIMELINE = {
  summary: "Show an inference's life as spans: its waits, its attempts and what took how long in them, its deliveries.",
  params: z.object({ id: z.string().describe("The inference's id.") }),
  answers: { 200: { description: `Its life so far, with up to ${TIMELINE_DELIVERIES} deliveries.`, json: timelineSchema } },
} as const satisfies RouteShape;

export const timelineRoutes = [route("read", "GET", "/v1/inferences/:id/timeline", TIMELINE, showTimeline)];

export async function showTimeline(call: AccountCall): Promise<Response> {
  const inference = await lookUpWithWait(call, notFound);
  const { id, accountId } = inference;
  const first = keyAt("", accountId, id);
  const deliveries = first ? await listDeliveries(call.ports.db, first, TIMELINE_DELIVERIES + 1) : [];
  const life = lifeOf(inference);
  const shown = deliveries.slice(0, TIMELINE_DELIVERIES);
  return json({
    inference_id: id,
    trace_id: spanOf(inference, "").traceId,
    spans: [...life.spans.map(presentSpan), ...shown.flatMap((delivery) => deliverySpans(inference, delivery))],
    moments: life.moments.map(presentMoment),
    is_cut: life.isCut || deliveries.length > shown.length,
  } satisfies z.infer<typeof timelineSchema>);
}

type Shown = z.infer<typeof spanSchema>;

function presentSpan({ parentId, startAt, endAt, backendId, waitingOn, error, firstByteAt, id, name, outcome, attempt }: Span): Shown {
  return {
    id,
    parent_id: parentId,
    name,
    start_at: time(startAt),
    end_at: time(endAt),
    outcome,
    ...(attempt === undefined ? {} : { attempt }),
    ...(backendId === undefined ? {} : { backend: backendId }),
    ...(waitingOn === undefined ? {} : { waiting_on: waitingOn }),
    ...(firstByteAt === undefined ? {} : { first_byte_at: time(firstByteAt) }),
    ...(error ? { error: errorOf(error) } : {}),
  };
}

const presentMoment = ({ at, ...moment }: Moment): z.infer<typeof momentSchema> => ({ at: time(at), ...moment });

const DELIVERED = { succeeded: "succeeded", failed: "failed", canceled: "canceled", pending: null, held: null } as const;

/** A delivery, from its event to its end, and in it each try of those that are kept. */
function deliverySpans({ id }: Inference, delivery: Delivery): Shown[] {
  const { webhookId, event, url, createdAt, attempts } = delivery;
  const outcome = DELIVERED[delivery.status];
  const name = deliverySpan(delivery);
  const own = spanIdOf(id, name);
  const last = attempts.at(-1);
  const endAt = outcome === null ? null : last ? last.at + last.durationMs : createdAt;
  const whole: Shown = {
    id: own,
    parent_id: spanIdOf(id, "inference"),
    name: "delivery",
    start_at: time(createdAt),
    end_at: time(endAt),
    outcome,
    delivery_id: deliveryIdOf(delivery),
    event,
    url,
    webhook_id: webhookId || null,
  };
  const tries = attempts.map((attempt, index): Shown => {
    const isGood = attempt.status !== null && attempt.status >= 200 && attempt.status < 300;
    return {
      id: attempt.span ?? spanIdOf(id, `${name}/${attempt.at}`),
      parent_id: own,
      name: "delivery_attempt",
      start_at: time(attempt.at),
      end_at: time(attempt.at + attempt.durationMs),
      outcome: isGood ? "succeeded" : "failed",
      attempt: index + 1,
      result: attempt.outcome,
      http_status: attempt.status,
    };
  });
  return [whole, ...tries];
}
