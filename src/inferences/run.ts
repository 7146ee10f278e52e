/**
 * Run: a runner claims an inference of its lane, calls the backend, stores the output, records the outcome, and claims
 * the next in the same round trip, until nothing is claimable or RUN_SECONDS have passed. It never stops while work
 * remains without sending a wake-up. An output is stored before the status says so. A runner may die between any two
 * lines: its lease lapses and the sweep takes over; if it wakes up after that, the fence refuses what it writes.
 */
import type { BackendCall, Sink } from "../backends/backend.ts";
import { identityFor } from "../backends/identity.ts";
import { evidenceOf, misconfigured } from "../backends/judgement.ts";
import { protocolOf, readinessOf } from "../backends/protocols.ts";
import type { Failure, Outcome } from "../backends/outcome.ts";
import { backendStatements } from "../backends/store.ts";
import { log, logError } from "../platform/log.ts";
import { QUARANTINE_TAKEDOWNS, RUN_SECONDS, RUN_TIME_SAMPLE } from "../limits.ts";
import { Unavailable } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import type { Sql } from "../platform/sql.ts";
import { supplied } from "../files/supply.ts";
import { Endings, type Next } from "./endings.ts";
import { QUARANTINED, afterFailure } from "./retry.ts";
import { Leases } from "./leases.ts";
import { type OutputStores, extract, storeOutput, takeIn } from "../payloads/take-in.ts";
import { readPayload } from "../payloads/payloads.ts";
import { noteUpload } from "../payloads/removals.ts";
import { bestEffort, hintDeliveries, hintWork } from "./hints.ts";
import type { Lane } from "../models/lane.ts";
import type { Claim } from "./sql/record.ts";
import { changeStatements } from "./sql/change.ts";
import { claim, claimStatements, standsAlone } from "./sql/claim.ts";

const RECORD_RETRY_MS = 250;
const RECORD_RETRY_MAX_MS = 4_000;

/**
 * A runner for each wake-up at most, all under the leases of one invocation. Of the wake-ups of one lane only the first
 * asks at once; each runner that finds something to do calls the next, so that a busy lane is asked once and not once
 * for each of the wake-ups that pile up. Ends when all runners have.
 */
export async function run(ports: Ports, lanes: readonly Lane[], lease: string): Promise<void> {
  const leases = new Leases(ports, lease);
  const endings = new Endings(ports);
  const counts = new Map<string, { lane: Lane; count: number }>();
  for (const lane of lanes) {
    const name = JSON.stringify([lane.model, lane.version]);
    counts.set(name, { lane, count: (counts.get(name)?.count ?? 0) + 1 });
  }
  await Promise.all([...counts.values()].map(({ lane, count }) => staff(ports, lane, leases, endings, count)));
}

/** One runner of a lane, and up to `more - 1` others as soon as it has found something to do. Never throws. */
async function staff(ports: Ports, lane: Lane, leases: Leases, endings: Endings, more: number): Promise<void> {
  const others: Promise<void>[] = [];
  try {
    await drain(ports, lane, leases, endings, () => {
      if (more > 1) others.push(staff(ports, lane, leases, endings, more - 1));
    });
  } catch (error) {
    logError("runner_failed", error, { lease: leases.lease, model: lane.model });
  }
  await Promise.all(others);
}

/** Runs one inference of the lane after the other; says once when it has its first. */
async function drain(ports: Ports, lane: Lane, leases: Leases, endings: Endings, found: () => void): Promise<void> {
  const { clock, db } = ports;
  const stopAt = clock.now() + RUN_SECONDS * 1000;
  const begunAt = clock.now();
  const claimNext = claimStatements.claim(lane, leases.lease);
  const told: Promise<void>[] = []; // not waited for in between, but this invocation must not end before them
  const first = await claim(db, lane, leases.lease);
  if (first) found();
  let next: Next = { ...NOTHING, claimed: first, askedAt: begunAt };
  while (next.claimed) {
    const current: Claim = next.claimed;
    if (current.lease !== leases.lease) {
      // Claimed in the name of the request that waits for it, which sees that soon and runs it itself.
      const askedAt = clock.now();
      next = { ...NOTHING, claimed: await claim(db, lane, leases.lease), askedAt };
      continue;
    }
    const statements = await attempt(ports, leases, current, leases.take(current, next.askedAt));
    const stop = clock.now() >= stopAt;
    next = await conclude(ports, leases, endings, current, statements, stop ? null : claimNext);
    leases.release(current);
    if (current.watched) told.push(hintDeliveries(ports, [current.accountId]));
    if (stop) await ports.wake([lane]);
  }
  await Promise.all(told);
}

/**
 * Records how an attempt ended, and claims what comes next in the lane. Where there was nothing to record any more, because
 * it was canceled or taken over, its slot is given back: by a statement of its own, which no other end has to pay for.
 */
async function conclude(
  ports: Ports,
  leases: Leases,
  endings: Endings,
  claimed: Claim,
  statements: readonly Sql[],
  claimNext: Sql | null,
): Promise<Next> {
  const write = async (these: readonly Sql[], following: Sql | null) =>
    (await persist(ports, leases, claimed, () => endings.write({ statements: these, claim: following }))) ?? NOTHING;
  const next = statements.length > 0 ? await write(statements, claimNext) : null;
  if (next?.recorded) return next;
  const release = [claimStatements.release(claimed)];
  if (!next?.claimed) return write(release, claimNext);
  // Another slot was free too; this one is for whoever hears of it. Tried once: what was claimed must not wait for it, and it lapses.
  await bestEffort("slot_not_given_back", endings.write({ statements: release, claim: null }));
  await hintWork(ports, [{ model: claimed.model, version: claimed.version }]);
  return next;
}

/** Runs one attempt; the statements that record its end, none where that is not its runner's to say any more. Never throws. */
export async function attempt(
  ports: Ports,
  leases: Leases,
  claimed: Claim,
  stop: AbortSignal,
  sink: Sink | null = null,
): Promise<readonly Sql[]> {
  const { accountId, id, attempt: number, model, backend } = claimed;
  const known = { inference: id, account: accountId, model, backend: backend.id, attempt: number };
  const begunAt = ports.clock.now();
  try {
    const outcome = await callBackend(ports, leases, claimed, stop, sink);
    if (outcome.kind === "abandoned") {
      log("attempt_abandoned", known);
      return [];
    }
    const runMs = ports.clock.now() - begunAt;
    if (outcome.kind === "done") {
      const { payload, bytes } = await storeOutput(ports, claimed, outcome.output);
      const { items, usage = null, parts = [] } = outcome.output;
      return [changeStatements.succeed(claimed, payload, bytes, items, usage, parts), ...standing(ports, claimed, outcome, runMs)];
    }
    if (outcome.kind === "kept") {
      const { kept, items } = outcome;
      return [changeStatements.succeed(claimed, { at: "object", ...kept }, kept.bytes, items), ...standing(ports, claimed, outcome, runMs)];
    }
    log("attempt_failed", { ...known, class: outcome.error.class, code: outcome.error.code });
    const tookDown = await tookItsBackendDown(ports, claimed, outcome);
    const final: typeof outcome = sink?.begun ? { kind: "rejected", error: outcome.error } : outcome;
    return [failed(ports, claimed, final, tookDown), ...standing(ports, claimed, outcome, runMs)];
  } catch (error) {
    logError("attempt_broke", error, known);
    return [failed(ports, claimed, { kind: "retry", error: BROKE }, false)];
  }
}

/** Our own fault, such as storage that refuses an output. */
const BROKE: Failure = {
  class: "infrastructure",
  code: "runner_error",
  message: "The attempt could not be completed for a reason that lies neither with the input nor with the backend.",
  status: 500,
};

/** Nothing more to do. */
const NOTHING: Next = { recorded: true, claimed: null, askedAt: 0 };

const INPUT_GONE: Failure = { class: "infrastructure", code: "input_gone", message: "The stored input is no longer there.", status: 500 };

function failed(ports: Ports, claimed: Claim, outcome: Extract<Outcome, { error: Failure }>, tookDown: boolean): Sql {
  if (tookDown && claimed.takedowns + 1 >= QUARANTINE_TAKEDOWNS) return changeStatements.fail(claimed, QUARANTINED);
  const verdict = afterFailure(outcome, claimed.attemptsSince, claimed.retry, ports.random());
  return verdict.next === "failed"
    ? changeStatements.fail(claimed, verdict.error)
    : changeStatements.retry(claimed, outcome.error, verdict.delayMs, tookDown);
}

/** What the outcome tells of the backend, as statements; most of the time there is nothing to write. */
function standing(ports: Ports, { id, backend, runWithinSeconds }: Claim, outcome: Outcome, runMs: number): Sql[] {
  const after = evidenceOf(outcome);
  switch (after.kind) {
    case "succeeded":
    case "answered": {
      const sampled = after.kind === "succeeded" && (!backend.sampled || ports.random() * RUN_TIME_SAMPLE < 1);
      return [
        ...(backend.failures > 0 ? [backendStatements.proved(backend.id)] : []),
        ...(sampled ? [backendStatements.sample(backend.id, runMs)] : []),
      ];
    }
    case "failed":
    case "perhaps":
    case "away": {
      // A client that allows less than the backend may take learns nothing of the backend when it takes longer.
      const impatient = runWithinSeconds !== null && runWithinSeconds < backend.timeoutSeconds;
      if (outcome.kind === "retry" && outcome.error.code === "run_within_seconds" && impatient) return [];
      return [backendStatements.failed(backend.id, after.kind === "perhaps" ? id : null)];
    }
    case "asked":
      return [backendStatements.asked(backend.id, after.ms)];
    case "misconfigured":
    case "nothing":
      return [];
    default:
      return after satisfies never;
  }
}

/**
 * Whether this attempt, and nothing else, took a healthy backend down: its connection broke, it was alone there when it
 * began, nobody else has seen the backend fail since, and it no longer says that it is ready. One that had company when
 * the backend fell is not blamed.
 */
async function tookItsBackendDown(ports: Ports, claimed: Claim, outcome: Outcome): Promise<boolean> {
  const { backend, version } = claimed;
  const broke = outcome.kind === "retry" && (outcome.error.code === "backend_cut" || outcome.error.code === "backend_unreachable");
  if (!broke || backend.failures > 0 || !backend.alone) return false;
  if (!(await standsAlone(ports.db, backend.id, claimed))) return false;
  return !(await readinessOf(backend, version, ports)).ready;
}

async function callBackend(ports: Ports, leases: Leases, claimed: Claim, stop: AbortSignal, sink: Sink | null): Promise<Outcome> {
  const { backend, model, version, capability } = claimed;
  const identity = identityFor(backend, ports.secret);
  if (identity === null)
    return misconfigured(`The deployment has no secret ${backend.credential?.secret ?? ""}, which the backend's credential names.`);
  const stored = await readPayload(ports.payloads, claimed.input);
  if (stored === null) return { kind: "rejected", error: INPUT_GONE };
  const ready = await supplied(ports, claimed.accountId, stored, backend.files);
  if ("outcome" in ready) return ready.outcome;
  const { input } = ready;
  const seconds = Math.min(claimed.runWithinSeconds ?? backend.timeoutSeconds, backend.timeoutSeconds);
  const protocol = protocolOf(backend);
  const shelf: OutputStores = {
    ...ports,
    begun: (key, uploadId) => noteUpload(ports.db, key, uploadId),
  };
  const fields = claimed.outputFiles;
  const call: BackendCall = {
    backend,
    model,
    version,
    attempt: { inferenceId: claimed.id, number: claimed.attempt },
    capability,
    input,
    timeoutMs: seconds * 1000,
    stop,
    identity,
    takeIn: (response, most, over) => takeIn(shelf, claimed, response, most, over),
    extract: fields.length === 0 ? null : { fields, of: (json) => extract(shelf, claimed, json) },
  };
  if (!leases.mayCall(claimed)) return { kind: "abandoned" };
  return sink && protocol.stream ? protocol.stream(call, ports, sink) : protocol.infer(call, ports);
}

/**
 * Writes the end of an attempt, again and again while the lease is held: the GPU has done its work, and a database that
 * stalls for a moment must not throw it away. What the database refuses for good is written as a failure instead. Where
 * the lease was lost first, all that is left is to give back the slot and go on. Null where it could not be written as it was.
 */
export async function persist<T>(ports: Ports, leases: Leases, claimed: Claim, write: () => Promise<T>): Promise<T | null> {
  const known = { inference: claimed.id, attempt: claimed.attempt };
  for (let pause = RECORD_RETRY_MS; leases.has(claimed); pause = Math.min(pause * 2, RECORD_RETRY_MAX_MS)) {
    try {
      return await write();
    } catch (error) {
      logError("outcome_not_recorded", error, known);
      if (!(error instanceof Unavailable)) {
        await ports.db.batch([changeStatements.fail(claimed, BROKE)]);
        return null;
      }
      await ports.clock.sleep(pause);
    }
  }
  log("lease_lost", known);
  return write();
}
