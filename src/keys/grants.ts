/**
 * PURE. An isolate's side of a gate: the permits that it holds of a key and class of call, and the refusal that it knows of.
 * Most calls are decided here without asking anybody. Nothing in here gives one permit twice, or one after its time.
 */
import { FLOOD_TURNS, GRANT_AIM_MS, GRANT_MS, GRANT_SHARE } from "../limits.ts";
import type { Allowance, Asking, Verdict } from "./gate.ts";
import { turnMs } from "./gcra.ts";

/** What was decided of one call here; null: the gate must be asked. */
export type Decided = { readonly admitted: boolean; readonly allowance: Allowance } | null;

interface Grant {
  readonly name: string;
  readonly permits: number;
  left: number;
  readonly until: number;
}

interface Denial {
  readonly until: number;
  /** By the clock of this isolate. */
  readonly at: number;
  readonly turns: number;
  told: number;
}

const NO_GRANT: Grant = { name: "", permits: 0, left: 0, until: 0 };

/** What one isolate holds of one key and class of call. All times in ms by the isolate's clock. */
export class Grants {
  /** As the gate said last. */
  #allowance: Allowance | null = null;
  #saidAt = 0;
  #grant: Grant = NO_GRANT;
  #denial: Denial | null = null;
  /** Calls of the last second, each counting less as time goes by. */
  #recent = 0;
  #recentAt = 0;

  /** Decides one call, if that can be done without the gate. */
  decide(now: number): Decided {
    const allowance = this.#allowance;
    if (!allowance) return null;
    if (this.#grant.left > 0 && now < this.#grant.until) {
      this.#grant.left--;
      this.#count(now);
      const resetMs = Math.max(0, allowance.resetMs - (now - this.#saidAt));
      return { admitted: true, allowance: { ...allowance, remaining: allowance.remaining + this.#grant.left, resetMs } };
    }
    const denial = this.#denial;
    if (!denial || now >= denial.until || denial.told >= denial.turns) return null;
    this.#count(now);
    const turn = turnMs(allowance.retryAfterMs, denial.told++, allowance.limit);
    return { admitted: false, allowance: { ...allowance, retryAfterMs: Math.max(1, turn - (now - denial.at)) } };
  }

  /** What to ask the gate for, for so many callers that wait. `grant` names the new grant. */
  ask(now: number, callers: number, grant: string): Asking {
    const usual = this.#usual(now);
    const most = this.#allowance ? Math.floor(this.#allowance.limit * GRANT_SHARE) : 0;
    const { name, permits, left } = this.#grant;
    const settled = name === "" ? null : { grant: name, used: permits - left };
    this.#grant = NO_GRANT;
    const later = Math.min(Math.floor((usual * GRANT_AIM_MS) / 1_000), most);
    const turns = this.#allowance ? Math.floor(usual / this.#allowance.limit) : 0; // as many as come until the next permit
    const untold = this.#denial ? Math.max(0, this.#denial.turns - this.#denial.told) : 0;
    this.#denial = null;
    const holds = turns < FLOOD_TURNS;
    return { grant, callers, later, turns, settled, untold, holds };
  }

  /** Takes in the gate's answer to what was asked at `askedAt`. The permits, or the turns, of those who waited are theirs. */
  hear(verdict: Verdict, asked: Asking, askedAt: number, now: number): void {
    this.#allowance = verdict.allowance;
    this.#saidAt = now;
    this.#denial = null;
    if (verdict.admitted) {
      for (let caller = 0; caller < verdict.callers; caller++) this.#count(now);
      this.#grant = { name: asked.grant, permits: verdict.later, left: verdict.later, until: askedAt + GRANT_MS };
    } else if (verdict.reason === "limited") {
      for (let caller = 0; caller < asked.callers; caller++) this.#count(now);
      this.#denial = { at: now, until: askedAt + verdict.nextMs, turns: verdict.turns, told: asked.callers };
    }
  }

  #count(now: number): void {
    this.#recent = this.#usual(now) + 1;
    this.#recentAt = now;
  }

  /** Calls a second, by those of about the last second. */
  #usual(now: number): number {
    return this.#recent * Math.exp(-Math.max(0, now - this.#recentAt) / 1_000);
  }
}
