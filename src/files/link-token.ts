/**
 * PURE. Links that need no key: their holder may do what the link says, with the one object that it names, until it expires.
 * A link is a token of 75 bytes, base64url, 100 characters:
 *   version 1 | kind 1 | methods 1 | expiry in s since 1970, 6 | account 12 | key 6 | object's UUID 16 | HMAC-SHA256 of all that, 32
 * - Every bit counts: 75 bytes are exactly 100 characters, and no other text decodes to them.
 * - The key of the HMAC is made from the deployment's secret by HKDF under a label of its own, so no tag made for
 *   anything else is ever a link. While the secret is rotated the one before counts too; then its links are dead.
 * - Nothing is stored, so a single link can't be revoked. It dies with the API key that made it, and with its object.
 */
import { accountOf } from "../keys/key.ts";

export const LINK_METHODS = ["GET", "HEAD"] as const;
export type LinkMethod = (typeof LINK_METHODS)[number];

/** What a link may be to: a file, the result of an inference, or (from the next number on) one of the parts that came beside it. */
const LINK_KINDS = ["file", "result"] as const;
/** The number of a link to what happens to an inference, as a stream: beyond those of parts, of which there are PARTS_MAX. */
const STREAM = 255;

export type LinkKind = (typeof LINK_KINDS)[number] | "stream";

export interface Link {
  readonly kind: LinkKind;
  /** Of a result: which of its parts, from 0, where it is not to the output itself. */
  readonly part?: number;
  /** 12 base62 characters. */
  readonly accountId: string;
  /** The API key that made it; null for a link that the deployment itself made. */
  readonly keyId: string | null;
  /** A UUID in lower case. */
  readonly id: string;
  readonly methods: readonly LinkMethod[];
  /** In s since 1970; the link is good until then. */
  readonly expiresAt: number;
}

const VERSION = 2;
const EXPIRY_AT = 3;
const ACCOUNT_AT = 9;
/** What follows the account in a key's id; zeros if there is no key. */
const KEY_AT = 21;
const ID_AT = 27;
const TAG_AT = 43;
const TOKEN_BYTES = 75;
const TOKEN = /^[A-Za-z0-9_-]{100}$/;
/** What a token is for: to read, or to send a file's bytes. Each has a key of its own, so that none passes for another. */
const READS = "claimcheck signed link";
export const UPLOADS = "claimcheck signed upload";
type Purpose = typeof READS | typeof UPLOADS;

const encoder = new TextEncoder();

/** The token of a link, under the newest secret. Throws if the account's, the key's or the object's id is none. */
export async function signLink(link: Link, secret: string, purpose: Purpose = READS): Promise<string> {
  const account = encoder.encode(link.accountId);
  const key = link.keyId === null ? new Uint8Array(ID_AT - KEY_AT) : encoder.encode(link.keyId.slice(account.length));
  const id = Uint8Array.from(link.id.replaceAll("-", "").match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
  if (account.length !== KEY_AT - ACCOUNT_AT || id.length !== TAG_AT - ID_AT) throw new Error("a link to what has no id");
  if (key.length !== ID_AT - KEY_AT || (link.keyId !== null && accountOf(link.keyId) !== link.accountId))
    throw new Error("a link of a key of no account");
  const bytes = new Uint8Array(TOKEN_BYTES);
  const view = new DataView(bytes.buffer);
  bytes[0] = VERSION;
  bytes[1] = numberOf(link);
  bytes[2] = LINK_METHODS.reduce((bits, method, index) => (link.methods.includes(method) ? bits | (1 << index) : bits), 0);
  view.setUint16(EXPIRY_AT, Math.floor(link.expiresAt / 2 ** 32));
  view.setUint32(EXPIRY_AT + 2, link.expiresAt >>> 0);
  bytes.set(account, ACCOUNT_AT);
  bytes.set(key, KEY_AT);
  bytes.set(id, ID_AT);
  const tag = await crypto.subtle.sign("HMAC", await keyOf(secret, purpose), bytes.subarray(0, TAG_AT));
  bytes.set(new Uint8Array(tag), TAG_AT);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

function numberOf({ kind, part }: Link): number {
  if (kind === "stream") return STREAM;
  return part === undefined ? LINK_KINDS.indexOf(kind) : LINK_KINDS.length + part;
}

/** The link that a token stands for, whatever its time and methods; null if none of the secrets made it. No I/O. */
export async function readLink(token: string, secrets: readonly string[], purpose: Purpose = READS): Promise<Link | null> {
  if (!TOKEN.test(token)) return null;
  const bytes = Uint8Array.from(atob(token.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
  const signed = bytes.subarray(0, TAG_AT);
  const verdicts = await Promise.all(
    secrets.map(async (secret) => crypto.subtle.verify("HMAC", await keyOf(secret, purpose), bytes.subarray(TAG_AT), signed)),
  );
  const number = bytes[1] ?? 0;
  const part = number - LINK_KINDS.length;
  const kind = number === STREAM ? "stream" : part < 0 ? LINK_KINDS[number] : "result";
  if (!verdicts.includes(true) || bytes[0] !== VERSION || !kind) return null;
  const view = new DataView(bytes.buffer);
  const accountId = new TextDecoder().decode(bytes.subarray(ACCOUNT_AT, KEY_AT));
  const key = bytes.subarray(KEY_AT, ID_AT);
  const hex = Array.from(bytes.subarray(ID_AT, TAG_AT), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return {
    kind,
    ...(part < 0 || kind === "stream" ? {} : { part }),
    accountId,
    keyId: key.every((byte) => byte === 0) ? null : accountId + new TextDecoder().decode(key),
    id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`,
    methods: LINK_METHODS.filter((_, index) => ((bytes[2] ?? 0) >> index) & 1),
    expiresAt: view.getUint16(EXPIRY_AT) * 2 ** 32 + view.getUint32(EXPIRY_AT + 2),
  };
}

/** Why a link does not allow a request at `now` (s); null if it does. A link to GET is good for HEAD, which tells less. */
export function refusalOf(link: Link, method: string, now: number): "expired" | "method" | null {
  if (now >= link.expiresAt) return "expired";
  const allowed: readonly string[] = link.methods.includes("GET") ? LINK_METHODS : link.methods;
  return allowed.includes(method) ? null : "method";
}

async function keyOf(secret: string, purpose: Purpose) {
  const material = await crypto.subtle.importKey("raw", encoder.encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(purpose) };
  return crypto.subtle.deriveKey(derivation, material, { name: "HMAC", hash: "SHA-256", length: 256 }, false, ["sign", "verify"]);
}
