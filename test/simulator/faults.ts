/**
 * What goes wrong, drawn anew for every seed (swarm testing: a seed with one fault alone finds what a seed with all of
 * them hides). Half of all faults are off in any one seed; the others lie within the ranges below, which follow
 * TigerBeetle's VOPR: loss 0-30 %, replay 0-50 %, read and write faults 0-10 %, rare long stalls.
 */
import type { Speech, Unkindness } from "../support/repertoire.ts";
import { WAYS } from "./outside/unkind.ts";
import type { Random } from "./random.ts";

/** How calls of one part of the platform go wrong; chances per call. */
export interface CallFaults {
  /** It fails and has done nothing. */
  readonly before: number;
  /** It fails, but has done what it was asked: the outcome is unknown to the caller. */
  readonly after: number;
  /** It takes 1 to 60 s; then answers or fails. */
  readonly hang: number;
  /** It takes up to half a second. */
  readonly slow: number;
}

export interface BackendFaults {
  readonly slow: number;
  readonly unavailable: number;
  readonly busy: number;
  readonly cut: number;
  readonly crash: number;
  /** One of `ways` for an answer. */
  readonly unkind: number;
  readonly ways: readonly Unkindness[];
}

/** How a receiver of webhooks answers, besides well. */
export interface ReceiverFaults {
  readonly error: number;
  readonly busy: number;
  readonly redirect: number;
  readonly gone: number;
  readonly hangs: number;
  readonly late: number;
  /** It has taken what it was sent, and its answer gets lost. */
  readonly cut: number;
  readonly refuses: number;
  /** The resolver does not answer. */
  readonly unresolved: number;
}

export interface Faults {
  readonly database: CallFaults;
  readonly payloads: CallFaults;
  readonly queue: CallFaults;
  readonly gate: CallFaults;
  readonly sweep: CallFaults;
  readonly delivery: CallFaults;
  readonly watch: CallFaults;
  readonly wakeLost: number;
  readonly wakeDoubled: number;
  /** Of the wake-ups, those that take up to 30 s. */
  readonly wakeLate: number;
  readonly alarmLost: number;
  readonly alarmDoubled: number;
  readonly alarmLate: number;
  readonly cronLost: number;
  /** Mean times between; Infinity: never. */
  readonly crashEveryMs: number;
  readonly pauseEveryMs: number;
  readonly jumpEveryMs: number;
  readonly outageEveryMs: number;
  /** One isolate alone is cut off from the database. */
  readonly cutOffEveryMs: number;
  readonly gateForgetsEveryMs: number;
  readonly queueForgetsEveryMs: number;
  /** Isolates' clocks are apart from the database's by up to this. */
  readonly skewMs: number;
  readonly backend: BackendFaults;
  readonly receiver: ReceiverFaults;
  /** Of the writes to an inference, those after which whoever wrote it, or whoever is to hear of it, dies or stands still. */
  readonly strikes: number;
}

const NO_CALL_FAULTS: CallFaults = { before: 0, after: 0, hang: 0, slow: 0 };

export const NO_FAULTS: Faults = {
  database: NO_CALL_FAULTS,
  payloads: NO_CALL_FAULTS,
  queue: NO_CALL_FAULTS,
  gate: NO_CALL_FAULTS,
  sweep: NO_CALL_FAULTS,
  delivery: NO_CALL_FAULTS,
  watch: NO_CALL_FAULTS,
  wakeLost: 0,
  wakeDoubled: 0,
  wakeLate: 0,
  alarmLost: 0,
  alarmDoubled: 0,
  alarmLate: 0,
  cronLost: 0,
  crashEveryMs: Infinity,
  pauseEveryMs: Infinity,
  jumpEveryMs: Infinity,
  outageEveryMs: Infinity,
  cutOffEveryMs: Infinity,
  gateForgetsEveryMs: Infinity,
  queueForgetsEveryMs: Infinity,
  skewMs: 0,
  backend: { slow: 0, unavailable: 0, busy: 0, cut: 0, crash: 0, unkind: 0, ways: [] },
  receiver: { error: 0, busy: 0, redirect: 0, gone: 0, hangs: 0, late: 0, cut: 0, refuses: 0, unresolved: 0 },
  strikes: 0,
};

/** The same, but most answers are unkind, in ways that servers of this protocol alone have: there are many, and each is rare elsewhere. */
export function unkindIn(protocol: Speech, faults: Faults, random: Random): Faults {
  if (faults === NO_FAULTS) return faults;
  const ways = WAYS.filter(({ speaks }) => speaks.every((it) => it === protocol));
  return { ...faults, backend: { ...faults.backend, unkind: 0.3 + 0.7 * random.next(), ways } };
}

/** `watches` is a stream of its own, so that a seed in which nobody watches is the same as it was without. */
export function drawFaults(random: Random, watches: Random): Faults {
  if (random.chance(0.03)) return NO_FAULTS;
  const drawUpTo = (from: Random, most: number) => (from.chance(1 / 2) ? 0 : from.next() * most);
  const upTo = (most: number) => drawUpTo(random, most);
  const every = (least: number, most: number) => (random.chance(1 / 2) ? Infinity : random.magnitude(least, most));
  const troubled = random.chance(1 / 3) ? 0 : random.next();
  const calls = (from = random): CallFaults => ({
    before: drawUpTo(from, 0.1),
    after: drawUpTo(from, 0.1),
    hang: drawUpTo(from, from.chance(0.2) ? 0.2 : 0.02),
    slow: drawUpTo(from, 0.2),
  });
  return {
    database: calls(),
    payloads: calls(),
    queue: calls(),
    gate: calls(),
    sweep: calls(),
    delivery: calls(),
    watch: calls(watches),
    wakeLost: upTo(0.3),
    wakeDoubled: upTo(0.5),
    wakeLate: upTo(0.3),
    alarmLost: upTo(0.05),
    alarmDoubled: upTo(0.3),
    alarmLate: upTo(0.3),
    cronLost: upTo(0.3),
    crashEveryMs: every(5_000, 120_000),
    pauseEveryMs: every(5_000, 120_000),
    jumpEveryMs: every(10_000, 180_000),
    outageEveryMs: every(20_000, 240_000),
    cutOffEveryMs: every(5_000, 120_000),
    gateForgetsEveryMs: every(2_000, 60_000),
    queueForgetsEveryMs: every(20_000, 240_000),
    skewMs: random.chance(1 / 3) ? 0 : random.int(1, 30_000),
    backend: {
      slow: upTo(0.2),
      unavailable: upTo(troubled * 0.2),
      busy: upTo(troubled * 0.2),
      cut: upTo(troubled * 0.2),
      crash: upTo(troubled * 0.05),
      unkind: random.chance(0.15) ? random.next() : upTo(troubled * 0.4),
      ways: random.chance(1 / 2) ? WAYS : random.shuffled(WAYS).slice(0, random.int(1, 20)),
    },
    receiver: {
      error: upTo(0.2),
      busy: upTo(0.1),
      redirect: upTo(0.1),
      gone: upTo(0.02),
      hangs: upTo(0.1),
      late: upTo(0.1),
      cut: upTo(0.1),
      refuses: upTo(0.2),
      unresolved: upTo(0.2),
    },
    strikes: upTo(0.04),
  };
}
