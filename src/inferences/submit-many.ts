/**
 * Submits of one call. Those that are ready at the same moment are written in one transaction, without the waiting for other
 * requests that single submits do for each other's sake; and they are announced once, at the end.
 */
import { WAKE_UPS_PER_LANE } from "../limits.ts";
import type { Lane } from "../models/lane.ts";
import { type Asked, give } from "../platform/together.ts";
import type { Ports } from "../ports.ts";
import { type After, hintSweep, hintWork } from "./hints.ts";
import type { Inserted, NewInference } from "./sql/insert.ts";
import { insertTogether } from "./sql/insert-group.ts";
import { writtenNotes } from "./sql/notes.ts";
import type { Way } from "./submit.ts";

interface Waiting extends Asked<NewInference, Inserted> {
  readonly done: () => void;
}

export class OneCall implements Way {
  readonly #ports: Ports;
  #waiting: Waiting[] = [];
  /** Those that may have a slot, with how many inferences were accepted for each. */
  readonly #lanes = new Map<string, { readonly lane: Lane; count: number }>();
  #isAnything = false;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  async insert(it: NewInference): Promise<Inserted> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const one: Waiting = { question: it, outcome: null, done: resolve };
    this.#waiting.push(one);
    if (this.#waiting.length === 1) void this.#insertSoon();
    await promise;
    if (!one.outcome) throw new Error("a submission of a call was not decided");
    return one.outcome();
  }

  /** Never rejects. */
  async #insertSoon(): Promise<void> {
    await this.#ports.clock.sleep(0);
    const all = this.#waiting;
    this.#waiting = [];
    await give(all, (rows) => insertTogether(this.#ports.db, rows, writtenNotes(this.#ports.isolate)));
    for (const { done } of all) done();
  }

  announce(lane: Lane | null): void {
    this.#isAnything = true;
    if (!lane) return;
    const name = JSON.stringify([lane.model, lane.version]);
    const known = this.#lanes.get(name) ?? { lane, count: 0 };
    known.count++;
    this.#lanes.set(name, known);
  }

  /** Says what was accepted to who works on it. */
  hint(after: After): void {
    const lanes = [...this.#lanes.values()].flatMap(({ lane, count }) =>
      Array.from({ length: Math.min(count, WAKE_UPS_PER_LANE) }, () => lane),
    );
    if (lanes.length > 0) after(hintWork(this.#ports, lanes));
    if (this.#isAnything) hintSweep(this.#ports, after);
  }
}
