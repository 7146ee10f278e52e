/**
 * The gate of a key, without the object it lives in: it checks the key and counts its requests. Being one in the whole
 * world it is exact: never one permit over the limit. Its counters live in memory; when it sleeps they are forgotten,
 * which is sound because an idle second refills every bucket.
 * Grants (several permits handed to an isolate in advance) will be one more method here: `admit` asked for n.
 */
import { KEY_RECORD_MS, TURNS, TURN_HOLD_MS, TURN_KEPT_MS } from "../limits.ts";
import { type Bucket, UNUSED, takePermit } from "./gcra.ts";
import { type Scope, sameText } from "./key.ts";
import type { Key } from "./store.ts";

/** Where a class of call stands against its limit. */
export interface Allowance {
  readonly scope: Scope;
  /** Requests a second. */
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
  readonly retryAfterMs: number;
}

export type Refusal = "unknown" | "revoked" | "expired" | "scope" | "limited";

export type Verdict =
  | { readonly admitted: true; readonly allowance: Allowance }
  | { readonly admitted: false; readonly reason: Refusal; readonly allowance: Allowance | null };

export class Gate {
  readonly #find: () => Promise<Key | null>;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  /** When those who were refused may come again, in the order of time. */
  readonly #turns = new Map<Scope, number[]>();
  #record: { key: Key | null; readAt: number } | null = null;
  #reading: Promise<Key | null> | null = null;
  readonly #buckets = new Map<Scope, Bucket>();

  /** `find` reads the key's record. */
  constructor(find: () => Promise<Key | null>, now: () => number, sleep: (ms: number) => Promise<void>) {
    this.#find = find;
    this.#now = now;
    this.#sleep = sleep;
  }

  /**
   * Checks the key (by the SHA-256 of its text) and takes one permit of the class of call. Each call that is refused is told
   * a turn of its own; one that comes at such a turn and is a moment too early waits here for its permit.
   */
  async admit(digest: string, scope: Scope): Promise<Verdict> {
    let holdUntil: number | null = null;
    for (;;) {
      const key = await this.#key();
      if (!key || !sameText(key.digest, digest)) return { admitted: false, reason: "unknown", allowance: null };
      if (key.revokedAt !== null) return { admitted: false, reason: "revoked", allowance: null };
      const now = this.#now();
      if (key.expiresAt !== null && key.expiresAt <= now) return { admitted: false, reason: "expired", allowance: null };
      if (!key.scopes.includes(scope)) return { admitted: false, reason: "scope", allowance: null };
      const limit = key.limits[scope];
      const { taken, bucket, remaining, resetMs, nextMs, retryAfterMs } = takePermit(this.#buckets.get(scope) ?? UNUSED, now, limit);
      holdUntil ??= this.#isTurn(scope, now) ? now + TURN_HOLD_MS : now;
      if (!taken && now + nextMs <= holdUntil) {
        await this.#sleep(Math.ceil(nextMs));
        continue;
      }
      this.#buckets.set(scope, bucket);
      const allowance = { scope, limit, remaining, resetMs, retryAfterMs };
      if (taken) return { admitted: true, allowance };
      this.#promise(scope, now + Math.ceil(retryAfterMs));
      return { admitted: false, reason: "limited", allowance };
    }
  }

  /** Whether somebody was told to come about now; the next call is another's turn. */
  #isTurn(scope: Scope, now: number): boolean {
    const turns = this.#turns.get(scope) ?? [];
    const kept = turns.findIndex((turn) => turn >= now - TURN_KEPT_MS);
    turns.splice(0, kept < 0 ? turns.length : kept);
    const [first] = turns;
    if (first === undefined || first > now) return false;
    turns.shift();
    return true;
  }

  #promise(scope: Scope, turn: number): void {
    const turns = this.#turns.get(scope) ?? [];
    if (turns.length < TURNS) turns.push(turn);
    this.#turns.set(scope, turns);
  }

  /** What is known of the key is out of date: the next call reads it anew. */
  forget(): void {
    this.#record = null;
    this.#reading = null;
  }

  async #key(): Promise<Key | null> {
    if (this.#record && this.#now() - this.#record.readAt < KEY_RECORD_MS) return this.#record.key;
    this.#reading ??= this.#read();
    return this.#reading;
  }

  /** One read at a time, whoever asks meanwhile shares it; one that was overtaken by `forget` is not kept. */
  #read(): Promise<Key | null> {
    const reading = this.#find().then(
      (key) => {
        if (this.#reading === reading) {
          this.#record = { key, readAt: this.#now() };
          this.#reading = null;
        }
        return key;
      },
      (error: unknown) => {
        if (this.#reading === reading) this.#reading = null;
        throw error;
      },
    );
    return reading;
  }
}
