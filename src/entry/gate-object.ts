/** The Durable Object that a gate lives in: one per key, named by the key's id; and one per account, named by the account's. */
import { DurableObject } from "cloudflare:workers";
import { DATABASE_MS } from "../limits.ts";
import { d1 } from "../platform/sql.ts";
import { type AccountLimit, AccountMeter } from "../keys/account-limit.ts";
import { type Asking, Gate, type Verdict } from "../keys/gate.ts";
import { type Scope, accountOf } from "../keys/key.ts";
import { sleep } from "./bindings.ts";
import { findKey } from "../keys/store.ts";

export class GateObject extends DurableObject<Env> {
  readonly #gate: Gate;
  readonly #meter = new AccountMeter(() => Date.now());

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const keyId = ctx.id.name ?? "";
    this.#gate = new Gate(
      () => findKey(d1(env.DB, DATABASE_MS), accountOf(keyId), keyId),
      () => Date.now(),
      sleep,
    );
  }

  admit(digest: string, scope: Scope, asking?: Asking): Promise<Verdict> {
    return this.#gate.admit(digest, scope, asking);
  }

  /** Of an account's object. See AccountMeter. */
  async take(limit: AccountLimit): Promise<number> {
    return this.#meter.take(limit);
  }

  async forget(): Promise<void> {
    this.#gate.forget();
  }
}
