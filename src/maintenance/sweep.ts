/**
 * The sweep: finds what time, or a dead part, has left behind, and puts it right. Expiry, lapsed leases and ended
 * back-offs come from one index of due rows, into which due notes put what still waits; a claimable inference that nobody took means a lost wake-up, which is sent
 * again. One pass is one transaction, each statement checks and writes at once, so a pass may be repeated, doubled or
 * cut off anywhere. It never judges a model: an inference without a backend simply waits until it expires.
 */
import { readinessOf } from "../backends/protocols.ts";
import { backendIsNotReady, backendIsReady, takeProbes } from "../backends/store.ts";
import { log, logError } from "../platform/log.ts";
import { fillOf } from "../platform/fill.ts";
import { MEMORY_THINGS, DATABASE_WARN_MS, PROBES_AT_ONCE, SWEEP_ROUNDS, SWEEP_ROWS, WAKE_UPS_PER_LANE } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import type { Ports } from "../ports.ts";
import { retain } from "./retention.ts";
import { RUNNER_LOST, WAITED_TOO_LONG } from "../inferences/retry.ts";
import type { Lane } from "../models/lane.ts";
import { sweepDue } from "./due.ts";
import { bestEffort, hintDeliveries, hintWork } from "../inferences/hints.ts";

/** One pass. Returns whether anything is left to come back for. */
export async function sweep(ports: Ports): Promise<boolean> {
  const [dated, doubted, more] = await Promise.all([sweepInferences(ports), takeProbes(ports.db), keepHouse(ports)]);
  warnOfFill(ports);
  // Not waited for: a server that hangs must not hold up what time demands.
  void bestEffort("backend_not_probed", probe(ports, doubted));
  return dated || doubted.length > 0 || more;
}

let warnedAt = -Infinity;

/** Tells the operator's log that the database fills up, once in DATABASE_WARN_MS. */
function warnOfFill({ db, clock }: Ports): void {
  const { state, bytes, limitBytes } = fillOf(db);
  if (state === "ok" || clock.now() - warnedAt < DATABASE_WARN_MS) return;
  warnedAt = clock.now();
  log("database_filling", { state, bytes, limit_bytes: limitBytes });
}

/** A step of the retention. A bucket that fails must not hold up what time demands. */
async function keepHouse(ports: Ports): Promise<boolean> {
  try {
    return await retain(ports);
  } catch (error) {
    logError("not_retained", error);
    return true;
  }
}

/** What each backend said when it was asked last, by the clock of the isolate that asked: only a change is logged. */
const probed = new WeakMap<Ports["clock"], Memory<boolean>>();

/**
 * Asks backends in doubt for their health, a few at a time: an invocation has few connections, and one that waits for a
 * connection must not look like one that does not answer.
 */
async function probe(ports: Ports, backends: Awaited<ReturnType<typeof takeProbes>>): Promise<void> {
  const rest = [...backends];
  const known = probed.get(ports.clock) ?? new Memory<boolean>(MEMORY_THINGS);
  probed.set(ports.clock, known);
  const ask = async () => {
    for (let backend = rest.shift(); backend; backend = rest.shift()) {
      const { ready } = await readinessOf(backend, backend.version, ports);
      if (known.get(backend.id, ports.clock.now()) !== ready) log("backend_probed", { backend: backend.id, ready });
      known.set(backend.id, ready, Number.POSITIVE_INFINITY);
      // Its rest is over, so that one inference may prove it: nobody else would look for one before long.
      if (!ready) await backendIsNotReady(ports.db, backend.id);
      else if (await backendIsReady(ports.db, backend.id)) await ports.wake([{ model: backend.model, version: backend.version }]);
    }
  };
  await Promise.all(Array.from({ length: PROBES_AT_ONCE }, ask));
}

/**
 * All that is due, SWEEP_ROWS of a kind at a time: thousands that are due for one reason must not keep those that are due
 * for another waiting for many passes. The wake-ups go out once, at the end, and are not waited for: a queue that refuses
 * or hangs must not hold up what time demands. What is left unsent is a neglected lane soon.
 */
async function sweepInferences(ports: Ports): Promise<boolean> {
  const ready: Lane[] = [];
  const tellers = new Set<string>();
  for (let round = 1; ; round++) {
    const pass = await sweepDue(ports.db, SWEEP_ROWS, RUNNER_LOST, WAITED_TOO_LONG);
    const { canceled, expired, aged, lost } = pass;
    const handled = canceled + expired + aged + lost + pass.ready.length;
    ready.push(...pass.ready);
    for (const account of pass.deliveries) tellers.add(account);
    if (handled + pass.neglected.length > 0) {
      log("swept", { canceled, expired, aged, runner_lost: lost, ready: pass.ready.length, neglected_lanes: pass.neglected.length });
    }
    if ((handled < SWEEP_ROWS && !pass.areNotesLeft) || round === SWEEP_ROUNDS) {
      void hintWork(ports, wakeUpsFor(ready, pass.neglected));
      void hintDeliveries(ports, [...tellers]);
      return pass.dated;
    }
  }
}

/** One wake-up for each inference that became claimable and each free slot of a neglected lane, within a bound a lane. */
function wakeUpsFor(ready: readonly Lane[], neglected: readonly (Lane & { slots: number })[]): Lane[] {
  const wanted = new Map<string, { lane: Lane; count: number }>();
  const want = ({ model, version }: Lane, count: number) => {
    const name = JSON.stringify([model, version]);
    const known = wanted.get(name);
    wanted.set(name, { lane: { model, version }, count: Math.min(WAKE_UPS_PER_LANE, (known?.count ?? 0) + count) });
  };
  for (const lane of ready) want(lane, 1);
  for (const lane of neglected) want(lane, lane.slots);
  return [...wanted.values()].flatMap(({ lane, count }) => Array.from({ length: count }, () => lane));
}
