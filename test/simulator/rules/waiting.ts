/**
 * Requests that wait for their inference: what they may answer, and what stands still though somebody could go on with it.
 */
import type { Inference } from "../../../src/inferences/inference.ts";
import type { Isolate } from "../platform/isolate.ts";
import { type Life, type Lives, type Waiter, isFinal, looks } from "./lives.ts";

export class Waiting {
  readonly #lives: Lives;

  constructor(lives: Lives) {
    this.#lives = lives;
  }

  /** A request that waits has answered with this, or, where its client was gone, would have. */
  judgeAnswer(waiter: Waiter, job: number, answer: Inference, replayed: boolean): void {
    const life = this.#lives.jobs.get(job);
    if (!life || life.row.id !== answer.id) {
      this.#lives.violate("nothing accepted is lost", `#${job} was answered as ${answer.id}, there is ${life?.row.id}`);
      return;
    }
    const { row, seen } = life;
    const hasEnded = [...seen].some(isFinal);
    if (replayed !== (waiter.lease === null))
      this.#lives.violate("whose it is", `#${job}: replayed ${replayed}, attended under ${waiter.lease}`);
    if (!isFinal(answer.status)) {
      // Nobody hears it any more; what counts is that there is nothing left to wait for, unless somebody else waits.
      if (waiter.goneAt === null || !(replayed || hasEnded))
        this.#lives.violate("an answer is the end", `#${job} was answered as ${answer.status}`);
      return;
    }
    if (!seen.has(answer.status))
      this.#lives.violate("an answer is what the row says", `#${job} was answered as ${answer.status}, it is ${row.status}`);
    if (answer.status === "succeeded") {
      const { output } = answer;
      const isOurs =
        output.at === "row"
          ? output.body === row.output
          : output.key !== null && output.key === row.outputObject && this.#lives.outside.isStored(output.key);
      if (!isOurs) this.#lives.violate("stored before said", `#${job} was answered with what its row does not say`);
    }
    // It has ended its call, and said so, before it answered.
    if (row.lease !== null && row.lease === waiter.lease)
      this.#lives.violate("a slot is free when its call has ended", `#${job} was answered and is still held`);
  }

  /** Where the request of that lease runs. */
  isolateOf(waiter: string | null): Isolate | null {
    return this.#lives.waiters.get(waiter ?? "")?.isolate ?? null;
  }

  /** Slots that whoever holds them could use and does not: claimed since then, and no backend was called yet. */
  unusedSlots(since: number, before: number): Life[] {
    return [...this.#lives.lives.values()].filter(({ row, calledFor }) => {
      if (row.status !== "in_progress" || calledFor >= row.attempt) return false;
      if ((row.startedAt ?? 0) < since || (row.startedAt ?? 0) > before) return false;
      const waiter = this.#lives.waiters.get(row.lease ?? "");
      return waiter === undefined || looks(waiter);
    });
  }

  /** What no backend is busy with any more, and whoever holds it has not said how it ended: claimed since then. */
  unrecorded(since: number): Life[] {
    const now = this.#lives.outside.now();
    const busy = new Set([...this.#lives.outside.calls()].map(({ job, lease }) => `${job} ${lease}`));
    return [...this.#lives.lives.values()].filter(({ row, job, calledFor }) => {
      if (row.status !== "in_progress" || calledFor < row.attempt || (row.startedAt ?? 0) < since || (row.leaseUntil ?? 0) <= now)
        return false;
      const waiter = this.#lives.waiters.get(row.lease ?? "");
      return !busy.has(`${job} ${row.lease}`) && (waiter === undefined || looks(waiter));
    });
  }

  /** Slots that are still taken by what was canceled under a runner between these times. */
  keptSlots(since: number, before: number): Life[] {
    const now = this.#lives.outside.now();
    return [...this.#lives.lives.values()].filter(({ row, canceledAt }) => {
      if (row.status !== "canceled" || row.lease === null || (row.leaseUntil ?? 0) <= now || this.#lives.waiters.has(row.lease))
        return false;
      return canceledAt !== null && canceledAt >= since && canceledAt <= before;
    });
  }

  /** Lanes in which something could be claimed right now, and a backend is free for it; and the request that waits for the first of it. */
  idleLanes(now: number): { lane: string; waiter: Waiter | null }[] {
    const idle: { lane: string; waiter: Waiter | null }[] = [];
    for (const lane of this.#lives.lanes.keys()) {
      const waiting = this.#lives.claimable(lane).filter(({ row }) => row.startBy > now && !this.#lives.atCap(row, now));
      const mayRun = waiting.filter(({ row }) => this.#lives.roomFor(row, now) !== "none");
      const [first] = mayRun.toSorted((one, other) => (this.#lives.goesFirst(one.row, other.row, now) ? -1 : 1));
      if (!first) continue;
      const waiter = this.#lives.waiters.get(first.row.waiter ?? "");
      idle.push({ lane, waiter: waiter && looks(waiter) ? waiter : null });
    }
    return idle;
  }

  /** What the sweep should have dealt with before then. */
  overdue(before: number): Life[] {
    return [...this.#lives.lives.values()].filter(({ row, writtenAt }) => row.dueAt !== null && Math.max(row.dueAt, writtenAt) < before);
  }
}
