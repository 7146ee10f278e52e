/**
 * PURE. An API key proves itself: `ck_<key id>_<secret><tag><checksum>`, all base62, no `.`, so a double click
 * selects it whole. The tag is a truncated HMAC-SHA256 under a server secret: a forged or mistyped key dies here
 * without I/O. The CRC32 at the end lets a public secret scanner tell a real key offline. A key id begins with its
 * account's id, so an authentic key names its account by itself, and a read need not wait for the gate.
 * Source of the form: GitHub's token format (prefix, base62, checksum); the tag is ours.
 */
import { ALPHABET, type RandomBytes, randomBase62 } from "../ids.ts";

export const SCOPES = ["submit", "read", "cancel"] as const;

export type Scope = (typeof SCOPES)[number];

/** What public secret scanners look for. */
export const KEY_PATTERN = /^ck_([0-9A-Za-z]{18})_([0-9A-Za-z]{24})([0-9A-Za-z]{10})([0-9A-Za-z]{6})$/;

/** The same within any text. */
const KEY_ANYWHERE = /ck_[0-9A-Za-z]{18}_[0-9A-Za-z]{40}/g;

export const KEY_LENGTH = 62;

const ACCOUNT_ID_LENGTH = 12;

const KEY_SUFFIX_LENGTH = 6;

const SECRET_LENGTH = 24;

const TAG_LENGTH = 10;

const CHECKSUM_LENGTH = 6;

export interface KeyIdentity {
  readonly keyId: string;
  readonly accountId: string;
}

export function newAccountId(random: RandomBytes): string {
  return randomBase62(ACCOUNT_ID_LENGTH, random);
}

/** A new key of an account, shown once, and its id. `secret` is the server's, not the key's. */
export async function mintKey(accountId: string, secret: string, random: RandomBytes): Promise<KeyIdentity & { key: string }> {
  const keyId = accountId + randomBase62(KEY_SUFFIX_LENGTH, random);
  const body = `ck_${keyId}_${randomBase62(SECRET_LENGTH, random)}`;
  const tagged = body + (await tagOf(body, secret));
  return { key: tagged + checksumOf(tagged), keyId, accountId };
}

/** Whose key this is, or null for anything that none of the server's secrets made. No I/O. */
export async function parseKey(text: string, secrets: readonly string[]): Promise<KeyIdentity | null> {
  const match = KEY_PATTERN.exec(text);
  const keyId = match?.[1];
  const tag = match?.[3];
  if (!keyId || !tag || !hasChecksum(text)) return null;
  const body = text.slice(0, -(TAG_LENGTH + CHECKSUM_LENGTH));
  for (const secret of secrets) {
    if (sameText(await tagOf(body, secret), tag)) return { keyId, accountId: accountOf(keyId) };
  }
  return null;
}

/** The first text within another that has a key's form and checksum; null if there is none. Takes time in proportion to the text. */
export function findKeyIn(text: string): string | null {
  if (!text.includes("ck_")) return null;
  for (const [candidate] of text.matchAll(KEY_ANYWHERE)) if (hasChecksum(candidate)) return candidate;
  return null;
}

function hasChecksum(text: string): boolean {
  return checksumOf(text.slice(0, -CHECKSUM_LENGTH)) === text.slice(-CHECKSUM_LENGTH);
}

/** The account that a key id begins with. */
export function accountOf(keyId: string): string {
  return keyId.slice(0, ACCOUNT_ID_LENGTH);
}

/** SHA-256 of a text as lower-case hex: the only form in which a key is stored. */
export async function digestOf(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Compares without telling by its time where two texts of one length differ. */
export function sameText(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

const encoder = new TextEncoder();
/** The keys that the server's secrets make; a deployment has two secrets at most. */
const macKeys = new Map<string, CryptoKey>();

async function tagOf(body: string, secret: string): Promise<string> {
  const key =
    macKeys.get(secret) ??
    (await crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]));
  macKeys.set(secret, key);
  const mac = new DataView(await crypto.subtle.sign("HMAC", key, encoder.encode(body)));
  return base62(mac.getUint32(0), mac.getUint32(4), TAG_LENGTH);
}

function checksumOf(text: string): string {
  return base62(0, crc32(text), CHECKSUM_LENGTH);
}

/** The last digits of a number of 64 bits, given as its two halves, which is faster than with a BigInt. */
function base62(high: number, low: number, length: number): string {
  let text = "";
  for (let [upper, lower] = [high, low]; text.length < length;) {
    const rest = (upper % 62) * 2 ** 32 + lower;
    text = ALPHABET.charAt(rest % 62) + text;
    upper = Math.floor(upper / 62);
    lower = Math.floor(rest / 62);
  }
  return text;
}

/** What a byte makes of a remainder, for each. */
const REMAINDERS: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  return crc;
});

/** CRC-32 (ISO 3309, as in zlib) of an ASCII text. */
function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let index = 0; index < text.length; index++) crc = (crc >>> 8) ^ (REMAINDERS[(crc ^ text.charCodeAt(index)) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
