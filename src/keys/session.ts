/**
 * PURE, except for WebCrypto. What the console's cookie says: whose key, or that it is the operator, and until when. It never holds a
 * key: `<payload>.<HMAC-SHA256>`, both base64url, and the payload is JSON.
 * - The key of the HMAC is made from the deployment's secret by HKDF under a label of its own, so no tag made for anything else is
 *   ever a session. While the secret is rotated the one before counts too.
 * - An account's session names its key by id and digest, as its gate knows it: it is admitted as the key is, and ends with it.
 * - An operator's session counts under the admin token that it was made for, and ends when that is changed.
 * - Nothing is stored. A session ends `SESSION_SECONDS` after it was last renewed, and `SESSION_LONGEST_SECONDS` after its beginning.
 */
import * as z from "zod";
import { SESSION_LONGEST_SECONDS, SESSION_SECONDS } from "../limits.ts";
import { type KeyIdentity, accountOf, digestOf } from "./key.ts";

const times = { begun: z.int(), ends: z.int() };
const schema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("account"), key: z.string().length(18), digest: z.string().length(64), ...times }),
  z.strictObject({ kind: z.literal("operator"), name: z.string().nullable(), ...times }),
]);

/** Times in s since 1970. */
type Life = { readonly begun: number; readonly ends: number };
export type Session =
  | (Life & KeyIdentity & { readonly kind: "account"; /** SHA-256 of the key. */ readonly digest: string })
  | (Life & OperatorHolder);

/** The operator; by name where Cloudflare Access has let somebody in. */
type OperatorHolder = { readonly kind: "operator"; readonly name: string | null };

/** Who a session is made for. */
export type Holder = (KeyIdentity & { readonly kind: "account"; readonly digest: string }) | OperatorHolder;

/** The secrets that a session counts under. */
export interface SessionSecrets {
  /** Newest first. */
  readonly keySecrets: readonly string[];
  readonly adminToken: string;
}

const LABEL = "claimcheck console session v1";
const FORM = /^([A-Za-z0-9_-]{1,2048})\.([A-Za-z0-9_-]{43})$/;

/** A session for somebody; with one that is renewed, it goes on from its beginning. `now` in ms. */
export function sessionFor(holder: Holder, now: number, renewed: Session | null = null): Session {
  const seconds = Math.floor(now / 1_000);
  const begun = renewed?.begun ?? seconds;
  return { ...holder, begun, ends: Math.min(seconds + SESSION_SECONDS, begun + SESSION_LONGEST_SECONDS) };
}

export async function writeSession(session: Session, { keySecrets: [newest = ""], adminToken }: SessionSecrets): Promise<string> {
  const { begun, ends } = session;
  const said: z.infer<typeof schema> =
    session.kind === "account"
      ? { kind: "account", key: session.keyId, digest: session.digest, begun, ends }
      : { kind: "operator", name: session.name, begun, ends };
  const payload = base64url(encoder.encode(JSON.stringify(said)));
  const tag = await crypto.subtle.sign("HMAC", await keyOf(newest), await signedOf(payload, said.kind, adminToken));
  return `${payload}.${base64url(new Uint8Array(tag))}`;
}

/** The session that a text stands for; null if it is over, or none of the secrets made it. No I/O. `now` in ms. */
export async function readSession(text: string, { keySecrets, adminToken }: SessionSecrets, now: number): Promise<Session | null> {
  const [, payload = "", tag = ""] = FORM.exec(text) ?? [];
  const said = payload === "" ? null : schema.safeParse(jsonIn(payload)).data;
  if (!said || said.ends * 1_000 <= now) return null;
  const signed = await signedOf(payload, said.kind, adminToken);
  const verdicts = await Promise.all(
    keySecrets.map(async (secret) => crypto.subtle.verify("HMAC", await keyOf(secret), bytesOf(tag), signed)),
  );
  if (!verdicts.includes(true)) return null;
  const { begun, ends } = said;
  if (said.kind === "operator") return { kind: "operator", name: said.name, begun, ends };
  return { kind: "account", keyId: said.key, accountId: accountOf(said.key), digest: said.digest, begun, ends };
}

const encoder = new TextEncoder();

/** What is signed: an operator's session with the token that it counts under. */
async function signedOf(payload: string, kind: Session["kind"], adminToken: string): Promise<Uint8Array> {
  return encoder.encode(kind === "operator" ? `${payload}.${await digestOf(adminToken)}` : payload);
}

function jsonIn(payload: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytesOf(payload)));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DOMException) return null; // no JSON, or no base64: somebody's own text
    throw error;
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

async function keyOf(secret: string) {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(LABEL) };
  return crypto.subtle.deriveKey(derivation, material, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign", "verify"]);
}
