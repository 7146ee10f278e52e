/**
 * An isolate's side of the gate: finds the key in a request, has it prove itself without I/O, and asks its gate.
 * This is where grants will be kept: the rest of the Worker sees only `admit`.
 */
import { MEMORY_THINGS, REFUSED_KEY_MS } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import type { GatePort } from "../ports.ts";
import { Problem, problem } from "../problem.ts";
import type { Allowance, Refusal } from "../keys/gate.ts";
import { type KeyIdentity, type Scope, digestOf, parseKey } from "../keys/key.ts";

const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="claimcheck"' };
const NOT_VALID = "The API key is not valid; it must be a whole key of this deployment.";
const SCHEME = /^(?:Bearer|Api-Key|Key|Token)\s+(\S+)\s*$/i;

/** The key of a request, from any of the headers that the dialects know, or null. Throws if two headers have different keys. */
export function presentedKey(headers: Headers): string | null {
  const presented = [
    { header: "x-vody-api-key", key: headers.get("x-vody-api-key")?.trim() },
    { header: "x-api-key", key: headers.get("x-api-key")?.trim() },
    { header: "Authorization", key: SCHEME.exec(headers.get("authorization") ?? "")?.[1] },
  ].filter(({ key }) => key);
  const [first] = presented;
  const other = presented.find(({ key }) => key !== first?.key);
  if (first && other) {
    const detail = `The headers ${first.header} and ${other.header} have different API keys; send one key, in one header.`;
    throw problem("invalid_key", { detail, headers: CHALLENGE });
  }
  return first?.key ?? null;
}

function howToSend(headers: Headers): string {
  return headers.has("authorization")
    ? 'The Authorization header has no API key that can be read; it must be "Bearer", a space and one key.'
    : 'The request has no API key; send one in a header, as "Authorization: Bearer <key>" or "X-API-Key: <key>".';
}

/** Whose request this is. Throws `missing_key` or `invalid_key`; no I/O. */
export async function identify(headers: Headers, secrets: readonly string[]): Promise<KeyIdentity & { digest: string }> {
  const text = presentedKey(headers);
  if (!text) throw problem("missing_key", { detail: howToSend(headers), headers: CHALLENGE });
  const identity = await parseKey(text, secrets);
  if (!identity) throw problem("invalid_key", { detail: NOT_VALID, headers: CHALLENGE });
  return { ...identity, digest: await digestOf(text) };
}

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

/** Keys that were refused a moment ago, by digest, and why. */
const refused = new Memory<Refusal>(MEMORY_THINGS);

/** Whether a key was refused a moment ago: then nothing is done for it before its gate has admitted it. */
export function wasRefused({ digest }: { digest: string }): boolean {
  return refused.get(digest, Date.now()) !== undefined;
}

/**
 * Asks the key's gate for one permit. Throws the problem that refuses it, `LimitReached` if it is one too many. What can't
 * change, such as a revocation, is not asked again for a moment.
 */
export async function admit(gate: GatePort, identity: KeyIdentity & { digest: string }, scope: Scope): Promise<Allowance> {
  const known = refused.get(identity.digest, Date.now());
  if (known === "revoked" || known === "unknown") throw refusal(known, scope, null);
  const verdict = await gate.admit(identity.keyId, identity.digest, scope);
  if (verdict.admitted) return verdict.allowance;
  refused.set(identity.digest, verdict.reason, Date.now() + REFUSED_KEY_MS);
  throw refusal(verdict.reason, scope, verdict.allowance);
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

function refusal(reason: Refusal, scope: Scope, allowance: Allowance | null): Problem {
  switch (reason) {
    case "unknown":
      return problem("invalid_key", { detail: NOT_VALID, headers: CHALLENGE });
    case "revoked":
      return problem("revoked_key", { headers: CHALLENGE });
    case "expired":
      return problem("expired_key", { headers: CHALLENGE });
    case "scope":
      return problem("missing_scope", { detail: `This call needs a key with the scope "${scope}".` });
    case "limited":
      return allowance ? new LimitReached(allowance) : problem("rate_limited");
    default:
      return reason satisfies never;
  }
}
