/**
 * The gate of a key, without the object it lives in: it checks the key and counts its requests. Being one in the whole
 * world it is exact: never one permit over the limit. Its counters live in memory; when it sleeps they are forgotten,
 * which is sound because an idle second refills every bucket. If it dies while calls come, they are forgotten too, and one burst more
 * passes, once. To keep them would take a write for each second of use; to be careful after every start would refuse the first calls of every key
 * that was idle, and a gate that dies can't be told from one that slept.
 * A grant is a handful of permits that an isolate may use later by itself. They are reserved until the isolate says how many
 * it has used, or until GRANT_HELD_MS have passed: then all count as used at that moment, the latest that it could have been.
 * So whatever isolates do with their grants, what they let through in any window of time is within the limit.
 */
import { GRANT_HELD_MS, KEY_RECORD_MS, TURNS, TURN_HOLD_MS, TURN_KEPT_MS } from "../limits.ts";
import { type Bucket, UNUSED, settle, takePermit, turnMs, untell } from "./gcra.ts";
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

/** Why a key counts no more, whatever it is used for. */
export type KeyEnd = "unknown" | "revoked" | "expired";
export type Refusal = KeyEnd | "scope" | "limited";

/** What an isolate asks a gate for. */
export interface Asking {
  /** Names the grant; asked again under the same name, it replaces what nobody heard of. */
  readonly grant: string;
  /** Callers that wait for a permit now. */
  readonly callers: number;
  /** Permits for those to come, as a grant. */
  readonly later: number;
  /** Turns to be told to callers to come, if there are no permits. */
  readonly turns: number;
  /** An earlier grant of the isolate, and how many of its permits were used; the others go back. */
  readonly settled: { readonly grant: string; readonly used: number } | null;
  /** The last turns of an earlier asking that the isolate has told nobody: they go back too, unless others were given turns since. */
  readonly untold: { readonly grant: string; readonly turns: number } | null;
  /** Whether a caller that comes at its turn may be held for its permit; not where callers come without heeding their turns. */
  readonly holds: boolean;
}

/** A single caller's asking, without a grant. */
export const ONE: Asking = { grant: "", callers: 1, later: 0, turns: 0, settled: null, untold: null, holds: true };

export type Verdict =
  | {
      readonly admitted: true;
      readonly allowance: Allowance;
      /** How many of the callers pass. */
      readonly callers: number;
      /** Permits of the grant. */
      readonly later: number;
      /** What callers beyond the last permit are told, where they come without heeding their turns; else they are to ask again. */
      readonly denied?: Denied | null;
    }
  | { readonly admitted: false; readonly reason: Exclude<Refusal, "limited">; readonly allowance: null }
  | {
      readonly admitted: false;
      readonly reason: "limited";
      readonly allowance: Allowance;
      /** As of `Denied`, the callers' own among them; the first is after `allowance.retryAfterMs`. */
      readonly turns: number;
      readonly nextMs: number;
    };

/** What an isolate may tell callers without asking. */
export interface Denied {
  /** Turns that are this isolate's to tell: the first after `retryAfterMs`, one more after each interval. */
  readonly turns: number;
  readonly retryAfterMs: number;
  /** Until the next permit: before that, no call needs to ask. */
  readonly nextMs: number;
}

/** A grant whose permits may still be used. */
interface Grant {
  readonly permits: number;
  readonly until: number;
}

export class Gate {
  readonly #find: () => Promise<Key | null>;
  readonly #now: () => number;
  readonly #sleep: (ms: number) => Promise<void>;
  /** When those who were refused may come again, in the order of time. */
  readonly #turns = new Map<Scope, number[]>();
  /** By which asking the last turns were given: only they can be taken back. */
  readonly #lastTurnsOf = new Map<Scope, string>();
  #record: { key: Key | null; readAt: number } | null = null;
  #reading: Promise<Key | null> | null = null;
  readonly #buckets = new Map<Scope, Bucket>();
  /** In the order in which they lapse. */
  readonly #grants = new Map<Scope, Map<string, Grant>>();

  /** `find` reads the key's record. */
  constructor(find: () => Promise<Key | null>, now: () => number, sleep: (ms: number) => Promise<void>) {
    this.#find = find;
    this.#now = now;
    this.#sleep = sleep;
  }

  /**
   * Checks the key (by the SHA-256 of its text) and takes permits of the class of call. Each call that is refused is told
   * a turn of its own; one that comes at such a turn and is a moment too early waits here for its permit.
   */
  async admit(digest: string, scope: Scope, asking: Asking = ONE): Promise<Verdict> {
    let holdUntil: number | null = null;
    let isFirst = true;
    for (;;) {
      const key = await this.#key();
      const now = this.#now();
      const ended = endOf(key, digest, now);
      if (!key || ended) return refused(ended ?? "unknown");
      if (!key.scopes.includes(scope)) return refused("scope");
      const limit = key.limits[scope];
      this.#settle(scope, now, limit, isFirst ? asking : { ...asking, untold: null });
      isFirst = false;
      const { reserved, reservedMs } = this.#reserved(scope, now);
      const turns = asking.callers + asking.turns;
      const wanted = { now: asking.callers, later: asking.later, reserved, reservedMs, turns, ahead: !asking.holds };
      const permit = takePermit(this.#buckets.get(scope) ?? UNUSED, now, limit, wanted);
      const { taken, bucket, remaining, resetMs, nextMs, retryAfterMs } = permit;
      holdUntil ??= this.#isTurn(scope, now, asking.callers) && asking.holds ? now + TURN_HOLD_MS : now;
      if (!taken && now + nextMs <= holdUntil) {
        await this.#sleep(Math.ceil(nextMs));
        continue;
      }
      this.#buckets.set(scope, bucket);
      if (permit.later > 0) this.#grantsOf(scope).set(asking.grant, { permits: permit.later, until: now + GRANT_HELD_MS });
      if (permit.turns > 0) this.#lastTurnsOf.set(scope, asking.grant);
      for (let turn = 0; turn < permit.turns; turn++) this.#promise(scope, now + Math.ceil(turnMs(retryAfterMs, turn, limit)));
      const allowance = { scope, limit, remaining, resetMs, retryAfterMs: taken ? 0 : retryAfterMs };
      const denied = { turns: permit.turns, retryAfterMs, nextMs };
      return taken
        ? { admitted: true, allowance, callers: permit.count, later: permit.later, denied: permit.turns > 0 ? denied : null }
        : { admitted: false, reason: "limited", allowance, turns: permit.turns, nextMs };
    }
  }

  #grantsOf(scope: Scope): Map<string, Grant> {
    const grants = this.#grants.get(scope) ?? new Map<string, Grant>();
    this.#grants.set(scope, grants);
    return grants;
  }

  /** Takes from what is reserved what was used or is over. */
  #settle(scope: Scope, now: number, limit: number, { grant, settled, untold }: Asking): void {
    if (untold && untold.turns > 0 && untold.grant === this.#lastTurnsOf.get(scope)) {
      this.#buckets.set(scope, untell(this.#buckets.get(scope) ?? UNUSED, untold.turns));
      this.#turns.get(scope)?.splice(-untold.turns);
    }
    const grants = this.#grants.get(scope);
    if (!grants || grants.size === 0) return;
    let bucket = this.#buckets.get(scope) ?? UNUSED;
    for (const [name, { permits, until }] of grants) {
      if (until > now) break; // they lapse in the order in which they were given
      bucket = settle(bucket, until, permits, limit);
      grants.delete(name);
    }
    const known = settled && grants.get(settled.grant);
    if (known) {
      bucket = settle(bucket, now, Math.min(settled.used, known.permits), limit);
      grants.delete(settled.grant);
    }
    grants.delete(grant);
    this.#buckets.set(scope, bucket);
  }

  #reserved(scope: Scope, now: number): { reserved: number; reservedMs: number } {
    let reserved = 0;
    let reservedMs = 0;
    for (const { permits, until } of this.#grants.get(scope)?.values() ?? []) {
      if (reserved === 0) reservedMs = until - now;
      reserved += permits;
    }
    return { reserved, reservedMs };
  }

  /** Whether somebody was told to come about now; the next call is another's turn. */
  #isTurn(scope: Scope, now: number, callers: number): boolean {
    const turns = this.#turns.get(scope) ?? [];
    const kept = turns.findIndex((turn) => turn >= now - TURN_KEPT_MS);
    turns.splice(0, kept < 0 ? turns.length : kept);
    const due = turns.findIndex((turn) => turn > now);
    return turns.splice(0, Math.min(callers, due < 0 ? turns.length : due)).length > 0;
  }

  #promise(scope: Scope, turn: number): void {
    const turns = this.#turns.get(scope) ?? [];
    if (turns.length < TURNS) turns.push(turn);
    this.#turns.set(scope, turns);
  }

  /** Why the key counts no more, or lacks a scope that it had; null if neither. Takes no permit. */
  async ended(digest: string, scope: Scope): Promise<KeyEnd | "scope" | null> {
    const key = await this.#key();
    return endOf(key, digest, this.#now()) ?? (key?.scopes.includes(scope) ? null : "scope");
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

function endOf(key: Key | null, digest: string, now: number): KeyEnd | null {
  if (!key || !sameText(key.digest, digest)) return "unknown";
  if (key.revokedAt !== null) return "revoked";
  return key.expiresAt !== null && key.expiresAt <= now ? "expired" : null;
}

function refused(reason: Exclude<Refusal, "limited">): Verdict {
  return { admitted: false, reason, allowance: null };
}
