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
  /** Permits of each grant by its name: one that is given again was not heard of, so the first has no holder. */
  readonly grants: Map<string, number>;
}

/** What a gate gave: to callers that waited, and in advance under a name; and what it was told of an earlier grant. */
export interface Given {
  readonly settled: { readonly grant: string; readonly used: number } | null;
  readonly callers: number;
  readonly later: number;
  readonly grant: string;
}

export class Meters {
  readonly #violate: (rule: string, detail: string) => void;
  readonly #now: () => number;
  /** What each isolate was given, by its clock. */
  #given = new WeakMap<Clock, Map<string, { left: number; readonly until: number }[]>>();
  readonly #loose = new WeakSet<Clock>();
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

  /** An isolate's clock was set: it can't tell any more when a grant is over. */
  loosen(clock: Clock): void {
    this.#loose.add(clock);
  }

  /** An isolate lets a call through without asking. */
  use(clock: Clock, keyId: string, scope: Scope): void {
    if (this.#loose.has(clock)) return;
    const given = this.#given.get(clock)?.get(`${keyId} ${scope}`) ?? [];
    const from = given.find(({ left, until }) => left > 0 && until >= this.#now());
    if (from) from.left--;
    else this.#violate("grants", `${keyId} was let through for ${scope} without a permit`);
  }

  judge(gate: Gate, keyId: string, scope: Scope, limit: number, now: number, { settled, callers, later, grant }: Given): void {
    const meters = this.#meters.get(gate) ?? new Map<Scope, Meter>();
    this.#meters.set(gate, meters);
    const meter = meters.get(scope) ?? { level: 0, at: now, grants: new Map() };
    meters.set(scope, meter);
    meter.level = Math.max(0, meter.level - ((now - meter.at) * limit) / 1_000);
    meter.at = now;
    const unused = settled ? Math.max(0, (meter.grants.get(settled.grant) ?? 0) - settled.used) : 0;
    if (settled) meter.grants.delete(settled.grant);
    meter.level = Math.max(0, meter.level - unused - (meter.grants.get(grant) ?? 0)) + callers + later;
    if (later > 0) meter.grants.set(grant, later);
    else meter.grants.delete(grant);
    if (meter.level > limit + NEARLY)
      this.#violate("permits", `${keyId} was given ${meter.level.toFixed(3)} permits of ${limit} for ${scope}`);
  }
}
