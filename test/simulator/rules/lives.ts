/**
 * What the rules know of every inference, of every backend and of every request that waits: the reference model's memory,
 * and the questions that several rules ask of it. It shares no code with what is judged, except for the names of the
 * statuses and the numbers of the design.
 */
import type { Status } from "../../../src/inferences/status.ts";
import type { Isolate } from "../platform/isolate.ts";
import type { BackendRow, InferenceRow } from "../platform/rows.ts";
import type { End } from "./ends.ts";

/** Who a write is by. A runner is known by the lease that it writes under; `names` are all of its isolate that one write names, for which it is sent. */
export type Actor =
  | { readonly kind: "runner"; readonly lease: string; readonly isolate: Isolate; readonly names?: readonly string[] }
  | { readonly kind: "waiter"; readonly waiter: Waiter; readonly isolate: Isolate }
  | { readonly kind: "sweep" | "client" | "operator" | "gate" | "setup" | "sender" | "watch" | "model"; readonly isolate: Isolate };

/** A request that waits for its inference and runs it itself, as far as anybody can know from outside. */
export interface Waiter {
  readonly isolate: Isolate;
  /** What it runs its inference under; null until its row is there, and for ever where it only asks again. */
  lease: string | null;
  /** When it heard that its client is gone. */
  goneAt: number | null;
  /** Whether it has ended, with an answer or an error. */
  end: "none" | "answered" | "failed";
  /** The sweep has taken a lease of its. */
  isLost: boolean;
  /** See Model.misjudges. */
  misjudges: boolean;
}

/** A call that a backend is busy with, whatever has become of its inference meanwhile. */
export interface LiveCall {
  readonly job: number;
  readonly backendId: string;
  readonly lease: string;
  readonly isolate: Isolate;
  readonly beganAt: number;
}

export interface Outside {
  now(): number;
  isStored(key: string): boolean;
  /** Calls that servers are busy with. */
  calls(): Iterable<LiveCall>;
  /** Which outage of a server's tunnel it is; null if that stands. */
  tunnelOf(backendId: string): number | null;
  /** Before which time a job was not to begin; null: at once. */
  notBeforeOf(job: number): number | null;
  /** Whether a backend has said `done` of this job, and if so in these words. */
  wasAnswered(job: number, output: string | null, object: string | null): boolean;
  violate(rule: string, detail: string): void;
}

/** How many failures open a circuit: design, section 10. */
const CIRCUIT_OPENS_AT = 5;

export interface Life {
  row: InferenceRow;
  readonly job: number;
  /** Of the submit, or the time before which that was not to begin, or of the last redrive. */
  since: number;
  /** When its row was last written. */
  writtenAt: number;
  canceledAt: number | null;
  finalAt: number | null;
  /** All that it has had, in order. */
  readonly ends: End[];
  /** Its status has been one of these. */
  readonly seen: Set<Status>;
  /** The last attempt for which a backend was called. */
  calledFor: number;
}

export class Lives {
  readonly lives = new Map<string, Life>();
  readonly backends = new Map<string, BackendRow>();
  readonly accountCaps = new Map<string, number | null>();
  readonly jobs = new Map<number, Life>();
  /** By `account/key`: the inference that has it. */
  readonly idempotencyKeys = new Map<string, string>();
  readonly lanes = new Map<string, Map<string, Life>>();
  /** Requests that wait, by their leases. */
  readonly waiters = new Map<string, Waiter>();
  /** Inferences are final at the latest this long after the later of their beginning and this time. */
  faultsEndedAt = Infinity;
  readonly outside: Outside;

  constructor(outside: Outside) {
    this.outside = outside;
  }

  violate(rule: string, detail: string): void {
    this.outside.violate(rule, detail);
  }

  claimable(lane: string): Life[] {
    return [...(this.lanes.get(lane)?.values() ?? [])].filter(({ row }) => row.status === "queued" && row.notBefore === null);
  }

  backendsOf(lane: string): BackendRow[] {
    return [...this.backends.values()].filter((backend) => laneOf(backend) === lane);
  }

  /** What keeps a slot of a backend: also what was canceled, until its runner has let go of it. */
  liveOn(backendId: string, now: number): InferenceRow[] {
    const backend = this.backends.get(backendId);
    if (!backend) return [];
    return [...(this.lanes.get(laneOf(backend))?.values() ?? [])]
      .map(({ row }) => row)
      .filter((row) => row.lease !== null && row.backendId === backendId && (row.leaseUntil ?? 0) > now);
  }

  /** Whether its circuit has opened to this account: to all, or, where one account's failures alone opened it, to that one. */
  isDoubted({ failures, failuresOf }: BackendRow, accountId: string): boolean {
    return failures >= CIRCUIT_OPENS_AT && (failuresOf ?? accountId) === accountId;
  }

  slots(backend: BackendRow, now: number, accountId: string): number {
    if (backend.state !== "active") return 0;
    const live = this.liveOn(backend.id, now);
    const free = backend.maxConcurrency - live.length;
    if (backend.failures >= CIRCUIT_OPENS_AT && !this.isDoubted(backend, accountId)) return free;
    if ((backend.restedUntil ?? 0) > now) return 0;
    if (!this.isDoubted(backend, accountId)) return free;
    const probes = live.filter((row) => (row.startedAt ?? 0) >= (backend.restedUntil ?? Infinity));
    return Math.min(free, 1 - probes.filter((row) => (backend.failuresOf ?? row.accountId) === row.accountId).length);
  }

  /** What there is for an account's inferences in a lane: room on a backend in no doubt, room for a probe of another, or nothing. */
  roomFor(row: InferenceRow, now: number): "free" | "probe" | "none" {
    const rooms = this.backendsOf(laneOf(row)).filter((backend) => this.slots(backend, now, row.accountId) > 0);
    if (rooms.length === 0) return "none";
    return rooms.some((backend) => !this.isDoubted(backend, row.accountId)) ? "free" : "probe";
  }

  /** Whether one goes before another as things are: what has failed goes last if it could only be a probe. */
  goesFirst(one: InferenceRow, other: InferenceRow, now: number): boolean {
    const isSuspect = (row: InferenceRow) => row.attempt - row.attemptsBefore > row.unreached && this.roomFor(row, now) === "probe";
    const [is, isOther] = [isSuspect(one), isSuspect(other)];
    return is === isOther ? goesBefore(one, other) : isOther;
  }

  atCap({ model, accountId }: InferenceRow, now: number): boolean {
    const cap = this.accountCaps.get(model) ?? null;
    if (cap === null) return false;
    const hosts = [...this.backends.values()].filter((backend) => backend.model === model);
    const running = hosts.flatMap((backend) => this.liveOn(backend.id, now));
    return running.filter((row) => row.accountId === accountId).length >= cap;
  }
}

/** Whether a request is there to see that its turn has come. */
export function looks({ isolate, end }: Waiter): boolean {
  return end === "none" && isolate.alive && !isolate.frozen;
}

/** What an actor holds inferences under. */
export function leaseOf(by: Actor): string | null {
  return by.kind === "runner" ? by.lease : by.kind === "waiter" ? by.waiter.lease : null;
}

/** Whether a write may be about what is held under a lease. */
export function holds(by: Actor, lease: string | null): boolean {
  return lease !== null && (by.kind === "runner" && by.names ? by.names.includes(lease) : leaseOf(by) === lease);
}

/** As the trace calls it. */
export function nameOf(actor: Actor): string {
  return `${actor.isolate.name} ${leaseOf(actor) ?? actor.kind}`;
}

export function isFinal(status: Status): boolean {
  return status === "succeeded" || status === "failed" || status === "canceled" || status === "expired";
}

export function laneOf(it: { readonly model: string; readonly version: string }): string {
  return `${it.model}@${it.version}`;
}

export function goesBefore(one: InferenceRow, other: InferenceRow): boolean {
  if (one.level !== other.level) return one.level < other.level;
  if (one.turn !== other.turn) return one.turn < other.turn;
  return one.id < other.id;
}
