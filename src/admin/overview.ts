/** `/admin/v1/overview`: what a deployment does, of the whole or of one model or backend, over an hour, a day or a week. */
import * as z from "zod";
import { type Backend, BACKEND_STATES, findBackend } from "../backends/store.ts";
import { json } from "../http/answer.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { time, timeSchema } from "../http/time.ts";
import { type Gauges, type LaneGauge, gaugesOf } from "../maintenance/gauges.ts";
import { type History, type Percentiles, WINDOWS, type WindowName } from "../metrics/history.ts";
import { findModel } from "../models/store.ts";
import { GAUGED_BACKENDS, GAUGED_LANES, GAUGED_ROWS } from "../limits.ts";
import { PREFIX, found } from "./resource.ts";

const counts = (what: string) => z.array(z.int()).describe(what);

const line = (what: string) => z.array(z.int().nullable()).describe(`${what} Null if none was measured.`);

const percentilesSchema = z.lazy(() =>
  z.object({
    count: z.int().describe("How many were measured."),
    p50: z.int().nullable().describe("Half took no longer; null if none was measured."),
    p90: z.int().nullable().describe("Nine of ten took no longer."),
    p99: z.int().nullable().describe("99 of 100 took no longer."),
  }),
);

const overviewSchema = z.lazy(() =>
  z.object({
    window: z.enum(["1h", "24h", "7d"]).describe("How far back the counts go."),
    step_seconds: z.int().describe("How long each step of the series is."),
    series: z
      .object({
        at: z.array(timeSchema).describe("The beginning of each step, oldest first. The last step is not over yet."),
        accepted: counts("Inferences accepted; with `backend`, 0, since they are accepted for a model."),
        succeeded: counts("Ends of inferences; with `backend`, of those whose last attempt was there."),
        failed: counts("The same."),
        canceled: counts("The same."),
        expired: counts("The same."),
        queued: counts("Inferences that waited, at most, of a sample a minute; 0 with `backend`."),
        queue_p50_ms: line("Half had waited no longer for their start."),
        queue_p90_ms: line("Nine of ten had waited no longer."),
        run_p50_ms: line("Half of the attempts that succeeded took no longer."),
        run_p90_ms: line("Nine of ten took no longer."),
        refused: z
          .array(z.int())
          .nullable()
          .describe(
            "Calls refused for their key or for a limit; null with `model` or `backend`, since such a call is not told apart by model.",
          ),
      })
      .describe("One number a step."),
    queue_ms: percentilesSchema.describe("From submit to first start, of inferences that have ended. Reckoned from a histogram."),
    run_ms: percentilesSchema.describe("Of attempts that succeeded. Reckoned from a histogram."),
    ends: z
      .array(
        z.object({
          end: z.string().describe("`failed`, `canceled` or `expired`."),
          class: z.string().nullable(),
          code: z.string().nullable(),
          count: z.int(),
        }),
      )
      .describe("Ends other than successes, the most frequent first."),
    attempts: z
      .array(z.object({ outcome: z.string(), count: z.int() }))
      .describe("`succeeded`, `abandoned`, `broke`, or the class of the failure."),
    refusals: z.array(z.object({ reason: z.string(), count: z.int() })).describe("By code of the error; none with `model` or `backend`."),
    models: z
      .array(
        z.object({
          model: z.string(),
          version: z.string().nullable(),
          queued: z.int().describe("All that wait."),
          queued_for_later: z.int().describe("Of these, those that back off or were submitted for later."),
          oldest_queued_seconds: z
            .number()
            .nullable()
            .describe("How long the longest-waiting of the first in line has waited; null if none may be claimed."),
          in_progress: z.int(),
          slots: z.int().describe("Of its backends that take work."),
          backends: z.int().describe("How many serve it, in whatever state."),
        }),
      )
      .describe(`Each version of each model, at most ${GAUGED_LANES}.`),
    backends: z
      .array(
        z.object({
          id: z.string(),
          model: z.string(),
          version: z.string().nullable(),
          url: z.string(),
          state: z.enum(BACKEND_STATES),
          slots: z.int().describe("How many inferences it may run at once."),
          in_progress: z.int(),
          circuit: z.object({
            state: z.enum(["closed", "open", "half_open"]),
            failures: z.int().describe("In a row."),
            failures_of: z
              .string()
              .nullable()
              .describe("The one account whose failures these are; null: of several, or the server is not ready."),
            since: timeSchema.nullable().describe("When the failures in a row began."),
            rested_until: timeSchema.nullable().describe("It gets nothing until then."),
            last_error: z
              .object({ class: z.string(), code: z.string(), message: z.string(), at: timeSchema })
              .nullable()
              .describe("What went wrong there last. It stays after the backend works again."),
          }),
          mean_run_ms: z.number().nullable(),
        }),
      )
      .describe(`At most ${GAUGED_BACKENDS}.`),
    deliveries: z.object({
      pending: z.int().describe(`To be tried; exact below ${GAUGED_ROWS}.`),
      oldest_overdue_seconds: z.number().describe("For how long the next attempt at one has been due at most."),
      attempts: z.array(z.object({ outcome: z.string(), count: z.int() })).describe("Within the window; none with `model` or `backend`."),
      endpoints: z.object({
        failing: z.int().describe("Called all the same."),
        rested: z.int().describe("Not called, since they have failed for long."),
        gone: z.int().describe("Not called, since they answered 410."),
        disabled: z.int().describe("Not called, since their account said so."),
      }),
    }),
    database: z.object({
      bytes: z.int().nullable(),
      limit_bytes: z.int().describe("What a database can take at most."),
      state: z.enum(["ok", "filling", "full"]),
    }),
  }),
);
z.globalRegistry.add(overviewSchema, { id: "Overview" });

const OVERVIEW = {
  summary: "Get what the deployment does: throughput, ends, waits, queues, backends, deliveries.",
  query: z.strictObject({
    window: z.enum(["1h", "24h", "7d"]).default("1h").describe("How far back; `1h` by default, in steps of a minute."),
    model: z.string().max(128).optional().describe("Only this model."),
    version: z.string().max(128).optional().describe("Only this version of it."),
    backend: z.string().max(64).optional().describe("Only this backend, by its id."),
  }),
  answers: {
    200: {
      description:
        "Counts are kept by minute, quarter of an hour and hour, some seconds behind and as a best effort; exact counts are in the usage ledger.",
      json: overviewSchema,
    },
  },
} as const satisfies RouteShape;

export const overviewRoutes = [route("operator", "GET", `${PREFIX}/overview`, OVERVIEW, getOverview)];

async function getOverview(call: Call, { query }: Input<typeof OVERVIEW>): Promise<Response> {
  const { db } = call.ports;
  const backend = query.backend === undefined ? null : found(await findBackend(db, query.backend), "backend");
  if (query.model !== undefined) found(await findModel(db, query.model), "model");
  const filter = backend
    ? { model: backend.model, version: backend.version, backend: backend.id }
    : { model: query.model, version: query.version };
  const [history, gauges] = await Promise.all([call.metrics.history(query.window, filter), gaugesOf(call.ports)]);
  const isAsked = (of: { readonly model: string; readonly version: string }) =>
    (filter.model ?? of.model) === of.model && (filter.version ?? of.version) === of.version;
  const answer: z.infer<typeof overviewSchema> = {
    ...presentHistory(query.window, history),
    models: gauges.lanes.filter(isAsked).map((lane) => presentLane(lane, gauges)),
    backends: gauges.backends.filter((one) => isAsked(one) && (backend?.id ?? one.id) === one.id).map(presentBackend),
    deliveries: { ...presentDeliveries(gauges), attempts: history.deliveries.map((some) => ({ ...some })) },
    database: { bytes: gauges.database.bytes, limit_bytes: gauges.database.limitBytes, state: gauges.database.state },
  };
  return json(answer);
}

function presentHistory(
  window: WindowName,
  { at, queueMs, runMs, ends, attempts, refusals, ...lines }: History,
): Pick<z.infer<typeof overviewSchema>, "window" | "step_seconds" | "series" | "queue_ms" | "run_ms" | "ends" | "attempts" | "refusals"> {
  const { accepted, succeeded, failed, canceled, expired, refused, waiting } = lines;
  const { queueMsThen, runMsThen } = lines;
  const spread = ({ count, p50, p90, p99 }: Percentiles) => ({ count, p50, p90, p99 });
  return {
    window,
    step_seconds: WINDOWS[window].stepSeconds,
    series: {
      at: at.map((ms) => time(ms)),
      accepted: [...accepted],
      succeeded: [...succeeded],
      failed: [...failed],
      canceled: [...canceled],
      expired: [...expired],
      queued: [...waiting],
      queue_p50_ms: queueMsThen.map(({ p50 }) => p50),
      queue_p90_ms: queueMsThen.map(({ p90 }) => p90),
      run_p50_ms: runMsThen.map(({ p50 }) => p50),
      run_p90_ms: runMsThen.map(({ p90 }) => p90),
      refused: refused && [...refused],
    },
    queue_ms: spread(queueMs),
    run_ms: spread(runMs),
    ends: ends.map((some) => ({ ...some })),
    attempts: attempts.map((some) => ({ ...some })),
    refusals: refusals.map((some) => ({ ...some })),
  };
}

function presentLane({ model, version, ready, later, oldestMs }: LaneGauge, { backends }: Gauges) {
  const its = backends.filter((backend) => backend.model === model && backend.version === version);
  const sum = (numbers: readonly number[]) => numbers.reduce((all, number) => all + number, 0);
  return {
    model,
    version: version || null,
    queued: ready + later,
    queued_for_later: later,
    oldest_queued_seconds: ready === 0 ? null : oldestMs / 1000,
    in_progress: sum(its.map(({ inProgress }) => inProgress)),
    slots: sum(its.map(({ state, maxConcurrency }) => (state === "active" ? maxConcurrency : 0))),
    backends: its.length,
  };
}

function presentBackend(backend: Backend) {
  const { id, model, version, url, state, lastError, failures } = backend;
  return {
    id,
    model,
    version: version || null,
    url,
    state,
    slots: backend.maxConcurrency,
    in_progress: backend.inProgress,
    circuit: {
      state: backend.circuit,
      failures,
      failures_of: backend.failuresOf,
      since: time(backend.failingSince),
      rested_until: time(backend.restedUntil),
      last_error: lastError && { ...lastError, at: time(lastError.at) },
    },
    mean_run_ms: backend.meanRunMs,
  };
}

function presentDeliveries({ deliveries: { pending, overdueMs, failing, rested, gone, disabled } }: Gauges) {
  return { pending, oldest_overdue_seconds: overdueMs / 1000, endpoints: { failing, rested, gone, disabled } };
}
