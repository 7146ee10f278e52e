/**
 * What a gate may admit, reckoned in another way than the gate does: a bucket that holds one second's permits and leaks
 * as many a second. Kept for as long as the gate's memory lives. And what an isolate may let through by itself: what it was
 * given in advance, each permit once and within a second.
 */
import { GRANT_HELD_MS } from "../../../src/limits.ts";
import type { Gate } from "../../../src/keys/gate.ts";
import type { Scope } from "../../../src/keys/key.ts";
import type { Clock } from "../../../src/ports.ts";

const NEARLY = 1e-6;

interface Meter {
  level: number;
  at: number;
}

export class Meters {
  readonly #violate: (rule: string, detail: string) => void;
  readonly #now: () => number;
  /** What each isolate was given, by its clock. */
  #given = new WeakMap<Clock, Map<string, { left: number; readonly until: number }[]>>();
  #meters = new WeakMap<Gate, Map<Scope, Meter>>();

  /** `now` is the time of the world. */
  constructor(violate: (rule: string, detail: string) => void, now: () => number) {
    this.#violate = violate;
    this.#now = now;
  }

  /** The gates' clock was set: what was reckoned by it is worth nothing. */
  clear(): void {
    this.#meters = new WeakMap();
  }

  /** A gate has given permits to the isolate of a clock. */
  give(clock: Clock, keyId: string, scope: Scope, permits: number): void {
    const given = this.#given.get(clock) ?? new Map<string, { left: number; readonly until: number }[]>();
    this.#given.set(clock, given);
    const name = `${keyId} ${scope}`;
    const alive = (given.get(name) ?? []).filter(({ left, until }) => left > 0 && until >= this.#now());
    given.set(name, [...alive, { left: permits, until: this.#now() + GRANT_HELD_MS }]);
  }

  /** An isolate, whose clock was not set lately, lets a call through without asking. */
  use(clock: Clock, keyId: string, scope: Scope): void {
    const given = this.#given.get(clock)?.get(`${keyId} ${scope}`) ?? [];
    const from = given.find(({ left, until }) => left > 0 && until >= this.#now());
    if (from) from.left--;
    else this.#violate("grants", `${keyId} was let through for ${scope} without a permit`);
  }

  judge(gate: Gate, keyId: string, scope: Scope, limit: number, now: number, permits: number): void {
    const meters = this.#meters.get(gate) ?? new Map<Scope, Meter>();
    this.#meters.set(gate, meters);
    const meter = meters.get(scope) ?? { level: 0, at: now };
    meters.set(scope, meter);
    meter.level = Math.max(0, meter.level - ((now - meter.at) * limit) / 1_000);
    meter.at = now;
    meter.level += permits;
    if (meter.level > limit + NEARLY)
      this.#violate("permits", `${keyId} was given ${meter.level.toFixed(3)} permits of ${limit} for ${scope}`);
  }
}
