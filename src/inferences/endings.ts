/**
 * Writes the ends of attempts, each with the claim that follows it, for the runners of one invocation. While one write
 * is under way, those that come up meanwhile wait for it and then go together, in one transaction and one round trip, with
 * what other invocations of the isolate write at that moment: so slots that fall free at one time are filled at one time, and
 * the database sees one question instead of many. A write of several that fails is done again one by one, so that none can
 * keep the others from being recorded.
 */
import type { Ports } from "../ports.ts";
import { ENDINGS } from "../limits.ts";
import { Together } from "../platform/together.ts";
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

/** What is written by the invocations of an isolate. */
const underWay = new WeakMap<object, Together<readonly Ending[], readonly Next[]>>();

export class Endings {
  readonly #ports: Pick<Ports, "db" | "clock" | "random" | "isolate">;
  readonly #keep: (work: Promise<unknown>) => void;
  #waiting: Entry[] = [];
  #writing = false;

  /** `keep` holds the invocation until what it has begun for others too has ended. */
  constructor(ports: Pick<Ports, "db" | "clock" | "random" | "isolate">, keep: (work: Promise<unknown>) => void) {
    this.#ports = ports;
    this.#keep = keep;
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
    const { clock, isolate } = this.#ports;
    const writes = underWay.get(isolate) ?? new Together<readonly Ending[], readonly Next[]>(clock, ENDINGS);
    underWay.set(isolate, writes);
    try {
      const its = await writes.ask(
        entries.map(({ ending }) => ending),
        (all) => this.#writeThese(all),
        this.#keep,
      );
      for (const [index, { written }] of entries.entries()) written.resolve(its[index] ?? NOTHING);
      return true;
    } catch (error) {
      if (entries.length > 1) return false;
      for (const { written } of entries) written.reject(error);
      return true;
    }
  }

  /** Those of several invocations. */
  async #writeThese(all: readonly (readonly Ending[])[]): Promise<readonly (readonly Next[])[]> {
    const { db, clock, random } = this.#ports;
    const askedAt = clock.now();
    const answers = await recordAndClaim(db, all.flat(), random);
    let begin = 0;
    return all.map(({ length }) => answers.slice(begin, (begin += length)).map((answer) => ({ ...answer, askedAt })));
  }
}

/** Nothing was recorded, and nothing is to be done. */
const NOTHING: Next = { recorded: false, claims: [], left: null, askedAt: 0 };
