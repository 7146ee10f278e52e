/**
 * A part of the platform as those who call it see it: it answers, late or never, or fails, before or after it has done
 * what it was asked. Who asks gets an answer within a limit, as platform/unavailable.ts sees to in production, and then never learns
 * what became of the question.
 */
import { Unavailable } from "../../../src/platform/unavailable.ts";
import type { CallFaults } from "../faults.ts";
import type { Isolate } from "./isolate.ts";
import type { Random } from "../random.ts";
import type { Schedule } from "../schedule.ts";

/** What hangs does so for this long at most: a write may take effect then, of which nobody hears. */
export const HANGS_MOST_MS = 60_000;

/** What becomes of one call: when it takes effect, when it is answered, and how. Times in ms, one after the other. */
interface Fate {
  readonly before: number;
  readonly after: number;
  readonly takesEffect: boolean;
  readonly fails: boolean;
}

export class Part {
  readonly name: string;
  /** Out of order: calls fail at once, or hang. */
  outage: "none" | "fails" | "hangs" = "none";
  /** Calls that have not taken effect yet, but may. */
  underWay = 0;
  readonly #limitMs: number;
  /** A question and its answer take so long each, where nothing is slow. */
  readonly #mostMs: number;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #faults: () => CallFaults;

  constructor(name: string, limitMs: number, schedule: Schedule, random: Random, faults: () => CallFaults, mostMs = 4) {
    this.name = name;
    this.#limitMs = limitMs;
    this.#mostMs = mostMs;
    this.#schedule = schedule;
    this.#random = random;
    this.#faults = faults;
  }

  /** Has `effect` take place in its time, and its answer or its error come back to the isolate. */
  ask<T>(isolate: Isolate, effect: () => T | Promise<T>, trace: (what: string) => void): Promise<T> {
    const fate = this.#fate();
    return new Promise<T>((resolve, reject) => {
      let over = false;
      const end = (settle: () => void) => {
        if (over) return;
        over = true;
        limit.canceled = true;
        settle();
      };
      const limit = isolate.after(this.#limitMs, () =>
        end(() => {
          trace(`${this.name} did not answer in time`);
          reject(new Unavailable(this.name, true));
        }),
      );
      const refuse = (error: unknown) => isolate.after(fate.after, () => end(() => reject(error)));
      const answer = (value: T) => {
        if (fate.fails) refuse(new Unavailable(this.name, false));
        else isolate.after(fate.after, () => end(() => resolve(value)));
      };
      this.underWay++;
      this.#schedule.after(fate.before, () => {
        this.underWay--;
        if (fate.fails) trace(`${this.name} fails ${fate.takesEffect ? "after" : "before"} the effect`);
        if (!fate.takesEffect) {
          if (fate.fails) refuse(new Unavailable(this.name, false));
          return;
        }
        try {
          const value = effect();
          if (value instanceof Promise) void value.then(answer, refuse);
          else answer(value);
        } catch (error) {
          refuse(error);
        }
      });
    });
  }

  #fate(): Fate {
    const random = this.#random;
    const faults = this.#faults();
    const quick = () => (random.chance(faults.slow) ? random.int(5, 500) : random.int(0, this.#mostMs));
    const fate = { before: quick(), after: quick(), takesEffect: true, fails: false };
    if (this.outage === "hangs") return { ...fate, before: random.int(1_000, HANGS_MOST_MS), takesEffect: random.chance(0.2) };
    if (this.outage === "fails" || random.chance(faults.before)) return { ...fate, takesEffect: false, fails: true };
    if (random.chance(faults.after)) return { ...fate, fails: true };
    if (random.chance(faults.hang)) {
      const stall = random.magnitude(1_000, HANGS_MOST_MS);
      const early = random.chance(0.5);
      return {
        before: early ? fate.before : stall,
        after: early ? stall : fate.after,
        takesEffect: random.chance(0.7),
        fails: random.chance(0.3),
      };
    }
    return fate;
  }
}
