/**
 * Which inference may be claimed, by whom, for which backend, and whose turn it is: priority, age, turns among accounts,
 * capacity, circuits and caps, told again in other words than the statements' own.
 */
import type { InferenceRow } from "../platform/rows.ts";
import { type Actor, type Life, type Lives, goesBefore, holds, laneOf, leaseOf } from "./lives.ts";

const LEASE_MS = 30_000;

/** The wait of an inference in a lane and level, and who was served meanwhile. */
interface Waiting {
  readonly key: string;
  readonly lane: string;
  readonly level: number;
  /** How many of another account may go before it: one in each round until its own. */
  readonly turnsAhead: number;
  readonly served: Map<string, number>;
}

export class Claims {
  count = 0;
  readonly #lives: Lives;
  readonly #waiting = new Map<string, Waiting>();
  /** In seeds without skew only: ids sort by their isolates' clocks. */
  readonly #fair: boolean;

  constructor(lives: Lives, fair: boolean) {
    this.#lives = lives;
    this.#fair = fair;
  }

  /** An inference begins to wait in a lane and level. */
  waits(key: string, row: InferenceRow): void {
    const lane = laneOf(row);
    const turns = this.#lives.claimable(lane).flatMap((other) => (other.row.level === row.level ? [other.row.turn] : []));
    const turnsAhead = turns.length === 0 ? 0 : row.turn - Math.min(...turns) + 1;
    if (this.#fair) this.#waiting.set(key, { key, lane, level: row.level, turnsAhead, served: new Map() });
  }

  waitsNoMore(key: string): void {
    this.#waiting.delete(key);
  }

  /**
   * One that comes into a level gets the round after its account's last that waits there, or after the one being served; one
   * that comes back from an attempt, the one being served.
   */
  judgeTurn(life: Life, row: InferenceRow, which: "next" | "served"): void {
    const peers = this.#lives.claimable(laneOf(row)).filter((other) => other !== life && other.row.level === row.level);
    const own = peers.filter((other) => other.row.accountId === row.accountId).map((other) => other.row.turn);
    const served = Math.min(...peers.map((other) => other.row.turn));
    const known = which === "served" ? served : Math.max(served, ...own) + 1;
    const expected = peers.length === 0 ? 0 : known;
    if (row.turn !== expected) this.#lives.violate("turn", `#${life.job} has turn ${row.turn}, not ${expected}`);
  }

  judge(life: Life, row: InferenceRow, by: Actor): void {
    const { row: old, job } = life;
    const now = this.#lives.outside.now();
    const lane = laneOf(row);
    this.count++;
    const isOwn = old.waiter === null ? by.kind === "runner" && holds(by, row.lease) : row.lease === old.waiter;
    if (!isOwn || (by.kind === "waiter" && !holds(by, row.lease))) {
      const rule = old.waiter === null ? "one live lease" : "in its request's name";
      this.#lives.violate(rule, `#${job} was claimed under ${row.lease} by ${leaseOf(by)}, its waiter is ${old.waiter}`);
    }
    const waiter = this.#lives.waiters.get(row.lease ?? "");
    if (waiter?.isLost || waiter?.end === "answered") {
      const why = waiter.isLost ? "has lost a lease already" : "has answered";
      this.#lives.violate("left to a runner", `#${job} was claimed in the name of a request that ${why}`);
    }
    if (row.leaseUntil !== now + LEASE_MS) this.#lives.violate("one live lease", `#${job} is leased until ${row.leaseUntil}`);
    if (old.notBefore !== null) this.#lives.violate("back-off is kept", `#${job} was claimed while it backs off`);
    const asked = this.#lives.outside.notBeforeOf(job) ?? 0;
    if (asked > now) this.#lives.violate("a delay is kept", `#${job} was claimed ${asked - now} ms before its time`);
    if (old.startBy <= now) this.#lives.violate("start within", `#${job} was claimed ${now - old.startBy} ms after its time in the queue`);
    this.#judgeBackend(life, row, now);
    if (this.#lives.atCap(row, now))
      this.#lives.violate("an account's cap", `#${job} was claimed though its account runs as many as it may`);
    for (const other of this.#lives.claimable(lane)) {
      if (other === life || other.row.startBy <= now || this.#lives.atCap(other.row, now)) continue;
      if (this.#lives.roomFor(other.row, now) === "none" || !this.#lives.goesFirst(other.row, old, now)) continue;
      const rule = !goesBefore(other.row, old) ? "what has failed proves nothing" : other.row.level < old.level ? "priority" : "order";
      const place = (it: InferenceRow) => `level ${it.level}, turn ${it.turn}`;
      this.#lives.violate(rule, `#${job} (${place(old)}) was claimed before #${other.job} (${place(other.row)})`);
    }
    this.#judgeFairness(life, lane, now);
  }

  #judgeBackend({ row: old, job }: Life, row: InferenceRow, now: number): void {
    const backend = this.#lives.backends.get(row.backendId ?? "");
    if (!backend || backend.model !== row.model || backend.version !== row.version) {
      this.#lives.violate("backend of the lane", `#${job} was given to ${row.backendId}`);
      return;
    }
    const free = this.#lives.slots(backend, now, row.accountId);
    const isDoubted = this.#lives.isDoubted(backend, row.accountId);
    if (free <= 0) {
      const rule = this.#lives.liveOn(backend.id, now).length >= backend.maxConcurrency ? "capacity" : "circuit";
      this.#lives.violate(rule, `#${job} was given to ${backend.id}, which takes no more`);
    }
    for (const other of this.#lives.backends.values()) {
      if (other.id === backend.id || other.model !== row.model || other.version !== row.version) continue;
      const otherFree = this.#lives.slots(other, now, row.accountId);
      const isOtherDoubted = this.#lives.isDoubted(other, row.accountId);
      if (otherFree <= 0 || (isOtherDoubted && !isDoubted)) continue;
      if (isDoubted && !isOtherDoubted)
        this.#lives.violate("circuit", `#${job} went to ${backend.id}, which is in doubt, not to ${other.id}`);
      if (old.backendId === backend.id)
        this.#lives.violate("another backend for a retry", `#${job} went to ${backend.id} again though ${other.id} is free`);
      if (otherFree > free && old.backendId !== other.id)
        this.#lives.violate("load is shared", `#${job} went to ${backend.id}, not to ${other.id}`);
    }
  }

  /** Nobody who waits is passed by more of another account than one in each round. */
  #judgeFairness(life: Life, lane: string, now: number): void {
    const firstAttempt = life.row.attempt === life.row.attemptsBefore;
    for (const waiting of this.#waiting.values()) {
      const first = this.#lives.lives.get(waiting.key);
      if (
        !first ||
        first === life ||
        waiting.lane !== lane ||
        waiting.level !== life.row.level ||
        first.row.accountId === life.row.accountId
      )
        continue;
      if (!firstAttempt || first.row.startBy <= now || this.#lives.atCap(first.row, now)) continue;
      if (this.#lives.roomFor(first.row, now) !== "free") continue;
      // Its id is older though it came later: the write of its submit was under way for longer.
      if (life.row.createdAt >= first.row.createdAt && life.row.id < first.row.id) continue;
      const count = (waiting.served.get(life.row.accountId) ?? 0) + 1;
      waiting.served.set(life.row.accountId, count);
      if (count > waiting.turnsAhead)
        this.#lives.violate("fairness", `${count} of ${life.row.accountId} went before #${first.job}, now #${life.job}`);
    }
  }
}
