/**
 * Writes the ends of attempts, each with the claim that follows it, for the runners of one invocation. While one write
 * is under way, those that come up meanwhile wait for it and then go together, in one transaction and one round trip: so
 * slots that fall free at one time are filled at one time, and the database sees one question instead of many. A write
 * of several that fails is done again one by one, so that none can keep the others from being recorded.
 */
import type { Clock, Ports } from "../ports.ts";
import type { Database } from "../platform/sql.ts";
import { type Ending, type Given, recordAndClaim } from "./sql/claim.ts";

/** What was claimed with an ending, and when that was asked for, by the isolate's clock: a lease counts from there. */
export interface Next extends Given {
  /** Whether what records it changed anything. */
  readonly recorded: boolean;
  readonly askedAt: number;
}

interface Entry {
  readonly ending: Ending;
  readonly written: PromiseWithResolvers<Next>;
}

export class Endings {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #random: () => number;
  #waiting: Entry[] = [];
  #writing = false;

  constructor({ db, clock, random }: Pick<Ports, "db" | "clock" | "random">) {
    this.#db = db;
    this.#clock = clock;
    this.#random = random;
  }

  /** Resolves with the next claim once the ending is written; rejects where whether it is written is unknown. */
  write(ending: Ending): Promise<Next> {
    const written = Promise.withResolvers<Next>();
    this.#waiting.push({ ending, written });
    if (!this.#writing) void this.#writeAll();
    return written.promise;
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#waiting.length > 0) {
      const entries = this.#waiting;
      this.#waiting = [];
      if (!(await this.#together(entries))) for (const entry of entries) await this.#together([entry]);
    }
    this.#writing = false;
  }

  /** False where several failed together; then nothing has been said of any. */
  async #together(entries: readonly Entry[]): Promise<boolean> {
    const askedAt = this.#clock.now();
    try {
      const answers = await recordAndClaim(
        this.#db,
        entries.map(({ ending }) => ending),
        this.#random,
      );
      for (const [index, { written }] of entries.entries()) {
        const answer = answers[index] ?? { recorded: false, claims: [], left: null };
        written.resolve({ ...answer, askedAt });
      }
      return true;
    } catch (error) {
      if (entries.length > 1) return false;
      for (const { written } of entries) written.reject(error);
      return true;
    }
  }
}
