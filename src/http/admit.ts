/**
 * An isolate's side of the gates: finds the key in a request, has it prove itself without I/O, and decides by the grants that
 * the isolate holds, or asks the key's gate. What is remembered here is bounded, and forgotten with the isolate.
 */
import { KEYS_REMEMBERED, KEY_LOOK_MS, MEMORY_THINGS, REFUSED_KEY_MS } from "../limits.ts";
import { type RandomBytes, randomBase62 } from "../ids.ts";
import type { After } from "../inferences/hints.ts";
import { logError } from "../platform/log.ts";
import { Memory, oncePer } from "../platform/memory.ts";
import { Together } from "../platform/together.ts";
import type { Clock, GatePort, Ports } from "../ports.ts";
import { Problem, problem } from "../problem.ts";
import type { Allowance, KeyEnd, Refusal, Verdict } from "../keys/gate.ts";
import { turnMs } from "../keys/gcra.ts";
import { Grants, deniedBy } from "../keys/grants.ts";
import { KEY_LENGTH, type KeyIdentity, type Scope, digestOf, parseKey } from "../keys/key.ts";

const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="claimcheck"' };
/** Made once: whoever tries keys gets it often. */
const NOT_VALID = problem("invalid_key", {
  detail: "The API key is not valid; it must be a whole key of this deployment.",
  headers: CHALLENGE,
});
/** A scheme and a key, or the bare key, as RunPod's clients send it: nothing else begins as a key does. */
const SCHEME = /^(?:(?:Bearer|Api-Key|Key|Token)\s+(\S+)|(ck_\S+))\s*$/i;

/** The key of a request, from any of the headers that the dialects know; null if it has none, the problem if two headers have different ones. */
export function presentedKey(headers: Headers): string | null | Problem {
  const ofVody = headers.get("x-vody-api-key")?.trim() || null;
  const ofOwn = headers.get("x-api-key")?.trim() || null;
  const authorization = headers.get("authorization");
  const [, withScheme, bare] = (authorization !== null && SCHEME.exec(authorization)) || [];
  const ofScheme = withScheme ?? bare ?? null;
  const key = ofVody ?? ofOwn ?? ofScheme;
  if ((ofOwn === null || ofOwn === key) && (ofScheme === null || ofScheme === key)) return key;
  const first = ofVody === null ? "x-api-key" : "x-vody-api-key";
  const other = ofOwn === null || ofOwn === key ? "Authorization" : "x-api-key";
  const detail = `The headers ${first} and ${other} have different API keys; send one key, in one header.`;
  return problem("invalid_key", { detail, headers: CHALLENGE });
}

/** The refusal of a request without a key. */
export function missingKey(headers: Headers): Problem {
  const detail = headers.has("authorization")
    ? 'The Authorization header has no API key that can be read; it must be "Bearer", a space and one key.'
    : 'The request has no API key; send one in a header, as "Authorization: Bearer <key>" or "X-API-Key: <key>".';
  return problem("missing_key", { detail, headers: CHALLENGE });
}

/** A caller whose key has proved itself. */
export interface Caller extends KeyIdentity {
  /** SHA-256 of the key. */
  readonly digest: string;
}

/** Keys that proved themselves under a deployment's secrets, by their text. */
const provedUnder = oncePer((_secrets: readonly string[]) => new Memory<Caller>(KEYS_REMEMBERED));

/** Texts that have a key's form and checksum, and that none of those secrets made: most who send one send it again. */
const forgedUnder = oncePer((_secrets: readonly string[]) => new Memory<true>(MEMORY_THINGS));

/** Who sends this key, if it has proved itself here before; null if not, or if there is no key to know. */
export function identifyKnown(key: string | null | Problem, secrets: readonly string[]): Caller | null {
  return (typeof key === "string" && provedUnder(secrets).get(key, 0)) || null;
}

/** Whose key this is, or its refusal: at once if it was sent here before, without I/O in any case. */
export function identify(key: string, secrets: readonly string[]): Caller | Problem | Promise<Caller | Problem> {
  return identifyKnown(key, secrets) ?? (forgedUnder(secrets).get(key, 0) ? NOT_VALID : prove(key, secrets));
}

async function prove(key: string, secrets: readonly string[]): Promise<Caller | Problem> {
  const identity = await parseKey(key, secrets);
  if (!identity) {
    if (key.length === KEY_LENGTH) forgedUnder(secrets).set(key, true, Infinity);
    return NOT_VALID;
  }
  const caller = { ...identity, digest: await digestOf(key) };
  provedUnder(secrets).set(key, caller, Infinity);
  return caller;
}

const KEY_ENDS: ReadonlySet<string> = new Set<KeyEnd>(["unknown", "revoked", "expired"]);

/** The refusal of one request too many; where the key stands is for its answer to show, as with those that are admitted. */
export class LimitReached extends Problem {
  readonly allowance: Allowance;

  constructor(allowance: Allowance) {
    const { scope, limit, retryAfterMs } = allowance;
    const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
    super("rate_limited", {
      detail: `This key may make ${limit} "${scope}" ${limit === 1 ? "request" : "requests"} a second, and this was one too many. Try again in ${seconds} s; an operator can raise "limits.${scope}" of the key.`,
      headers: { "Retry-After": String(seconds), "Retry-After-Ms": String(Math.ceil(retryAfterMs)) },
      members: { "violated-policies": [scope] },
    });
    this.allowance = allowance;
  }
}

/** What became of a call at its gate: returns its permit, or throws what refuses it. Null: the gate did not get so far. */
type Outcome = (() => Allowance) | null;

/** What an isolate holds of one key and class of call, and those who ask its gate for more. */
interface Held {
  readonly grants: Grants;
  readonly callers: Together<Caller, Outcome>;
}

/** The isolate's side of all gates. */
export class Admissions {
  readonly #gate: GatePort;
  readonly #clock: Pick<Clock, "now" | "sleep">;
  readonly #randomBytes: RandomBytes;
  readonly #held = new Memory<Held>(KEYS_REMEMBERED);
  /** Keys that were refused a moment ago, by digest, and why. */
  readonly #refused = new Memory<Refusal>(MEMORY_THINGS);
  /** Keys and scopes whose gates were asked a moment ago: whether they counted no more. */
  readonly #looked = new Memory<boolean>(MEMORY_THINGS);

  constructor({ gate, clock, randomBytes }: Pick<Ports, "gate" | "clock" | "randomBytes">) {
    this.#gate = gate;
    this.#clock = clock;
    this.#randomBytes = randomBytes;
  }

  /** Whether a key was refused a moment ago: then nothing is done for it before its gate has admitted it. */
  wasRefused(caller: Caller): boolean {
    return this.#refused.get(refusedName(caller), this.#clock.now()) !== undefined;
  }

  /** One permit of a grant that is held here, or its refusal where it is known to be one too many; null if its gate must be asked. */
  decideHere(caller: Caller, scope: Scope): Allowance | LimitReached | null {
    const held = this.#held.get(nameOf(caller, scope), 0);
    const decided = held ? held.grants.decide(this.#clock.now()) : null;
    return decided && (decided.admitted ? decided.allowance : new LimitReached(decided.allowance));
  }

  /** As `decideHere`; throws the refusal. */
  admitHere(caller: Caller, scope: Scope): Allowance | null {
    const here = this.decideHere(caller, scope);
    if (here instanceof LimitReached) throw here;
    return here;
  }

  /**
   * One permit for a call. Throws the problem that refuses it, `LimitReached` if it is one too many. The key's gate is asked
   * by one call at a time, for all that wait; it goes on asking in `after` when its own client has left. What can't change,
   * such as a revocation, is not asked again for a moment.
   */
  async admit(caller: Caller, scope: Scope, after: After): Promise<Allowance> {
    const name = nameOf(caller, scope);
    const held = this.#held.get(name, 0) ?? { grants: new Grants(), callers: new Together(this.#clock, { underWay: 1, most: Infinity }) };
    this.#held.set(name, held, Infinity);
    const askGate = (callers: readonly Caller[]) => this.#ask(held, caller, scope, callers.length);
    const decideHere = () => {
      this.#refuseKnown(caller, scope);
      const allowance = this.admitHere(caller, scope);
      return allowance && (() => allowance);
    };
    for (;;) {
      const outcome = await held.callers.ask(caller, askGate, after, decideHere);
      if (outcome) return outcome();
    }
  }

  /**
   * Whether a key that was admitted counts no more, or has lost the scope, for answers that go on for long. Its gate is asked once in
   * KEY_LOOK_MS for all of this isolate; a key whose gate can't be asked counts.
   */
  hasEnded(caller: Caller, scope: Scope): boolean | Promise<boolean> {
    const name = refusedName(caller);
    const now = this.#clock.now();
    if (KEY_ENDS.has(this.#refused.get(name, now) ?? "")) return true;
    return this.#looked.get(nameOf(caller, scope), now) ?? this.#look(caller, scope);
  }

  /** Asks the gate, for all who look at the key meanwhile too. */
  async #look(caller: Caller, scope: Scope): Promise<boolean> {
    const note = (hasEnded: boolean) => this.#looked.set(nameOf(caller, scope), hasEnded, this.#clock.now() + KEY_LOOK_MS);
    note(false);
    try {
      const end = await this.#gate.ended(caller.keyId, caller.digest, scope);
      if (end === "scope") note(true); // given back, it counts again
      else if (end !== null) this.#refused.set(refusedName(caller), end, this.#clock.now() + REFUSED_KEY_MS);
      return end !== null;
    } catch (error) {
      logError("key_not_looked_at", error);
      return false;
    }
  }

  /** What is known here of a key is out of date. */
  forget(keyId: string): void {
    this.#held.deleteAll((name) => name.startsWith(keyId));
    this.#refused.deleteAll((name) => name.startsWith(keyId));
    this.#looked.deleteAll((name) => name.startsWith(keyId));
  }

  #refuseKnown(caller: Caller, scope: Scope): void {
    const known = this.#refused.get(refusedName(caller), this.#clock.now());
    if (known === "revoked" || known === "unknown") throw refusal(known, scope);
  }

  /** Asks the gate for so many callers of one key. */
  async #ask({ grants }: Held, caller: Caller, scope: Scope, callers: number): Promise<Outcome[]> {
    const askedAt = this.#clock.now();
    const asked = grants.ask(askedAt, callers, randomBase62(12, this.#randomBytes));
    const verdict = await this.#gate.admit(caller.keyId, caller.digest, scope, asked);
    const now = this.#clock.now();
    grants.hear(verdict, asked, askedAt, now);
    if (!verdict.admitted) this.#refused.set(refusedName(caller), verdict.reason, now + REFUSED_KEY_MS);
    return Array.from({ length: callers }, (_, place) => outcomeOf(verdict, scope, place));
  }
}

/** What a gate's answer is to the caller at that place among those who waited for it. */
function outcomeOf(verdict: Verdict, scope: Scope, place: number): Outcome {
  if (verdict.allowance === null) {
    return () => {
      throw refusal(verdict.reason, scope);
    };
  }
  const { allowance } = verdict;
  const admitted = verdict.admitted ? verdict.callers : 0;
  if (place < admitted) return () => allowance;
  const denied = deniedBy(verdict);
  if (!denied) return null;
  return () => {
    throw new LimitReached({ ...allowance, retryAfterMs: turnMs(denied.retryAfterMs, place - admitted, allowance.limit) });
  };
}

function refusedName({ keyId, digest }: Caller): string {
  return `${keyId} ${digest}`;
}

function nameOf({ keyId, digest }: Caller, scope: Scope): string {
  return `${keyId} ${scope} ${digest}`;
}

/**
 * `RateLimit` and `RateLimit-Policy` of an answer.
 * Source: draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4.
 */
export function rateLimitHeaders(allowance: Allowance): Record<string, string> {
  const { scope, limit, remaining, resetMs } = allowance;
  return {
    "RateLimit-Policy": `"${scope}";q=${limit};w=1`,
    RateLimit: `"${scope}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`,
  };
}

function refusal(reason: Exclude<Refusal, "limited">, scope: Scope): Problem {
  switch (reason) {
    case "unknown":
      return NOT_VALID;
    case "revoked":
      return problem("revoked_key", { headers: CHALLENGE });
    case "expired":
      return problem("expired_key", { headers: CHALLENGE });
    case "scope":
      return problem("missing_scope", { detail: `This call needs a key with the scope "${scope}".` });
    default:
      return reason satisfies never;
  }
}
