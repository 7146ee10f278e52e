/**
 * Run: a runner claims an inference of its lane, calls the backend, stores the output, records the outcome, and claims
 * the next in the same round trip, until nothing is claimable or RUN_SECONDS have passed. It never stops while work
 * remains without sending a wake-up. An output is stored before the status says so. A runner may die between any two
 * lines: its lease lapses and the sweep takes over; if it wakes up after that, the fence refuses what it writes.
 */
import { protocolOf } from "../backends/protocols.ts";
import { log, logError } from "../log.ts";
import { RUN_SECONDS } from "../numbers.ts";
import type { Ports } from "../ports.ts";
import type { Sql } from "../sql.ts";
import { type Failure, type Outcome, afterFailure } from "./inference.ts";
import { Leases } from "./leases.ts";
import { byteLength, readPayload, storeOutput } from "./payloads.ts";
import { type Claim, type Lane, claim, inferenceStatements, record, recordAndClaim } from "./store.ts";

const RECORD_RETRY_MS = 250;
const RECORD_RETRY_MAX_MS = 4_000;

/** One runner per wake-up, all under the leases of one invocation. Ends when all of them have. */
export async function run(ports: Ports, lanes: readonly Lane[], lease: string): Promise<void> {
  const leases = new Leases(ports, lease);
  const ends = await Promise.allSettled(lanes.map((lane) => drain(ports, lane, leases)));
  for (const end of ends) if (end.status === "rejected") logError("runner_failed", end.reason, { lease });
}

async function drain(ports: Ports, lane: Lane, leases: Leases): Promise<void> {
  const { clock, db } = ports;
  const stopAt = clock.now() + RUN_SECONDS * 1000;
  let askedAt = clock.now();
  let claimed = await claim(db, lane, leases.lease);
  while (claimed) {
    const letGo = leases.take(claimed, askedAt);
    const ended = await attempt(ports, claimed, letGo);
    askedAt = clock.now();
    if (askedAt >= stopAt) {
      if (ended) await persist(ports, leases, claimed, () => record(db, ended));
      leases.release(claimed);
      await ports.wake([lane]);
      return;
    }
    const before: Claim = claimed;
    claimed = ended
      ? ((await persist(ports, leases, before, () => recordAndClaim(db, ended, lane, leases.lease)))?.next ?? null)
      : await claim(db, lane, leases.lease);
    leases.release(before);
  }
}

/** Runs one attempt; the statement that records its end, or null where there is nothing to record. Never throws. */
async function attempt(ports: Ports, claimed: Claim, letGo: AbortSignal): Promise<Sql | null> {
  const { accountId, id, attempt: number, model, backend } = claimed;
  const known = { inference: id, account: accountId, model, backend: backend.id, attempt: number };
  try {
    const outcome = await callBackend(ports, claimed, letGo);
    if (outcome.kind === "abandoned") {
      log("attempt_abandoned", known);
      return null;
    }
    if (outcome.kind === "done") {
      const { text, contentType, items } = outcome.output;
      const bytes = byteLength(text);
      const stored = await storeOutput(ports.payloads, claimed, text, bytes, contentType);
      log("attempt_succeeded", { ...known, bytes });
      return inferenceStatements.succeed(claimed, stored, bytes, items);
    }
    log("attempt_failed", { ...known, class: outcome.error.class, code: outcome.error.code });
    return failed(ports, claimed, outcome);
  } catch (error) {
    logError("attempt_broke", error, known);
    return failed(ports, claimed, { kind: "retry", error: BROKE });
  }
}

/** Our own fault, such as storage that refuses an output. */
const BROKE: Failure = {
  class: "infrastructure",
  code: "runner_error",
  message: "The attempt could not be completed for a reason that lies neither with the input nor with the backend.",
  status: 500,
};

const INPUT_GONE: Failure = { class: "infrastructure", code: "input_gone", message: "The stored input is no longer there.", status: 500 };

function failed(ports: Ports, claimed: Claim, outcome: Extract<Outcome, { kind: "retry" | "rejected" }>): Sql {
  const verdict = afterFailure(outcome, claimed.attempt, claimed.retry, ports.random());
  return verdict.next === "failed"
    ? inferenceStatements.fail(claimed, outcome.error)
    : inferenceStatements.retry(claimed, outcome.error, verdict.delayMs);
}

async function callBackend(ports: Ports, claimed: Claim, letGo: AbortSignal): Promise<Outcome> {
  const input = await readPayload(ports.payloads, claimed.input);
  if (input === null) return { kind: "rejected", error: INPUT_GONE };
  const { backend, version } = claimed;
  const seconds = Math.min(claimed.runWithinSeconds ?? backend.timeoutSeconds, backend.timeoutSeconds);
  return protocolOf(backend).infer({ backend, version, input, timeoutMs: seconds * 1000, letGo }, ports.fetch);
}

/**
 * Writes the end of an attempt, again and again while the lease is held: the GPU has done its work, and a database
 * that stalls for a moment must not throw it away. Null where the lease was lost first.
 */
async function persist<T>(ports: Ports, leases: Leases, claimed: Claim, write: () => Promise<T>): Promise<T | null> {
  for (let pause = RECORD_RETRY_MS; leases.has(claimed); pause = Math.min(pause * 2, RECORD_RETRY_MAX_MS)) {
    try {
      return await write();
    } catch (error) {
      logError("outcome_not_recorded", error, { inference: claimed.id, attempt: claimed.attempt });
      await ports.clock.sleep(pause);
    }
  }
  return null;
}
