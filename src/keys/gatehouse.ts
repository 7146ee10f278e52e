/** The Durable Object that a gate lives in: one per key, named by the key's id. */
import { DurableObject } from "cloudflare:workers";
import { DATABASE_MS } from "../numbers.ts";
import { d1 } from "../sql.ts";
import { Gate as KeyGate, type Verdict } from "./gate.ts";
import { type Scope, accountOf } from "./key.ts";
import { findKey } from "./store.ts";

export class Gate extends DurableObject<Env> {
  readonly #gate: KeyGate;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const keyId = ctx.id.name ?? "";
    this.#gate = new KeyGate(
      () => findKey(d1(env.DB, DATABASE_MS), accountOf(keyId), keyId),
      () => Date.now(),
    );
  }

  admit(digest: string, scope: Scope): Promise<Verdict> {
    return this.#gate.admit(digest, scope);
  }

  async forget(): Promise<void> {
    this.#gate.forget();
  }
}
