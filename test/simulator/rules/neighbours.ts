/**
 * Neighbours: with nothing wrong but the inputs of some accounts, circuits keep another's inferences waiting for one probe
 * interval at most, all their waits taken together; and not at all if those are of one account. Which inputs are bad is known from the seed, not from what became of them.
 */
import { type Life, type Lives, laneOf } from "./lives.ts";

export interface Neighbourhood {
  isBad(job: number): boolean;
  /** So long one whose input is good may be kept waiting in all. */
  readonly mostMs: number;
}

export class Neighbours {
  readonly #lives: Lives;
  readonly #neighbourhood: Neighbourhood;
  readonly #waited = new Map<Life, number>();
  #kept: Life[] = [];
  #at = 0;

  constructor(lives: Lives, neighbourhood: Neighbourhood) {
    this.#lives = lives;
    this.#neighbourhood = neighbourhood;
  }

  judge(): void {
    const now = this.#lives.outside.now();
    for (const life of this.#kept) {
      const waited = (this.#waited.get(life) ?? 0) + now - this.#at;
      this.#waited.set(life, waited);
      if (waited > this.#neighbourhood.mostMs)
        this.#lives.violate("no account waits for another's bad inputs", `#${life.job} was kept waiting by circuits for ${waited} ms`);
    }
    this.#at = now;
    this.#kept = [...this.#lives.lives.values()].filter((life) => !this.#neighbourhood.isBad(life.job) && this.#isKept(life, now));
  }

  /** Whether a server would have room for it, and its circuit keeps it away. */
  #isKept({ row }: Life, now: number): boolean {
    if (row.status !== "queued" || row.notBefore !== null || row.startBy <= now || this.#lives.atCap(row, now)) return false;
    const hasRoom = this.#lives
      .backendsOf(laneOf(row))
      .some(({ id, state, maxConcurrency }) => state === "active" && this.#lives.liveOn(id, now).length < maxConcurrency);
    return hasRoom && this.#lives.roomFor(row, now) === "none";
  }
}
