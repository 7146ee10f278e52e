/**
 * One attempt at an inference: the call of its backend, its output stored, and the statements that record how it ended: what
 * becomes of the inference, and what was learned about the backend.
 */
import type { BackendCall, Sink } from "../backends/backend.ts";
import { identityFor, withoutSecret } from "../backends/identity.ts";
import { CANCELED_CODE, UNREACHABLE_ERROR, evidenceOf, misconfigured, saysAway } from "../backends/judgement.ts";
import { callOf, readinessOf } from "../backends/protocols.ts";
import type { Failure, Outcome } from "../backends/outcome.ts";
import { backendStatements } from "../backends/store.ts";
import { observed } from "../metrics/observed.ts";
import { log, logError } from "../platform/log.ts";
import { QUARANTINE_TAKEDOWNS, RUN_TIME_SAMPLE, STALE_CONNECTION_MS } from "../limits.ts";
import type { Ports } from "../ports.ts";
import type { Sql } from "../platform/sql.ts";
import { supplied } from "../files/supply.ts";
import { QUARANTINED, afterFailure } from "./retry.ts";
import type { Leases } from "./leases.ts";
import { type OutputStores, extract, storeOutput, takeIn } from "../payloads/take-in.ts";
import { readPayload } from "../payloads/payloads.ts";
import { noteUpload } from "../payloads/removals.ts";
import type { Claim } from "./sql/record.ts";
import type { Timing } from "./inference.ts";
import { changeStatements } from "./sql/change.ts";
import { backendSpan } from "./timeline.ts";
import { spanOf, traceHeaders } from "./trace.ts";
import { progressUrl } from "./progress.ts";
import { LogSink } from "./streams/sink.ts";
import { type Ending, standsAlone } from "./sql/claim.ts";
import { type End, endStatements, failure, success } from "./sql/end.ts";

/** What records how an attempt ended: nothing if that is not its runner's to say any more. */
export type Recording = Omit<Ending, "claim">;

/** What is told of an attempt that ends its inference, or of one that does not. */
const recorded = (how: End | Sql, more: readonly Sql[] = []): Recording =>
  "fence" in how ? { end: how, statements: more } : { end: null, statements: [how, ...more] };

/** The same as statements, for whoever writes them alone. */
export const statementsOf = ({ end, statements }: Recording): Sql[] => [...(end ? [endStatements.end([end], null)] : []), ...statements];

/** Runs one attempt, and says what records its end. Never throws. */
export async function attempt(
  ports: Ports,
  leases: Leases,
  claimed: Claim,
  stop: AbortSignal,
  sink: Sink | null = null,
): Promise<Recording> {
  const { accountId, id, attempt: number, model, backend } = claimed;
  const known = { inference: id, account: accountId, model, backend: backend.id, attempt: number };
  const begunAt = ports.clock.now();
  const marks: Marks = {};
  const part = [model, claimed.version, backend.id];
  const noteEnd = (outcome: string) => observed.count("attempts", [...part, outcome]);
  const noteSuccess = (runMs: number) => {
    noteEnd("succeeded");
    observed.time("ran", part, runMs);
  };
  const stream = claimed.resumable && !sink ? new LogSink(ports, claimed) : null;
  try {
    const called = await callBackend(ports, leases, claimed, stop, sink ?? stream, marks);
    const unkept = (await stream?.end()) ?? null;
    const timing = timingOf(marks, begunAt);
    if (called.kind === "abandoned") {
      log("attempt_abandoned", known);
      noteEnd("abandoned");
      return { end: null, statements: [] };
    }
    const runMs = ports.clock.now() - begunAt;
    if (unkept) {
      noteEnd(unkept.error.class);
      return recorded(failed(ports, claimed, unkept, false, timing));
    }
    if (called.kind === "done") {
      const { payload, bytes } = await storeOutput(ports, claimed, called.output);
      const kept = await stream?.store(storesOf(ports));
      const { items, usage = null, parts = [] } = called.output;
      const all = kept ? [...parts, kept] : parts;
      noteSuccess(runMs);
      return recorded(success(claimed, payload, bytes, items, usage, all, timing), successAt(ports, claimed, runMs));
    }
    if (called.kind === "kept") {
      const { kept, items } = called;
      noteSuccess(runMs);
      const end = success(claimed, { at: "object", ...kept }, kept.bytes, items, null, [], timing);
      return recorded(end, successAt(ports, claimed, runMs));
    }
    log("attempt_failed", { ...known, class: called.error.class, code: called.error.code });
    noteEnd(called.error.class);
    const seen = await lookAtBackend(ports, claimed, called, runMs);
    const outcome: Failed = seen.reached ? called : { kind: "unreached", error: called.error };
    const final: Failed = sink?.begun ? { kind: "rejected", error: outcome.error } : outcome;
    // Where its backend was asked to stop it, it has not failed: the statement that says so goes first, and the next finds nothing.
    const how = failed(ports, claimed, final, seen.tookDown, timing);
    const more = failureAt(claimed, outcome, seen);
    if (final.error.code !== CANCELED_CODE) return recorded(how, more);
    return { end: null, statements: [changeStatements.stopped(claimed), ...statementsOf(recorded(how, more))] };
  } catch (error) {
    logError("attempt_broke", error, known);
    noteEnd("broke");
    return recorded(failed(ports, claimed, { kind: "retry", error: BROKE }, false, timingOf(marks, begunAt)));
  }
}

/** When its backend was called, when the head of the answer came, and when all of it was there, by the runner's clock. */
interface Marks {
  sentAt?: number;
  headAt?: number;
  answeredAt?: number;
}

/** Null if its backend was not called. */
function timingOf({ sentAt, headAt, answeredAt }: Marks, begunAt: number): Timing | null {
  if (sentAt === undefined) return null;
  return {
    sent_ms: sentAt - begunAt,
    ...(headAt === undefined ? {} : { first_byte_ms: headAt - begunAt }),
    ...(answeredAt === undefined ? {} : { answered_ms: answeredAt - begunAt }),
  };
}

/** The same way to a backend, where it is noted when it is called and when it answers. */
function marking(ports: Ports, marks: Marks): Ports {
  const { clock } = ports;
  return {
    ...ports,
    async fetch(url, init) {
      marks.sentAt ??= clock.now();
      const response = await ports.fetch(url, init);
      marks.headAt = clock.now();
      return response;
    },
  };
}

/** Our own fault, such as storage that refuses an output. */
export const BROKE: Failure = {
  class: "infrastructure",
  code: "runner_error",
  message: "The attempt could not be completed for a reason that lies neither with the input nor with the backend.",
  status: 500,
};

const INPUT_GONE: Failure = { class: "infrastructure", code: "input_gone", message: "The stored input is no longer there.", status: 500 };

/** An outcome that is a failure. */
type Failed = Extract<Outcome, { error: Failure }>;

const NOBODY_THERE: Outcome = { kind: "unreached", error: UNREACHABLE_ERROR };

function failed(ports: Ports, claimed: Claim, outcome: Failed, tookDown: boolean, timing: Timing | null): End | Sql {
  if (tookDown && claimed.takedowns + 1 >= QUARANTINE_TAKEDOWNS) return failure(claimed, QUARANTINED, timing);
  const verdict = afterFailure(outcome, claimed.attemptsSince, claimed.retry, ports.random());
  return verdict.next === "failed"
    ? failure(claimed, verdict.error, timing)
    : changeStatements.retry(claimed, outcome.error, verdict.delayMs, tookDown, outcome.kind === "unreached", timing);
}

/** What a success tells about the backend, as statements; most of the time there is nothing to write. */
function successAt(ports: Ports, { accountId, backend }: Claim, runMs: number): Sql[] {
  const isSampled = !backend.sampled || ports.random() * RUN_TIME_SAMPLE < 1;
  return [
    ...(backend.failures > 0 || !backend.witnessed ? [backendStatements.succeeded(backend.id, accountId)] : []),
    ...(isSampled ? [backendStatements.sample(backend.id, runMs)] : []),
  ];
}

/** What a failure tells about the backend, as statements. */
function failureAt(claimed: Claim, outcome: Failed, { away, ready: isReady }: Seen): Sql[] {
  const { backend, runWithinSeconds } = claimed;
  const { error } = outcome;
  if (away) return [backendStatements.away(backend.id, claimed, error)];
  const after = evidenceOf(outcome);
  switch (after.kind) {
    case "answered":
      return backend.failures > 0 ? [backendStatements.answered(backend.id)] : [];
    case "failed":
    case "perhaps": {
      // A client that allows less than the backend may take learns nothing of the backend when it takes longer.
      const isImpatient = runWithinSeconds !== null && runWithinSeconds < backend.timeoutSeconds;
      if (error.code === "run_within_seconds" && isImpatient) return [];
      return [backendStatements.failed(backend.id, claimed, error, { perhaps: after.kind === "perhaps", isReady })];
    }
    case "asked":
      return [backendStatements.asked(backend.id, after.ms, error)];
    case "misconfigured":
      return [backendStatements.misconfigured(backend.id, error)];
    case "nothing":
    case "away":
    case "succeeded":
      return [];
    default:
      return after satisfies never;
  }
}

/** How the backend does after a failed attempt. */
interface Seen {
  /** Whether no connection to it can be made. */
  readonly away: boolean;
  /** Whether the attempt reached it, as far as can be told. */
  readonly reached: boolean;
  /** Whether it says that it is ready; null where it was not asked, since that makes no difference. */
  readonly ready: boolean | null;
  /** Whether this attempt, and nothing else, took it down while it was healthy. */
  readonly tookDown: boolean;
}

/**
 * Asks a backend after a failure how it does. A connection that could not be made and one that broke before an answer look
 * the same, so that an attempt counts as one that never reached its backend if the backend can't be reached now, unless it was
 * asked right before (see callBackend). So does the first that broke at once though the backend is ready: such a connection was
 * kept from a call before, and the server had closed it, as all do after a while and uvicorn does after a failure; a client that
 * wants no second attempt gets none for that either. So does one of which a tunnel said that the server is away: that is the tunnel's word
 * only if it says the same of the server's health. An attempt took its backend down if it surely reached it, was alone there
 * when it began, nobody else has seen the backend fail since, and it no longer says that it is ready.
 */
async function lookAtBackend(ports: Ports, claimed: Claim, outcome: Failed, runMs: number): Promise<Seen> {
  const { kind, error } = outcome;
  const { backend, version } = claimed;
  if (kind === "unreached") return { away: true, reached: false, ready: null, tookDown: false };
  const isSaidAway = saysAway(error);
  const isBroken = error.code === "backend_cut" || error.code === "backend_unreachable";
  const isProven = error.code === "backend_cut" || claimed.unreached > 0;
  const mayHaveFallen = isBroken && isProven && backend.failures === 0 && backend.alone;
  const asks = error.code === "backend_unreachable" || isSaidAway || mayHaveFallen || backend.othersSucceed;
  if (!asks || kind !== "retry") return { away: false, reached: true, ready: null, tookDown: false };
  const wasAlone = mayHaveFallen && (await standsAlone(ports.db, backend.id, claimed));
  const { reached: isThere, ready } = await readinessOf(backend, version, ports);
  const wasStale = ready && isBroken && !isProven && runMs <= STALE_CONNECTION_MS && claimed.retry.maxAttempts > 1;
  const wasReached = !wasStale && (isThere || (isBroken ? isProven : !isSaidAway));
  return { away: (isBroken || isSaidAway) && !isThere, reached: wasReached, ready, tookDown: wasAlone && !ready };
}

const storesOf = (ports: Ports): OutputStores => ({ ...ports, begun: (key, uploadId) => noteUpload(ports.db, key, uploadId) });

async function callBackend(
  ports: Ports,
  leases: Leases,
  claimed: Claim,
  stop: AbortSignal,
  sink: Sink | null,
  marks: Marks,
): Promise<Outcome> {
  const { backend, model, version, capability } = claimed;
  const identity = identityFor(backend, ports.secret);
  if (identity === null)
    return misconfigured(`The deployment has no secret ${backend.credential?.secret ?? ""}, which the backend's credential names.`);
  // An attempt before found nobody there, as far as could be told; this one is to be sure that it meets somebody.
  if (claimed.unreached > 0 && !(await readinessOf(backend, version, ports)).reached) return NOBODY_THERE;
  const stored = await readPayload(ports.payloads, claimed.input);
  if (stored === null) return { kind: "rejected", error: INPUT_GONE };
  const ready = await supplied(ports, claimed.accountId, stored, backend.files);
  if ("outcome" in ready) return ready.outcome;
  const { input } = ready;
  const seconds = Math.min(claimed.runWithinSeconds ?? backend.timeoutSeconds, backend.timeoutSeconds);
  const stores = storesOf(ports);
  const fields = claimed.outputFiles;
  const call: BackendCall = {
    backend,
    model,
    version,
    attempt: {
      inferenceId: claimed.id,
      number: claimed.attempt,
      progressUrl: await progressUrl(ports, claimed),
      trace: traceHeaders(spanOf(claimed, backendSpan(claimed.attempt))),
    },
    capability,
    input,
    timeoutMs: seconds * 1000,
    stop,
    identity,
    takeIn: (response, most, over) => takeIn(stores, claimed, response, most, over),
    extract: fields.length === 0 ? null : { fields, of: (json) => extract(stores, claimed, json) },
  };
  if (!leases.mayCall(claimed)) return { kind: "abandoned" };
  const outcome = await callOf(call, marking(ports, marks), sink);
  if (marks.headAt !== undefined) marks.answeredAt = ports.clock.now();
  return outcome.kind === "done" ? { ...outcome, output: withoutSecret(outcome.output, identity) } : outcome;
}
