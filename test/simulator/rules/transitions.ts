/**
 * Every change of an inference's row, in order and with who made it, judged by the state before it: the transition table,
 * who may make which change, fencing, attempts, back-off, ageing, and by when an inference must have ended.
 */
import type { Status } from "../../../src/inferences/status.ts";
import type { InferenceRow } from "../platform/rows.ts";
import type { Answers } from "./answers.ts";
import type { Calls } from "./calls.ts";
import type { Claims } from "./claims.ts";
import { type Actor, type Life, type Lives, holds, isFinal, laneOf, leaseOf } from "./lives.ts";

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

const RETRY_AFTER_MOST_MS = 60_000;
const SLACK_MS = 60_000;

export class Transitions {
  finals = 0;
  doubled = 0;
  readonly #lives: Lives;
  readonly #claims: Claims;
  readonly #calls: Calls;
  readonly #answers: Answers;
  readonly #jobOf: (row: InferenceRow) => number;

  constructor(lives: Lives, claims: Claims, calls: Calls, answers: Answers, jobOf: (row: InferenceRow) => number) {
    this.#lives = lives;
    this.#claims = claims;
    this.#calls = calls;
    this.#answers = answers;
    this.#jobOf = jobOf;
  }

  see(row: InferenceRow, by: Actor): void {
    const key = `${row.accountId}/${row.id}`;
    const life = this.#lives.lives.get(key);
    if (!life) {
      this.#born(key, row, by);
      return;
    }
    const old = life.row;
    const now = this.#lives.outside.now();
    const name = `#${life.job}`;
    if (old.accountId !== row.accountId || old.model !== row.model || old.version !== row.version || old.createdAt !== row.createdAt) {
      this.#lives.violate("identity", `${name} changed what it is`);
    }
    this.#judgeWaiter(life, row, by);
    if (old.lease !== null && row.lease !== old.lease) this.#calls.judgeSlot(life, old.lease);
    if (old.status !== row.status) this.#judgeChange(life, row, by);
    else if (row.status === "in_progress") this.#judgeRenewal(life, row, by);
    else if (row.status === "queued") this.#judgeWait(life, row, by);
    else if (
      ((old.output !== row.output || old.outputObject !== row.outputObject) && row.dataRemovedAt === null) ||
      old.finishedAt !== row.finishedAt ||
      old.error !== row.error
    ) {
      this.#lives.violate("final stays final", `${name} is ${row.status} and was changed`);
      this.doubled++;
    }
    this.#judgeRow(life, row);
    life.row = row;
    life.writtenAt = now;
    life.seen.add(row.status);
    if (row.status !== "queued" || row.level !== old.level || row.notBefore !== null) this.#claims.waitsNoMore(key);
    else if (old.notBefore !== null && row.attempt === 0) this.#claims.waits(key, row);
    if (old.status !== row.status) {
      if (isFinal(row.status)) {
        this.finals++;
        life.finalAt = now;
        life.ends.push({ row, undoneAt: null });
        if (row.status === "canceled") life.canceledAt = now;
        this.#judgeBound(life, now);
      } else if (isFinal(old.status)) {
        this.finals--;
        life.since = now;
        life.finalAt = null;
        const end = life.ends.at(-1);
        if (end) end.undoneAt = now;
      }
    }
  }

  #born(key: string, row: InferenceRow, by: Actor): void {
    const job = this.#jobOf(row);
    const now = this.#lives.outside.now();
    const asked = this.#lives.outside.notBeforeOf(job) ?? 0;
    const since = Math.max(now, asked);
    const ended = { canceledAt: null, finalAt: null, ends: [] };
    const life: Life = { row, job, since, writtenAt: now, ...ended, seen: new Set([row.status]), calledFor: 0 };
    if (by.kind !== "client" && by.kind !== "waiter") this.#lives.violate("born of a submit", `#${job} was inserted by ${by.kind}`);
    if ((row.waiter !== null) !== (by.kind === "waiter"))
      this.#lives.violate("in its request's name", `#${job} was inserted by ${by.kind}, its waiter is ${row.waiter}`);
    if (row.waiter !== null && by.kind === "waiter") {
      by.waiter.lease = row.waiter;
      this.#lives.waiters.set(row.waiter, by.waiter);
    }
    if (row.status !== "queued" || row.attempt !== 0 || row.lease !== null || row.level !== row.priority) {
      this.#lives.violate("born queued", `#${job} begins as ${row.status}, attempt ${row.attempt}`);
    }
    if (row.notBefore !== (asked > now ? asked : null) || row.startBy !== since + row.maxTimeInQueueSeconds * 1_000) {
      const said = `${row.notBefore}, to begin by ${row.startBy}`;
      this.#lives.violate("a delay is kept", `#${job} was asked for at ${now}, to begin at ${asked}; it waits for ${said}`);
    }
    if (row.idempotencyKey !== null) {
      const name = `${row.accountId}/${row.idempotencyKey}`;
      const other = this.#lives.idempotencyKeys.get(name);
      if (other !== undefined) this.#lives.violate("one inference to a key", `#${job} has the Idempotency-Key of ${other}`);
      this.#lives.idempotencyKeys.set(name, key);
    }
    this.#judgeRow(life, row);
    const lane = laneOf(row);
    this.#claims.judgeTurn(life, row, "next");
    if (row.notBefore === null) this.#claims.waits(key, row);
    this.#lives.lives.set(key, life);
    this.#lives.jobs.set(job, life);
    const lives = this.#lives.lanes.get(lane) ?? new Map<string, Life>();
    this.#lives.lanes.set(lane, lives.set(key, life));
  }

  /** What must be true of any row at any time. */
  #judgeRow({ job }: Life, row: InferenceRow): void {
    if (isFinal(row.status) !== (row.dueAt === null))
      this.#lives.violate("dated unless final", `#${job} is ${row.status}, due ${row.dueAt}`);
    // A canceled one keeps its slot until its runner has let go of it.
    const leased = row.lease !== null && row.leaseUntil !== null;
    if (leased !== (row.status === "in_progress") && !(leased && row.status === "canceled")) {
      this.#lives.violate("leased while in progress", `#${job} is ${row.status}, lease ${row.lease}`);
    }
    const hasOutput = row.output !== null || row.outputObject !== null;
    if (hasOutput !== (row.status === "succeeded" && row.dataRemovedAt === null))
      this.#lives.violate("an output only of a success", `#${job} is ${row.status}, output: ${hasOutput}`);
    // Those that never reached a backend do not count.
    const attempts = row.attempt - row.attemptsBefore - row.unreached;
    if (attempts > row.maxAttempts)
      this.#lives.violate("attempts within bounds", `#${job} is at attempt ${attempts} of ${row.maxAttempts}`);
    if ((row.status === "failed" || row.status === "expired") && row.error === null)
      this.#lives.violate("failures are explained", `#${job}`);
    if (row.level < 0 || row.level > row.priority) this.#lives.violate("level", `#${job} has priority ${row.priority}, level ${row.level}`);
  }

  #judgeChange(life: Life, row: InferenceRow, by: Actor): void {
    const old = life.row;
    const now = this.#lives.outside.now();
    const name = `#${life.job}`;
    const hands = BY_WHOM[old.status][row.status];
    if (!hands) {
      this.#lives.violate(
        isFinal(old.status) ? "final stays final" : "transition table",
        `${name} went from ${old.status} to ${row.status}`,
      );
      if (isFinal(old.status) && isFinal(row.status)) this.doubled++;
      return;
    }
    if (!hands.includes(by.kind)) this.#lives.violate("by whose hand", `${name} went from ${old.status} to ${row.status} by ${by.kind}`);
    const claimed = old.status === "queued" && row.status === "in_progress";
    if (row.attempt !== old.attempt + (claimed ? 1 : 0))
      this.#lives.violate("attempts count by one", `${name} from ${old.attempt} to ${row.attempt}`);
    if (claimed) this.#claims.judge(life, row, by);
    if (old.status === "in_progress" && row.status !== "canceled") {
      if ((by.kind === "runner" || by.kind === "waiter") && !holds(by, old.lease)) {
        this.#lives.violate("fencing", `${name}, held under ${old.lease}, was ended by the ${by.kind} ${leaseOf(by)}`);
      }
      if (by.kind === "sweep" && (old.leaseUntil ?? 0) > now) {
        this.#lives.violate("a live lease is not taken", `${name} has a lease for ${(old.leaseUntil ?? 0) - now} ms more`);
      }
    }
    if (row.status === "expired" && old.startBy > now) this.#lives.violate("not expired early", `${name} had ${old.startBy - now} ms left`);
    if (row.status === "expired" && now < life.since + old.maxTimeInQueueSeconds * 1_000)
      this.#lives.violate("not expired early", `${name} was to wait from ${life.since} on`);
    if (row.status === "canceled" && by.kind === "sweep" && (old.cancelAt ?? Infinity) > now) {
      this.#lives.violate("not canceled early", `${name} was to be canceled at ${old.cancelAt}`);
    }
    if (old.status === "in_progress" && leaseOf(by) !== null) this.#answers.judge(life, row);
    if (row.status === "succeeded") this.#judgeSuccess(life, row);
    if (row.status === "queued" && old.status === "in_progress" && row.notBefore === null) this.#claims.judgeTurn(life, row, "served");
    if (row.status === "queued" && old.status !== "in_progress") {
      this.#claims.judgeTurn(life, row, "next");
      if (row.attemptsBefore !== row.attempt)
        this.#lives.violate("a redrive counts anew", `${name} has ${row.attempt - row.attemptsBefore} attempts behind it`);
    }
  }

  #judgeSuccess({ job }: Life, row: InferenceRow): void {
    if (row.outputObject !== null && !this.#lives.outside.isStored(row.outputObject)) {
      this.#lives.violate("stored before said", `#${job} succeeded, but ${row.outputObject} is not stored`);
    }
    if (!this.#lives.outside.wasAnswered(job, row.output, row.outputObject)) {
      this.#lives.violate("its own output", `#${job} succeeded with an output that no backend gave for it`);
    }
  }

  /** Still waiting, or running: what may change is when it may be claimed, and its level. */
  #judgeWait(life: Life, row: InferenceRow, by: Actor): void {
    const { row: old, job } = life;
    if (row.level !== old.level && row.notBefore === null) this.#claims.judgeTurn(life, row, "next");
    else if (old.notBefore !== null && row.notBefore === null) this.#claims.judgeTurn(life, row, row.attempt === 0 ? "next" : "served");
    const now = this.#lives.outside.now();
    if (row.attempt !== old.attempt) this.#lives.violate("attempts count by one", `#${job} from ${old.attempt} to ${row.attempt}`);
    if (old.notBefore !== null && row.notBefore === null && old.notBefore > now) {
      this.#lives.violate("back-off is kept", `#${job} may be claimed ${old.notBefore - now} ms early`);
    }
    if (row.level !== old.level && (by.kind !== "sweep" || row.level !== old.level - 1 || (old.agesAt ?? Infinity) > now)) {
      this.#lives.violate("ageing", `#${job} from level ${old.level} to ${row.level} by ${by.kind}`);
    }
  }

  /** Whose it is to run: the request that submitted it, until that lets go of it, loses its lease, or has answered. */
  #judgeWaiter({ row: old, job }: Life, row: InferenceRow, by: Actor): void {
    const waiter = this.#lives.waiters.get(old.waiter ?? "");
    if (waiter && by.kind === "sweep" && old.lease === old.waiter && row.lease !== old.lease) waiter.isLost = true;
    if (row.waiter === old.waiter) return;
    if (row.waiter !== null || (by.kind === "waiter" && leaseOf(by) !== old.waiter))
      this.#lives.violate("in its request's name", `#${job} went from ${old.waiter} to ${row.waiter} by ${by.kind}`);
  }

  #judgeRenewal({ row: old, job }: Life, row: InferenceRow, by: Actor): void {
    const now = this.#lives.outside.now();
    if (row.attempt !== old.attempt || row.lease !== old.lease || row.backendId !== old.backendId) {
      this.#lives.violate("one live lease", `#${job} changed hands while in progress`);
    }
    if (row.leaseUntil === old.leaseUntil) return;
    if (!holds(by, old.lease)) this.#lives.violate("fencing", `#${job}, held under ${old.lease}, was renewed by another`);
    // Its slot may have been given away already.
    if ((old.leaseUntil ?? 0) <= now)
      this.#lives.violate(
        "a lapsed lease is not renewed",
        `#${job} came back to life on ${old.backendId} after ${now - (old.leaseUntil ?? 0)} ms`,
      );
  }

  #judgeBound(life: Life, now: number): void {
    const late = now - this.latestEnd(life);
    if (late > 0) this.#lives.violate("bound", `#${life.job} was final ${late} ms after its time`);
  }

  /** By when an inference must be final. */
  latestEnd({ row, since }: Life): number {
    const timeout = Math.max(...this.#lives.backendsOf(laneOf(row)).map((backend) => backend.timeoutSeconds));
    const attempt = Math.min(row.runWithinSeconds ?? timeout, timeout) * 1_000 + Math.max(row.maxDelayMs, RETRY_AFTER_MOST_MS);
    return Math.max(since, this.#lives.faultsEndedAt) + row.maxTimeInQueueSeconds * 1_000 + row.maxAttempts * attempt + SLACK_MS;
  }
}
