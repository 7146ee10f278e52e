/** The gate of every key: one isolate for all, whose memory is lost now and then. */
import { type Asking, Gate, type KeyEnd, type Verdict } from "../../../src/keys/gate.ts";
import { type Scope, accountOf } from "../../../src/keys/key.ts";
import { type Key, findKey } from "../../../src/keys/store.ts";
import type { Clock } from "../../../src/ports.ts";
import type { Database } from "../../../src/platform/sql.ts";
import type { Meters } from "../rules/meters.ts";
import type { Isolate } from "./isolate.ts";

export interface GatesWorld {
  readonly meters: Meters;
  database(isolate: Isolate): Database;
  /** What a planted bug makes of a key. */
  read(key: Key): Key;
  limitOf(keyId: string, scope: Scope): number;
}

export class Gates {
  isolate: Isolate;
  readonly #world: GatesWorld;
  readonly #gates = new Map<string, Gate>();

  constructor(world: GatesWorld, isolate: Isolate) {
    this.#world = world;
    this.isolate = isolate;
  }

  /** Its isolate has died; this is the next one. */
  moveTo(isolate: Isolate): void {
    this.isolate = isolate;
    this.#gates.clear();
  }

  forgetAll(): void {
    this.#gates.clear();
  }

  async ended(keyId: string, digest: string, scope: Scope): Promise<KeyEnd | "scope" | null> {
    return (await this.#gates.get(keyId)?.ended(digest, scope)) ?? null;
  }

  forget(keyId: string): void {
    this.#gates.get(keyId)?.forget();
  }

  async admit(keyId: string, digest: string, scope: Scope, asking: Asking | undefined, asker: Clock): Promise<Verdict> {
    const { isolate } = this;
    const { meters } = this.#world;
    let gate = this.#gates.get(keyId);
    if (!gate) {
      const db = this.#world.database(isolate);
      const read = async () => {
        const key = await findKey(db, accountOf(keyId), keyId);
        return key && this.#world.read(key);
      };
      gate = new Gate(
        read,
        () => isolate.clock.now(),
        (ms) => isolate.clock.sleep(ms),
      );
      this.#gates.set(keyId, gate);
    }
    const verdict = await gate.admit(digest, scope, asking);
    if (verdict.admitted || verdict.reason === "limited") {
      const { callers, later } = verdict.admitted ? verdict : { callers: 0, later: 0 };
      const given = { callers, later, grant: asking?.grant ?? "", settled: asking?.settled ?? null };
      meters.judge(gate, keyId, scope, this.#world.limitOf(keyId, scope), isolate.clock.now(), given);
      if (later > 0) meters.give(asker, keyId, scope, later);
    }
    return verdict;
  }
}
