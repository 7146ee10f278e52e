/**
 * What backends are really busy with: no more calls than a backend has slots, none without a lease that lives, none twice,
 * and none long after its inference was canceled.
 */
import type { Actor, Life, LiveCall, Lives } from "./lives.ts";

/** A runner that hears nothing closes its call this long after it last asked; the rest is for the way to the backend. */
const LET_GO_MS = 25_000 + 1_500;

export class Calls {
  readonly #lives: Lives;
  readonly #misjudging = new Set<string>();

  constructor(lives: Lives) {
    this.#lives = lives;
  }

  /** A backend is busy with one more call: of all that it is busy with, no more may be in their right than it has slots. */
  judge(call: LiveCall, all: Iterable<LiveCall>): void {
    const now = this.#lives.outside.now();
    const backend = this.#lives.backends.get(call.backendId);
    this.#judgeAttempt(call);
    if (this.#excused(call)) return;
    const calls = [...all];
    const right = calls.filter((it) => it.backendId === call.backendId && !this.#excused(it));
    if (backend && right.length > backend.maxConcurrency) {
      const names = right.map((it) => `#${it.job} since ${now - it.beganAt} ms`).join(", ");
      this.#lives.violate("real calls", `${call.backendId} has ${right.length} calls at once of ${backend.maxConcurrency}: ${names}`);
    }
    const twice = calls.filter((it) => it.job === call.job && !this.#excused(it));
    if (twice.length > 1) this.#lives.violate("one real call", `#${call.job} runs ${twice.length} times at once`);
  }

  /** A backend is called once for each attempt, and only under a lease that lives. */
  #judgeAttempt(call: LiveCall): void {
    const { job, lease, backendId } = call;
    const life = this.#lives.jobs.get(job);
    if (!life) return this.#lives.violate("nothing unexpected", `${backendId} is called for #${job}, which is not there`);
    const { row } = life;
    const isHeld = row.lease === lease;
    const calledFor = life.calledFor;
    if (isHeld) life.calledFor = row.attempt;
    if (this.#excused(call)) return;
    if (!isHeld || (row.leaseUntil ?? 0) <= this.#lives.outside.now()) {
      this.#lives.violate(
        "no call without a lease",
        `${backendId} is called for #${job} under ${lease}; it is ${row.status}, held by ${row.lease}`,
      );
    } else if (calledFor >= row.attempt) this.#lives.violate("one call to an attempt", `#${job} is called again at attempt ${row.attempt}`);
  }

  /** A call must have ended when its lease does: its isolate lets go in time, whether it can ask or not. */
  judgeLeases(all: Iterable<LiveCall>): void {
    const now = this.#lives.outside.now();
    for (const call of all) {
      const row = this.#lives.jobs.get(call.job)?.row;
      if (this.#excused(call) || (row?.lease === call.lease && (row.leaseUntil ?? 0) > now)) continue;
      this.#lives.violate(
        "no call without a lease",
        `#${call.job} is called under ${call.lease}; it is ${row?.status}, held by ${row?.lease}`,
      );
    }
  }

  /** A call whose inference was canceled goes on for a while, until its runner hears of it. */
  judgeZombies(all: Iterable<LiveCall>): void {
    const now = this.#lives.outside.now();
    for (const call of all) {
      const since = this.#lives.jobs.get(call.job)?.canceledAt ?? null;
      if (since !== null && !this.#excused(call) && now - Math.max(since, call.beganAt) > LET_GO_MS) {
        this.#lives.violate("cancel stops the call", `#${call.job} is still called ${now - since} ms after its cancel`);
      }
    }
  }

  /** Whoever held it has let go, or was let go of: the backend must not be busy with it any more. */
  judgeSlot({ job }: Life, lease: string): void {
    for (const call of this.#lives.outside.calls()) {
      if (call.job !== job || call.lease !== lease || this.#excused(call)) continue;
      this.#lives.violate(
        "a slot is free when its call has ended",
        `#${job} is let go by ${lease}, and ${call.backendId} is still busy with it`,
      );
    }
  }

  /**
   * A lease counts from when it was asked for, by the clock of the isolate that asks. Where that was set before the answer
   * came, its holder can't know how long the answer took, and may hold on to it for that much too long.
   */
  misjudges(by: Actor): void {
    if (by.kind === "waiter") by.waiter.misjudges = true;
    else if (by.kind === "runner") for (const lease of by.names ?? [by.lease]) this.#misjudging.add(lease);
  }

  /** Its isolate stood still meanwhile, or misjudges its lease. */
  #excused({ isolate, beganAt, lease }: LiveCall): boolean {
    return isolate.steadySince > beganAt || this.#misjudging.has(lease) || (this.#lives.waiters.get(lease)?.misjudges ?? false);
  }
}
