/** The Durable Object that a gate lives in: one per key, named by the key's id; and one per account, named by the account's. */
import { DurableObject } from "cloudflare:workers";
import { bestEffort } from "../inferences/hints.ts";
import { DATABASE_MS, KEY_USE_NOTED_MS } from "../limits.ts";
import { d1 } from "../platform/sql.ts";
import { type AccountLimit, AccountMeter } from "../keys/account-limit.ts";
import { type Asking, Gate, type KeyEnd, type Verdict } from "../keys/gate.ts";
import { type Scope, accountOf } from "../keys/key.ts";
import { sleep } from "./bindings.ts";
import { findKey, noteKeyUse } from "../keys/store.ts";

export class GateObject extends DurableObject<Env> {
  readonly #gate: Gate;
  #notedAt = -Infinity;
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

  async admit(digest: string, scope: Scope, asking?: Asking): Promise<Verdict> {
    const verdict = await this.#gate.admit(digest, scope, asking);
    if (verdict.admitted && Date.now() - this.#notedAt >= KEY_USE_NOTED_MS) this.#noteUse();
    return verdict;
  }

  async ended(digest: string, scope: Scope): Promise<KeyEnd | "scope" | null> {
    return this.#gate.ended(digest, scope);
  }

  /** After the answer; once in KEY_USE_NOTED_MS. */
  #noteUse(): void {
    this.#notedAt = Date.now();
    const keyId = this.ctx.id.name ?? "";
    this.ctx.waitUntil(bestEffort("key_use_not_noted", noteKeyUse(d1(this.env.DB, DATABASE_MS), accountOf(keyId), keyId)));
  }

  /** Of an account's object. See AccountMeter. */
  async take(limit: AccountLimit): Promise<number> {
    return this.#meter.take(limit);
  }

  async forget(): Promise<void> {
    this.#gate.forget();
  }
}
