/**
 * The reference model: what every inference has been through, and what must be true of it, told again in other words
 * than the flows' own. It sees each change of each row in order, with who made it, and judges the change by the state
 * before it. It shares no code with what it judges but the names of the statuses and the numbers of the design.
 */
import type { Inference } from "../../src/inferences/inference.ts";
import type { Status } from "../../src/inferences/status.ts";
import type { Isolate } from "./isolate.ts";
import type { BackendRow, Change, InferenceRow } from "./rows.ts";

/** Who a write is by. A runner is known by the lease that it writes under. */
export type Actor =
  | { readonly kind: "runner"; readonly lease: string; readonly isolate: Isolate }
  | { readonly kind: "waiter"; readonly attendance: Waiter; readonly isolate: Isolate }
  | { readonly kind: "sweep" | "client" | "operator" | "gate" | "setup"; readonly isolate: Isolate };

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
  /** Whether a backend has said `done` of this job, and if so in these words. */
  wasAnswered(job: number, output: string | null, object: string | null): boolean;
  violate(rule: string, detail: string): void;
}

/** Which status may follow which, and by whose hand. */
const BY_WHOM: Readonly<Record<Status, Partial<Record<Status, readonly Actor["kind"][]>>>> = {
  queued: { in_progress: ["runner", "waiter"], canceled: ["client", "waiter", "operator", "sweep"], expired: ["sweep"] },
  in_progress: {
    succeeded: ["runner", "waiter"],
    failed: ["runner", "waiter", "sweep"],
    queued: ["runner", "waiter", "sweep"],
    canceled: ["client", "waiter", "operator", "sweep"],
  },
  succeeded: {},
  failed: { queued: ["client", "operator"] },
  canceled: {},
  expired: { queued: ["client", "operator"] },
};

/** A level's ageing, in ms, and failures that open a circuit: design, sections 4 and 10. */
const CIRCUIT_OPENS_AT = 5;
const LEASE_MS = 30_000;
const RETRY_AFTER_MOST_MS = 60_000;
const SLACK_MS = 60_000;
/** A runner that is told nothing lets go this long after it last asked; the rest is for the way to the backend. */
const LET_GO_MS = 25_000 + 1_500;
/** The wait of an inference in a lane and level, and who was served meanwhile. */
interface Waiting {
  readonly key: string;
  readonly lane: string;
  readonly level: number;
  /** How many of another account may go before it: one in each round until its own. */
  readonly turnsAhead: number;
  readonly served: Map<string, number>;
}

interface Life {
  row: InferenceRow;
  readonly job: number;
  /** Of the submit or the last redrive. */
  since: number;
  /** When its row was last written. */
  writtenAt: number;
  canceledAt: number | null;
  finalAt: number | null;
  /** Its status has been one of these. */
  readonly seen: Set<Status>;
  /** The last attempt for which a backend was called. */
  calledFor: number;
}

export class Model {
  readonly lives = new Map<string, Life>();
  readonly backends = new Map<string, BackendRow>();
  readonly accountCaps = new Map<string, number | null>();
  readonly jobs = new Map<number, Life>();
  /** By `account/key`: the inference that has it. */
  readonly idempotencyKeys = new Map<string, string>();
  finals = 0;
  doubled = 0;
  claims = 0;
  /** Inferences are final at the latest this long after the later of their beginning and this time. */
  faultsEndedAt = Infinity;
  readonly #outside: Outside;
  readonly #waiting = new Map<string, Waiting>();
  readonly #attendances = new Map<string, Waiter>();
  readonly #misjudging = new Set<string>();
  readonly #lanes = new Map<string, Map<string, Life>>();
  readonly #jobOf: (row: InferenceRow) => number;
  /** In seeds without skew only: ids sort by their isolates' clocks. */
  readonly #fair: boolean;

  constructor(outside: Outside, jobOf: (row: InferenceRow) => number, fair: boolean) {
    this.#outside = outside;
    this.#jobOf = jobOf;
    this.#fair = fair;
  }

  see(change: Change, by: Actor): void {
    if (change.of === "backend") this.backends.set(change.row.id, change.row);
    else if (change.of === "removal") this.#violate("nothing vanishes", `${change.table} ${change.id} was deleted`);
    else this.#seeInference(change.row, by);
  }

  get open(): number {
    return this.lives.size - this.finals;
  }

  #violate(rule: string, detail: string): void {
    this.#outside.violate(rule, detail);
  }

  #seeInference(row: InferenceRow, by: Actor): void {
    const key = `${row.accountId}/${row.id}`;
    const life = this.lives.get(key);
    if (!life) {
      this.#born(key, row, by);
      return;
    }
    const old = life.row;
    const now = this.#outside.now();
    const name = `#${life.job}`;
    if (old.accountId !== row.accountId || old.model !== row.model || old.version !== row.version || old.createdAt !== row.createdAt) {
      this.#violate("identity", `${name} changed what it is`);
    }
    this.#judgeAttendant(life, row, by);
    if (old.lease !== null && row.lease !== old.lease) this.#judgeSlot(life, old.lease);
    if (old.status !== row.status) this.#judgeChange(life, row, by);
    else if (row.status === "in_progress") this.#judgeRenewal(life, row, by);
    else if (row.status === "queued") this.#judgeWait(life, row, by);
    else if (
      old.output !== row.output ||
      old.outputObject !== row.outputObject ||
      old.finishedAt !== row.finishedAt ||
      old.error !== row.error
    ) {
      this.#violate("final stays final", `${name} is ${row.status} and was changed`);
      this.doubled++;
    }
    this.#judgeRow(life, row);
    life.row = row;
    life.writtenAt = now;
    life.seen.add(row.status);
    if (row.status !== "queued" || row.level !== old.level || row.notBefore !== null) this.#waiting.delete(key);
    if (old.status !== row.status) {
      if (isFinal(row.status)) {
        this.finals++;
        life.finalAt = now;
        if (row.status === "canceled") life.canceledAt = now;
        this.#judgeBound(life, now);
      } else if (isFinal(old.status)) {
        this.finals--;
        life.since = now;
        life.finalAt = null;
      }
    }
  }

  #born(key: string, row: InferenceRow, by: Actor): void {
    const job = this.#jobOf(row);
    const now = this.#outside.now();
    const life: Life = { row, job, since: now, writtenAt: now, canceledAt: null, finalAt: null, seen: new Set([row.status]), calledFor: 0 };
    if (by.kind !== "client" && by.kind !== "waiter") this.#violate("born of a submit", `#${job} was inserted by ${by.kind}`);
    if ((row.waiter !== null) !== (by.kind === "waiter"))
      this.#violate("in its request's name", `#${job} was inserted by ${by.kind}, its waiter is ${row.waiter}`);
    if (row.waiter !== null && by.kind === "waiter") {
      by.attendance.lease = row.waiter;
      this.#attendances.set(row.waiter, by.attendance);
    }
    if (row.status !== "queued" || row.attempt !== 0 || row.lease !== null || row.notBefore !== null || row.level !== row.priority) {
      this.#violate("born queued", `#${job} begins as ${row.status}, attempt ${row.attempt}`);
    }
    if (row.idempotencyKey !== null) {
      const name = `${row.accountId}/${row.idempotencyKey}`;
      const other = this.idempotencyKeys.get(name);
      if (other !== undefined) this.#violate("one inference to a key", `#${job} has the Idempotency-Key of ${other}`);
      this.idempotencyKeys.set(name, key);
    }
    this.#judgeRow(life, row);
    const lane = laneOf(row);
    this.#judgeTurn(life, row, "next");
    const turns = this.#claimable(lane).flatMap((other) => (other.row.level === row.level ? [other.row.turn] : []));
    const turnsAhead = turns.length === 0 ? 0 : row.turn - Math.min(...turns) + 1;
    this.lives.set(key, life);
    this.jobs.set(job, life);
    const lives = this.#lanes.get(lane) ?? new Map<string, Life>();
    this.#lanes.set(lane, lives.set(key, life));
    if (this.#fair) this.#waiting.set(key, { key, lane, level: row.level, turnsAhead, served: new Map() });
  }

  /** What must be true of any row at any time. */
  #judgeRow({ job }: Life, row: InferenceRow): void {
    if (isFinal(row.status) !== (row.dueAt === null)) this.#violate("dated unless final", `#${job} is ${row.status}, due ${row.dueAt}`);
    // A cancelled one keeps its slot until its runner has let go of it.
    const leased = row.lease !== null && row.leaseUntil !== null;
    if (leased !== (row.status === "in_progress") && !(leased && row.status === "canceled")) {
      this.#violate("leased while in progress", `#${job} is ${row.status}, lease ${row.lease}`);
    }
    const hasOutput = row.output !== null || row.outputObject !== null;
    if (hasOutput !== (row.status === "succeeded"))
      this.#violate("an output only of a success", `#${job} is ${row.status}, output: ${hasOutput}`);
    // Those that never reached a backend do not count.
    if (row.attempt - row.attemptsBefore - row.unreached > row.maxAttempts) {
      this.#violate(
        "attempts within bounds",
        `#${job} is at attempt ${row.attempt - row.attemptsBefore - row.unreached} of ${row.maxAttempts}`,
      );
    }
    if ((row.status === "failed" || row.status === "expired") && row.error === null) this.#violate("failures are explained", `#${job}`);
    if (row.level < 0 || row.level > row.priority) this.#violate("level", `#${job} has priority ${row.priority}, level ${row.level}`);
  }

  #judgeChange(life: Life, row: InferenceRow, by: Actor): void {
    const old = life.row;
    const now = this.#outside.now();
    const name = `#${life.job}`;
    const hands = BY_WHOM[old.status][row.status];
    if (!hands) {
      this.#violate(isFinal(old.status) ? "final stays final" : "transition table", `${name} went from ${old.status} to ${row.status}`);
      if (isFinal(old.status) && isFinal(row.status)) this.doubled++;
      return;
    }
    if (!hands.includes(by.kind)) this.#violate("by whose hand", `${name} went from ${old.status} to ${row.status} by ${by.kind}`);
    const claimed = old.status === "queued" && row.status === "in_progress";
    if (row.attempt !== old.attempt + (claimed ? 1 : 0))
      this.#violate("attempts count by one", `${name} from ${old.attempt} to ${row.attempt}`);
    if (claimed) this.#judgeClaim(life, row, by);
    if (old.status === "in_progress" && row.status !== "canceled") {
      if ((by.kind === "runner" || by.kind === "waiter") && leaseOf(by) !== old.lease) {
        this.#violate("fencing", `${name}, held under ${old.lease}, was ended by the ${by.kind} ${leaseOf(by)}`);
      }
      if (by.kind === "sweep" && (old.leaseUntil ?? 0) > now) {
        this.#violate("a live lease is not taken", `${name} has a lease for ${(old.leaseUntil ?? 0) - now} ms more`);
      }
    }
    if (row.status === "expired" && old.startBy > now) this.#violate("not expired early", `${name} had ${old.startBy - now} ms left`);
    if (row.status === "canceled" && by.kind === "sweep" && (old.cancelAt ?? Infinity) > now) {
      this.#violate("not cancelled early", `${name} was to be cancelled at ${old.cancelAt}`);
    }
    if (row.status === "succeeded") this.#judgeSuccess(life, row);
    if (row.status === "queued" && old.status === "in_progress" && row.notBefore === null) this.#judgeTurn(life, row, "served");
    if (row.status === "queued" && old.status !== "in_progress") {
      this.#judgeTurn(life, row, "next");
      if (row.attemptsBefore !== row.attempt)
        this.#violate("a redrive counts anew", `${name} has ${row.attempt - row.attemptsBefore} attempts behind it`);
    }
  }

  #judgeSuccess({ job }: Life, row: InferenceRow): void {
    if (row.outputObject !== null && !this.#outside.isStored(row.outputObject)) {
      this.#violate("stored before said", `#${job} succeeded, but ${row.outputObject} is not stored`);
    }
    if (!this.#outside.wasAnswered(job, row.output, row.outputObject)) {
      this.#violate("its own output", `#${job} succeeded with an output that no backend gave for it`);
    }
  }

  /**
   * One that comes into a level gets the round after its account's last that waits there, or after the one being served; one
   * that comes back from an attempt, the one being served.
   */
  #judgeTurn(life: Life, row: InferenceRow, which: "next" | "served"): void {
    const peers = this.#claimable(laneOf(row)).filter((other) => other !== life && other.row.level === row.level);
    const own = peers.filter((other) => other.row.accountId === row.accountId).map((other) => other.row.turn);
    const served = Math.min(...peers.map((other) => other.row.turn));
    const known = which === "served" ? served : Math.max(served, ...own) + 1;
    const expected = peers.length === 0 ? 0 : known;
    if (row.turn !== expected) this.#violate("turn", `#${life.job} has turn ${row.turn}, not ${expected}`);
  }

  /** Still waiting, or running: what may change is when it may be claimed, and its level. */
  #judgeWait(life: Life, row: InferenceRow, by: Actor): void {
    const { row: old, job } = life;
    if (row.level !== old.level && row.notBefore === null) this.#judgeTurn(life, row, "next");
    else if (old.notBefore !== null && row.notBefore === null) this.#judgeTurn(life, row, "served");
    const now = this.#outside.now();
    if (row.attempt !== old.attempt) this.#violate("attempts count by one", `#${job} from ${old.attempt} to ${row.attempt}`);
    if (old.notBefore !== null && row.notBefore === null && old.notBefore > now) {
      this.#violate("back-off is kept", `#${job} may be claimed ${old.notBefore - now} ms early`);
    }
    if (row.level !== old.level && (by.kind !== "sweep" || row.level !== old.level - 1 || (old.agesAt ?? Infinity) > now)) {
      this.#violate("ageing", `#${job} from level ${old.level} to ${row.level} by ${by.kind}`);
    }
  }

  /** Whose it is to run: the request that submitted it, until that lets go of it, loses its lease, or has answered. */
  #judgeAttendant({ row: old, job }: Life, row: InferenceRow, by: Actor): void {
    const attendance = this.#attendances.get(old.waiter ?? "");
    if (attendance && by.kind === "sweep" && old.lease === old.waiter && row.lease !== old.lease) attendance.isLost = true;
    if (row.waiter === old.waiter) return;
    if (row.waiter !== null || (by.kind === "waiter" && leaseOf(by) !== old.waiter))
      this.#violate("in its request's name", `#${job} went from ${old.waiter} to ${row.waiter} by ${by.kind}`);
  }

  /** Whoever held it has let go, or was let go of: the backend must not be busy with it any more. */
  #judgeSlot({ job }: Life, lease: string): void {
    for (const call of this.#outside.calls()) {
      if (call.job !== job || call.lease !== lease || this.#excused(call)) continue;
      this.#violate("a slot is free when its call has ended", `#${job} is let go by ${lease}, and ${call.backendId} is still busy with it`);
    }
  }

  #judgeRenewal({ row: old, job }: Life, row: InferenceRow, by: Actor): void {
    const now = this.#outside.now();
    if (row.attempt !== old.attempt || row.lease !== old.lease || row.backendId !== old.backendId) {
      this.#violate("one live lease", `#${job} changed hands while in progress`);
    }
    if (row.leaseUntil === old.leaseUntil) return;
    if (leaseOf(by) !== old.lease) this.#violate("fencing", `#${job}, held under ${old.lease}, was renewed by another`);
    // Its slot may have been given away already.
    if ((old.leaseUntil ?? 0) <= now)
      this.#violate(
        "a lapsed lease is not renewed",
        `#${job} came back to life on ${old.backendId} after ${now - (old.leaseUntil ?? 0)} ms`,
      );
  }

  #judgeClaim(life: Life, row: InferenceRow, by: Actor): void {
    const { row: old, job } = life;
    const now = this.#outside.now();
    const lane = laneOf(row);
    this.claims++;
    const holder = old.waiter ?? (by.kind === "runner" ? by.lease : null);
    if (row.lease !== holder || (by.kind === "waiter" && leaseOf(by) !== holder)) {
      const rule = old.waiter === null ? "one live lease" : "in its request's name";
      this.#violate(rule, `#${job} was claimed under ${row.lease} by ${leaseOf(by)}, its waiter is ${old.waiter}`);
    }
    const attendance = this.#attendances.get(row.lease ?? "");
    if (attendance?.isLost || attendance?.end === "answered") {
      const why = attendance.isLost ? "has lost a lease already" : "has answered";
      this.#violate("left to a runner", `#${job} was claimed in the name of a request that ${why}`);
    }
    if (row.leaseUntil !== now + LEASE_MS) this.#violate("one live lease", `#${job} is leased until ${row.leaseUntil}`);
    if (old.notBefore !== null) this.#violate("back-off is kept", `#${job} was claimed while it backs off`);
    if (old.startBy <= now) this.#violate("start within", `#${job} was claimed ${now - old.startBy} ms after its time in the queue`);
    this.#judgeBackend(life, row, now);
    if (this.#atCap(row, now)) this.#violate("an account's cap", `#${job} was claimed though its account runs as many as it may`);
    for (const other of this.#claimable(lane)) {
      if (other === life || !goesBefore(other.row, old) || other.row.startBy <= now || this.#atCap(other.row, now)) continue;
      const rule = other.row.level < old.level ? "priority" : "order";
      const place = (it: InferenceRow) => `level ${it.level}, turn ${it.turn}`;
      this.#violate(rule, `#${job} (${place(old)}) was claimed before #${other.job} (${place(other.row)})`);
    }
    this.#judgeFairness(life, lane, now);
  }

  #judgeBackend({ row: old, job }: Life, row: InferenceRow, now: number): void {
    const backend = this.backends.get(row.backendId ?? "");
    if (!backend || backend.model !== row.model || backend.version !== row.version) {
      this.#violate("backend of the lane", `#${job} was given to ${row.backendId}`);
      return;
    }
    const free = this.#slots(backend, now);
    if (free <= 0) {
      const rule = this.#liveOn(backend.id, now).length >= backend.maxConcurrency ? "capacity" : "circuit";
      this.#violate(rule, `#${job} was given to ${backend.id}, which takes no more`);
    }
    for (const other of this.backends.values()) {
      if (other.id === backend.id || other.model !== row.model || other.version !== row.version) continue;
      const otherFree = this.#slots(other, now);
      if (otherFree <= 0) continue;
      if (old.backendId === backend.id)
        this.#violate("another backend for a retry", `#${job} went to ${backend.id} again though ${other.id} is free`);
      if (otherFree > free && old.backendId !== other.id)
        this.#violate("load is shared", `#${job} went to ${backend.id}, not to ${other.id}`);
    }
  }

  /** Nobody who waits is passed by more of another account than one in each round. */
  #judgeFairness(life: Life, lane: string, now: number): void {
    const firstAttempt = life.row.attempt === life.row.attemptsBefore;
    for (const waiting of this.#waiting.values()) {
      const first = this.lives.get(waiting.key);
      if (
        !first ||
        first === life ||
        waiting.lane !== lane ||
        waiting.level !== life.row.level ||
        first.row.accountId === life.row.accountId
      )
        continue;
      if (!firstAttempt || first.row.startBy <= now || this.#atCap(first.row, now)) continue;
      // Its id is older though it came later: the write of its submit was under way for longer.
      if (life.row.createdAt >= first.row.createdAt && life.row.id < first.row.id) continue;
      const count = (waiting.served.get(life.row.accountId) ?? 0) + 1;
      waiting.served.set(life.row.accountId, count);
      if (count > waiting.turnsAhead)
        this.#violate("fairness", `${count} of ${life.row.accountId} went before #${first.job}, now #${life.job}`);
    }
  }

  #judgeBound(life: Life, now: number): void {
    const late = now - this.latestEnd(life);
    if (late > 0) this.#violate("bound", `#${life.job} was final ${late} ms after its time`);
  }

  /** By when an inference must be final. */
  latestEnd({ row, since }: Life): number {
    const timeout = Math.max(...this.#backendsOf(laneOf(row)).map((backend) => backend.timeoutSeconds));
    const attempt = Math.min(row.runWithinSeconds ?? timeout, timeout) * 1_000 + Math.max(row.maxDelayMs, RETRY_AFTER_MOST_MS);
    return Math.max(since, this.faultsEndedAt) + row.maxTimeInQueueSeconds * 1_000 + row.maxAttempts * attempt + SLACK_MS;
  }

  /** A backend is busy with one more call: of all that it is busy with, no more may be in their right than it has slots. */
  judgeCalls(call: LiveCall, all: Iterable<LiveCall>): void {
    const now = this.#outside.now();
    const backend = this.backends.get(call.backendId);
    this.#judgeAttempt(call);
    if (this.#excused(call)) return;
    const calls = [...all];
    const right = calls.filter((it) => it.backendId === call.backendId && !this.#excused(it));
    if (backend && right.length > backend.maxConcurrency) {
      const names = right.map((it) => `#${it.job} since ${now - it.beganAt} ms`).join(", ");
      this.#violate("real calls", `${call.backendId} has ${right.length} calls at once of ${backend.maxConcurrency}: ${names}`);
    }
    const twice = calls.filter((it) => it.job === call.job && !this.#excused(it));
    if (twice.length > 1) this.#violate("one real call", `#${call.job} runs ${twice.length} times at once`);
  }

  /** A backend is called once for each attempt, and only under a lease that lives. */
  #judgeAttempt(call: LiveCall): void {
    const { job, lease, backendId } = call;
    const life = this.jobs.get(job);
    if (!life) return this.#violate("nothing unexpected", `${backendId} is called for #${job}, which is not there`);
    const { row } = life;
    const isHeld = row.lease === lease;
    const calledFor = life.calledFor;
    if (isHeld) life.calledFor = row.attempt;
    if (this.#excused(call)) return;
    if (!isHeld || (row.leaseUntil ?? 0) <= this.#outside.now()) {
      this.#violate(
        "no call without a lease",
        `${backendId} is called for #${job} under ${lease}; it is ${row.status}, held by ${row.lease}`,
      );
    } else if (calledFor >= row.attempt) this.#violate("one call to an attempt", `#${job} is called again at attempt ${row.attempt}`);
  }

  /** A call must have ended when its lease does: its isolate lets go in time, whether it can ask or not. */
  judgeLeases(all: Iterable<LiveCall>): void {
    const now = this.#outside.now();
    for (const call of all) {
      const row = this.jobs.get(call.job)?.row;
      if (this.#excused(call) || (row?.lease === call.lease && (row.leaseUntil ?? 0) > now)) continue;
      this.#violate("no call without a lease", `#${call.job} is called under ${call.lease}; it is ${row?.status}, held by ${row?.lease}`);
    }
  }

  /**
   * A lease counts from when it was asked for, by the clock of the isolate that asks. Where that was set before the answer
   * came, its holder can't know how long the answer took, and may hold on to it for that much too long.
   */
  misjudges(by: Actor): void {
    if (by.kind === "waiter") by.attendance.misjudges = true;
    else if (by.kind === "runner") this.#misjudging.add(by.lease);
  }

  /** Its isolate stood still meanwhile, or misjudges its lease. */
  #excused({ isolate, beganAt, lease }: LiveCall): boolean {
    return isolate.steadySince > beganAt || this.#misjudging.has(lease) || (this.#attendances.get(lease)?.misjudges ?? false);
  }

  /** A call whose inference was cancelled goes on for a while, until its runner hears of it. */
  judgeZombies(all: Iterable<LiveCall>): void {
    const now = this.#outside.now();
    for (const call of all) {
      const since = this.jobs.get(call.job)?.canceledAt ?? null;
      if (since !== null && !this.#excused(call) && now - Math.max(since, call.beganAt) > LET_GO_MS) {
        this.#violate("cancel stops the call", `#${call.job} is still called ${now - since} ms after its cancel`);
      }
    }
  }

  isCanceled(job: number): boolean {
    return this.jobs.get(job)?.row.status === "canceled";
  }

  /** A request that waits has answered with this, or, where its client was gone, would have. */
  judgeAnswer(attendance: Waiter, job: number, answer: Inference, replayed: boolean): void {
    const life = this.jobs.get(job);
    if (!life || life.row.id !== answer.id) {
      this.#violate("nothing accepted is lost", `#${job} was answered as ${answer.id}, there is ${life?.row.id}`);
      return;
    }
    const { row, seen } = life;
    const hasEnded = [...seen].some(isFinal);
    if (replayed !== (attendance.lease === null))
      this.#violate("whose it is", `#${job}: replayed ${replayed}, attended under ${attendance.lease}`);
    if (!isFinal(answer.status)) {
      // Nobody hears it any more; what counts is that there is nothing left to wait for, unless somebody else waits.
      if (attendance.goneAt === null || !(replayed || hasEnded))
        this.#violate("an answer is the end", `#${job} was answered as ${answer.status}`);
      return;
    }
    if (!seen.has(answer.status))
      this.#violate("an answer is what the row says", `#${job} was answered as ${answer.status}, it is ${row.status}`);
    if (answer.status === "succeeded") {
      const { output } = answer;
      const isOurs =
        output.at === "row"
          ? output.body === row.output
          : output.key !== null && output.key === row.outputObject && this.#outside.isStored(output.key);
      if (!isOurs) this.#violate("stored before said", `#${job} was answered with what its row does not say`);
    }
    // It has ended its call, and said so, before it answered.
    if (row.lease !== null && row.lease === attendance.lease)
      this.#violate("a slot is free when its call has ended", `#${job} was answered and is still held`);
  }

  /** Where the request of that lease runs. */
  isolateOf(waiter: string | null): Isolate | null {
    return this.#attendances.get(waiter ?? "")?.isolate ?? null;
  }

  /** Since when an inference has been final, if it is. */
  finalSince(job: number): number | null {
    return this.jobs.get(job)?.finalAt ?? null;
  }

  /** Slots that whoever holds them could use and does not: claimed since then, and no backend was called yet. */
  unusedSlots(since: number, before: number): Life[] {
    return [...this.lives.values()].filter(({ row, calledFor }) => {
      if (row.status !== "in_progress" || calledFor >= row.attempt) return false;
      if ((row.startedAt ?? 0) < since || (row.startedAt ?? 0) > before) return false;
      const attendance = this.#attendances.get(row.lease ?? "");
      return attendance === undefined || looks(attendance);
    });
  }

  /** Slots that are still taken by what was cancelled under a runner between these times. */
  keptSlots(since: number, before: number): Life[] {
    const now = this.#outside.now();
    return [...this.lives.values()].filter(({ row, canceledAt }) => {
      if (row.status !== "canceled" || row.lease === null || (row.leaseUntil ?? 0) <= now || this.#attendances.has(row.lease)) return false;
      return canceledAt !== null && canceledAt >= since && canceledAt <= before;
    });
  }

  /** Lanes in which something could be claimed right now, and a backend is free for it; and the request that waits for the first of it. */
  idleLanes(now: number): { lane: string; attendance: Waiter | null }[] {
    const idle: { lane: string; attendance: Waiter | null }[] = [];
    for (const lane of this.#lanes.keys()) {
      if (!this.#backendsOf(lane).some((backend) => this.#slots(backend, now) > 0)) continue;
      const mayRun = this.#claimable(lane).filter(({ row }) => row.startBy > now && !this.#atCap(row, now));
      const [first] = mayRun.toSorted((one, other) => (goesBefore(one.row, other.row) ? -1 : 1));
      if (!first) continue;
      const attendance = this.#attendances.get(first.row.waiter ?? "");
      idle.push({ lane, attendance: attendance && looks(attendance) ? attendance : null });
    }
    return idle;
  }

  /** What the sweep should have dealt with before then. */
  overdue(before: number): Life[] {
    return [...this.lives.values()].filter(({ row, writtenAt }) => row.dueAt !== null && Math.max(row.dueAt, writtenAt) < before);
  }

  #claimable(lane: string): Life[] {
    return [...(this.#lanes.get(lane)?.values() ?? [])].filter(({ row }) => row.status === "queued" && row.notBefore === null);
  }

  #backendsOf(lane: string): BackendRow[] {
    return [...this.backends.values()].filter((backend) => laneOf(backend) === lane);
  }

  /** What keeps a slot of a backend: also what was cancelled, until its runner has let go of it. */
  #liveOn(backendId: string, now: number): InferenceRow[] {
    const backend = this.backends.get(backendId);
    if (!backend) return [];
    return [...(this.#lanes.get(laneOf(backend))?.values() ?? [])]
      .map(({ row }) => row)
      .filter((row) => row.lease !== null && row.backendId === backendId && (row.leaseUntil ?? 0) > now);
  }

  #slots(backend: BackendRow, now: number): number {
    if (backend.state !== "active" || (backend.restedUntil ?? 0) > now) return 0;
    const live = this.#liveOn(backend.id, now);
    const free = backend.maxConcurrency - live.length;
    if (backend.failures < CIRCUIT_OPENS_AT) return free;
    const probes = live.filter((row) => (row.startedAt ?? 0) >= (backend.restedUntil ?? Infinity)).length;
    return Math.min(free, 1 - probes);
  }

  #atCap({ model, accountId }: InferenceRow, now: number): boolean {
    const cap = this.accountCaps.get(model) ?? null;
    if (cap === null) return false;
    const hosts = [...this.backends.values()].filter((backend) => backend.model === model);
    const running = hosts.flatMap((backend) => this.#liveOn(backend.id, now));
    return running.filter((row) => row.accountId === accountId).length >= cap;
  }
}

/** Whether a request is there to see that its turn has come. */
function looks({ isolate, end }: Waiter): boolean {
  return end === "none" && isolate.alive && !isolate.frozen;
}

/** What an actor holds inferences under. */
export function leaseOf(by: Actor): string | null {
  return by.kind === "runner" ? by.lease : by.kind === "waiter" ? by.attendance.lease : null;
}

export function isFinal(status: Status): boolean {
  return status === "succeeded" || status === "failed" || status === "canceled" || status === "expired";
}

export function laneOf(it: { readonly model: string; readonly version: string }): string {
  return `${it.model}@${it.version}`;
}

function goesBefore(one: InferenceRow, other: InferenceRow): boolean {
  if (one.level !== other.level) return one.level < other.level;
  if (one.turn !== other.turn) return one.turn < other.turn;
  return one.id < other.id;
}
