/**
 * PURE. The token in the address at which a model tells of its progress: which attempt it is of, and a tag of that under a key
 * made of the deployment's secret by HKDF under a label of its own, so that no tag made for anything else is one. It has no
 * time: it is good while its attempt runs, which the row says.
 */
import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { Memory } from "../platform/memory.ts";

/** An attempt of an inference. */
export interface AttemptName {
  readonly accountId: string;
  readonly id: string;
  readonly attempt: number;
}

const LABEL = "claimcheck progress";
const SECRETS = 4;
const TOKEN = /^([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9_-]{43})$/;
const NAME = /^([0-9A-Za-z]{12})\/([0-9a-f-]{36})\/(\d{1,6})$/;

const encoder = new TextEncoder();

/** A deriving costs more than a tag: the keys of the secrets in use are kept. */
const keys = new Memory<Promise<CryptoKey>>(SECRETS);

export async function signProgress({ accountId, id, attempt }: AttemptName, secret: string): Promise<string> {
  const name = encoder.encode(`${accountId}/${id}/${attempt}`);
  const tag = await crypto.subtle.sign("HMAC", await keyOf(secret), name);
  return `${urlSafe(name)}.${urlSafe(new Uint8Array(tag))}`;
}

/** The attempt that a token is of; null if none of the secrets made it. */
export async function readProgress(token: string, secrets: readonly string[]): Promise<AttemptName | null> {
  const [, name = "", tag = ""] = TOKEN.exec(token) ?? [];
  if (name === "" || name.length % 4 === 1) return null;
  const bytes = fromUrlSafe(name);
  const verdicts = await Promise.all(
    secrets.map(async (secret) => crypto.subtle.verify("HMAC", await keyOf(secret), fromUrlSafe(tag), bytes)),
  );
  const [, accountId, id, attempt] = NAME.exec(new TextDecoder().decode(bytes)) ?? [];
  if (!verdicts.includes(true) || accountId === undefined || id === undefined || attempt === undefined) return null;
  return { accountId, id, attempt: Number(attempt) };
}

function urlSafe(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromUrlSafe(text: string): Uint8Array<ArrayBuffer> {
  return fromBase64(text.replaceAll("-", "+").replaceAll("_", "/"));
}

function keyOf(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret, 0);
  if (known) return known;
  const key = derived(secret);
  keys.set(secret, key, Infinity);
  return key;
}

async function derived(secret: string): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(LABEL) };
  return crypto.subtle.deriveKey(derivation, material, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign", "verify"]);
}
