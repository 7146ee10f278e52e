/**
 * Requests that look at an inference and would rather wait for its end (`Prefer: wait=N`): each is answered at the end, or when its
 * time is over and not before, with the inference as it is. The rules have that from the rows in the database.
 */
import type { Status } from "../../../src/inferences/status.ts";
import type { Isolate } from "../platform/isolate.ts";
import { HANGS_MOST_MS } from "../platform/part.ts";
import { type Life, isFinal } from "./lives.ts";
import { statusesSince } from "./watching.ts";

export interface Poll {
  readonly life: Life;
  readonly isolate: Isolate;
  readonly seconds: number;
  readonly beganAt: number;
  /** How often its isolate's clock had been set. */
  readonly clockSets: number;
  readonly gone: AbortSignal;
}

export interface PollingWorld {
  now(): number;
  /** When the faults ended; Infinity while there are any. */
  calmSince(): number;
  violate(rule: string, detail: string): void;
}

const RULE = "a poll that waits is answered at the end, or in its time";
/** With no fault left for so long nothing is late any more. */
const STEADY_MS = HANGS_MOST_MS + 5_000;
const ANSWERED_WITHIN_MS = 2_000;
/** With faults: what is asked for it may hang for so long. */
const WAITS_MOST_MS = 300_000;

export class Polling {
  readonly #world: PollingWorld;
  readonly #underWay = new Set<Poll>();
  answered = 0;

  constructor(world: PollingWorld) {
    this.#world = world;
  }

  begin(life: Life, isolate: Isolate, seconds: number, gone: AbortSignal): Poll {
    const poll = { life, isolate, seconds, beganAt: this.#world.now(), clockSets: isolate.clockSets, gone };
    this.#underWay.add(poll);
    return poll;
  }

  /** It is answered, whoever still hears that. */
  answers(poll: Poll, status: Status, applied: string | null): void {
    this.#underWay.delete(poll);
    if (poll.gone.aborted) return;
    this.answered++;
    const { life, seconds, beganAt, isolate } = poll;
    const now = this.#world.now();
    const since = this.#isSteady(poll) ? Math.max(beganAt, now - ANSWERED_WITHIN_MS) : beganAt;
    const were = statusesSince(life, since);
    if (!were.includes(status)) this.#violate(poll, `is told ${status}, and it was ${were.join(", ")}`);
    if (applied !== `wait=${seconds}`) this.#violate(poll, `is told that "${applied}" was applied`);
    const early = beganAt + seconds * 1_000 - now;
    if (!isFinal(status) && early > 0 && isolate.clockSets === poll.clockSets) this.#violate(poll, `is told ${status} ${early} ms early`);
    this.#judgeLate(poll);
  }

  /** It ends with an error. */
  fails(poll: Poll, error: unknown): void {
    this.#underWay.delete(poll);
    if (!poll.gone.aborted && this.#isSteady(poll)) this.#violate(poll, `is told ${String(error)}`);
  }

  /** None is late. */
  judge(): void {
    for (const poll of this.#underWay) {
      if (!poll.isolate.alive || poll.isolate.steadySince > poll.beganAt) this.#underWay.delete(poll);
      else this.#judgeLate(poll);
    }
  }

  #judgeLate(poll: Poll): void {
    const { life, seconds, beganAt } = poll;
    const overAt = Math.min(beganAt + seconds * 1_000, Math.max(beganAt, life.finalAt ?? Infinity));
    const isSteady = this.#isSteady(poll);
    const late = this.#world.now() - (isSteady ? overAt + ANSWERED_WITHIN_MS : beganAt + seconds * 1_000 + WAITS_MOST_MS);
    if (late > 0 && !poll.gone.aborted && poll.isolate.steadySince <= beganAt) {
      this.#underWay.delete(poll);
      this.#violate(poll, `is not answered ${late} ms after it should have been, it is ${life.row.status}`);
    }
  }

  #isSteady({ beganAt }: Poll): boolean {
    return beganAt > this.#world.calmSince() + STEADY_MS;
  }

  #violate({ life, seconds, beganAt }: Poll, detail: string): void {
    this.#world.violate(RULE, `who waits ${seconds} s for #${life.job}, since ${this.#world.now() - beganAt} ms, ${detail}`);
  }
}
