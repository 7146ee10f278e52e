/**
 * PURE. An isolate's side of a gate: the permits that it holds of a key and class of call, and the refusal that it knows of.
 * Most calls are decided here without asking anybody. Nothing in here gives one permit twice, or one after its time.
 */
import { FLOOD_ASKING_MS, FLOOD_TURNS, GRANT_AIM_MS, GRANT_MS, GRANT_SHARE } from "../limits.ts";
import type { Allowance, Asking, Denied, Verdict } from "./gate.ts";
import { turnMs } from "./gcra.ts";

/** What was decided of one call here; null: the gate must be asked. */
export type Decided = { readonly admitted: boolean; readonly allowance: Allowance } | null;

interface Grant {
  readonly name: string;
  readonly permits: number;
  left: number;
  readonly until: number;
}

const NO_GRANT: Grant = { name: "", permits: 0, left: 0, until: 0 };

/** What one isolate holds of one key and class of call. All times in ms by the isolate's clock. */
export class Grants {
  /** As the gate said last. */
  #allowance: Allowance | null = null;
  #saidAt = 0;
  #grant: Grant = NO_GRANT;
  /** Before that there is no permit to ask for. */
  #deniedUntil = 0;
  readonly #turns = new Turns();
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
    const retryAfterMs = now < this.#deniedUntil ? this.#turns.tell(now) : null;
    if (retryAfterMs === null) return null;
    this.#count(now);
    return { admitted: false, allowance: { ...allowance, retryAfterMs } };
  }

  /**
   * What to ask the gate for, for so many callers that wait. `grant` names the new grant. The permits to come are for those callers, so in a
   * flood those who come after them need not wait for the answer: some turns are kept for them, all others go back.
   */
  ask(now: number, callers: number, grant: string): Asking {
    const usual = this.#usual(now);
    const limit = this.#allowance?.limit ?? 0;
    const { name, permits, left } = this.#grant;
    const settled = name === "" ? null : { grant: name, used: permits - left };
    this.#grant = NO_GRANT;
    const later = Math.min(Math.floor((usual * GRANT_AIM_MS) / 1_000), Math.floor(limit * GRANT_SHARE));
    const coming = usual + callers;
    const turns = limit === 0 ? 0 : Math.floor(coming / limit); // as many as come until the next permit
    const isFlood = turns >= FLOOD_TURNS;
    const meanwhile = isFlood ? Math.floor((coming * FLOOD_ASKING_MS) / 1_000) : 0;
    const untold = this.#turns.giveBack(meanwhile);
    if (!isFlood) this.#deniedUntil = 0;
    else if (now >= this.#deniedUntil) this.#deniedUntil += (1_000 * Math.min(callers, limit)) / limit;
    return { grant, callers, later, turns: turns + meanwhile, settled, untold, holds: !isFlood };
  }

  /** Takes in the gate's answer to what was asked at `askedAt`. The permits, or the turns, of those who waited are theirs. */
  hear(verdict: Verdict, asked: Asking, askedAt: number, now: number): void {
    this.#deniedUntil = 0;
    if (verdict.allowance === null) return;
    const { allowance } = verdict;
    this.#allowance = allowance;
    this.#saidAt = now;
    if (verdict.admitted) this.#grant = { name: asked.grant, permits: verdict.later, left: verdict.later, until: askedAt + GRANT_MS };
    const denied = deniedBy(verdict);
    const admitted = verdict.admitted ? verdict.callers : 0;
    if (denied) {
      this.#deniedUntil = askedAt + denied.nextMs;
      this.#turns.add(denied, asked.grant, allowance.limit, now, asked.callers - admitted);
    }
    for (let caller = 0; caller < (denied ? asked.callers : admitted); caller++) this.#count(now); // who is neither asks again
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

/** What a verdict tells those callers that it does not admit, and those who come after them; null if the gate was not asked for that. */
export function deniedBy(verdict: Exclude<Verdict, { readonly allowance: null }>): Denied | null {
  if (verdict.admitted) return verdict.denied ?? null;
  return { turns: verdict.turns, retryAfterMs: verdict.allowance.retryAfterMs, nextMs: verdict.nextMs };
}

/** Some turns that a gate gave at once. */
interface Row {
  /** Names the asking that they were given by. */
  readonly grant: string;
  readonly count: number;
  readonly firstMs: number;
  readonly perSecond: number;
  /** By the clock of this isolate. */
  readonly at: number;
  told: number;
}

/** Turns that are an isolate's to tell, each to one caller. */
class Turns {
  /** In the order in which they were given. */
  readonly #rows: Row[] = [];

  /** The first `told` of them are told already. */
  add({ turns, retryAfterMs }: Denied, grant: string, perSecond: number, at: number, told: number): void {
    this.#rows.push({ grant, count: turns, firstMs: retryAfterMs, perSecond, at, told });
  }

  /** The next turn that is still to come, in ms; null if there is none. */
  tell(now: number): number | null {
    for (;;) {
      const [row] = this.#rows;
      if (!row) return null;
      while (row.told < row.count) {
        const ms = turnMs(row.firstMs, row.told++, row.perSecond) - (now - row.at);
        if (ms > 0) return ms;
      }
      this.#rows.shift();
    }
  }

  /** Forgets all but about so many; returns which are the gate's again. It can take back only those that it gave last. */
  giveBack(kept: number): Asking["untold"] {
    const untold = this.#rows.reduce((sum, { count, told }) => sum + count - told, 0);
    const last = this.#rows.pop();
    if (!last) return null;
    const back = Math.min(last.count - last.told, Math.max(0, untold - kept));
    if (kept === 0) this.#rows.length = 0;
    else this.#rows.push({ ...last, count: last.count - back });
    return back > 0 ? { grant: last.grant, turns: back } : null;
  }
}
