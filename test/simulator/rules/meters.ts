/**
 * What a gate may admit, reckoned in another way than the gate does: a bucket that holds one second's permits and leaks
 * as many a second. Kept for as long as the gate's memory lives.
 */
import type { Gate } from "../../../src/keys/gate.ts";
import type { Scope } from "../../../src/keys/key.ts";

const NEARLY = 1e-6;

interface Meter {
  level: number;
  at: number;
}

export class Meters {
  readonly #violate: (rule: string, detail: string) => void;
  #meters = new WeakMap<Gate, Map<Scope, Meter>>();

  constructor(violate: (rule: string, detail: string) => void) {
    this.#violate = violate;
  }

  /** The clock was set: what was reckoned by it is worth nothing. */
  clear(): void {
    this.#meters = new WeakMap();
  }

  judge(gate: Gate, keyId: string, scope: Scope, limit: number, now: number, admitted: boolean): void {
    const meters = this.#meters.get(gate) ?? new Map<Scope, Meter>();
    this.#meters.set(gate, meters);
    const meter = meters.get(scope) ?? { level: 0, at: now };
    meters.set(scope, meter);
    meter.level = Math.max(0, meter.level - ((now - meter.at) * limit) / 1_000);
    meter.at = now;
    if (admitted) meter.level++;
    if (meter.level > limit + NEARLY)
      this.#violate("permits", `${keyId} was given ${meter.level.toFixed(3)} permits of ${limit} for ${scope}`);
  }
}
