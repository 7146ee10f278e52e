/**
 * PURE, but for WebCrypto. How a receiver knows that a delivery is ours and unchanged.
 * - Standard Webhooks 1.0.0: the text signed is `{id}.{timestamp}.{body}`. `v1` is an HMAC-SHA256 under a secret of the
 *   account, `whsec_` and base64; while a secret is rotated there is one signature of each, newest first. `v1a` is
 *   Ed25519 under a key of the deployment, for receivers that should hold no secret; its public half is in
 *   `/.well-known/jwks.json`. That key is the same for every account, so what a delivery is about must be in the text
 *   signed: a receiver that relies on `v1a` has to see from it that the delivery is its own.
 * - Baseten: an HMAC-SHA256 of the body alone, in hex, under the secret's text as it stands, `whsec_` included.
 */
import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { WEBHOOK_SECRET_BYTES } from "../limits.ts";

const PREFIX = "whsec_";

/** A new secret of these random bytes, 32 of them. Shown once. */
export function mintSecret(random: Uint8Array): string {
  if (random.byteLength !== WEBHOOK_SECRET_BYTES.minted) throw new RangeError(`A secret is made of ${WEBHOOK_SECRET_BYTES.minted} bytes.`);
  return PREFIX + toBase64(random);
}

/**
 * The key that a secret stands for: 24 to 64 bytes. Null for any other text, and for base64 that is not in its one
 * canonical form, which verifying libraries read differently or not at all.
 */
export function secretKey(secret: string): Uint8Array | null {
  if (!secret.startsWith(PREFIX)) return null;
  const text = secret.slice(PREFIX.length);
  let key: Uint8Array;
  try {
    key = fromBase64(text);
  } catch (error) {
    if (error instanceof DOMException) return null; // not base64
    throw error;
  }
  const [least, most] = WEBHOOK_SECRET_BYTES.range;
  return key.byteLength >= least && key.byteLength <= most && toBase64(key) === text ? key : null;
}

/** One attempt at a delivery. */
export interface Message {
  /** The same for each attempt. No `.`, which would let a part of it pass for the timestamp. */
  readonly id: string;
  /** Of the attempt, in whole Unix seconds. */
  readonly timestamp: number;
  /** Exactly what is sent. */
  readonly body: string;
}

export interface StandardHeaders extends Record<string, string> {
  readonly "webhook-id": string;
  readonly "webhook-timestamp": string;
  readonly "webhook-signature": string;
}

/**
 * The headers of an attempt. `secrets` as minted, the newest first.
 *
 * @throws RangeError where id, timestamp or a secret is none, which is a fault of ours
 */
export async function signStandard(message: Message, secrets: readonly string[], key: SigningKey | null): Promise<StandardHeaders> {
  if (!/^[\w-]+$/.test(message.id)) throw new RangeError("A message's id is made of letters, digits, - and _.");
  if (!Number.isSafeInteger(message.timestamp) || message.timestamp < 0) throw new RangeError("A timestamp is in whole seconds.");
  const timestamp = String(message.timestamp);
  const text = new TextEncoder().encode(`${message.id}.${timestamp}.${message.body}`);
  const signatures: string[] = [];
  for (const secret of secrets) {
    const bytes = secretKey(secret);
    if (!bytes) throw new RangeError("A webhook's secret is not valid.");
    signatures.push(`v1,${toBase64(await hmac(bytes, text))}`);
  }
  if (key) signatures.push(`v1a,${toBase64(await key.sign(text))}`);
  if (signatures.length === 0) throw new RangeError("A message is signed with one secret at least.");
  return { "webhook-id": message.id, "webhook-timestamp": timestamp, "webhook-signature": signatures.join(" ") };
}

/** The value of `X-BASETEN-SIGNATURE`; null without a secret. `secrets` as the receiver has them, the newest first. */
export async function signBaseten(body: string, secrets: readonly string[]): Promise<string | null> {
  const encoder = new TextEncoder();
  const signatures: string[] = [];
  for (const secret of secrets) {
    const mac = await hmac(encoder.encode(secret), encoder.encode(body));
    signatures.push(`v1=${Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
  }
  return signatures.length > 0 ? signatures.join(",") : null;
}

async function hmac(key: Uint8Array, text: Uint8Array): Promise<Uint8Array> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, text));
}

// Ed25519

const ED25519 = { name: "Ed25519" };
const SEED_BYTES = 32;
/** What PKCS #8 puts before the seed of an Ed25519 key (RFC 8410, 7): WebCrypto takes no bare one. */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20);

/** A public key as receivers find it in a JWK Set (RFC 7517; of Ed25519, RFC 8037). */
export interface PublicKey {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  /** Base64url. */
  readonly x: string;
  /** The key's own digest (RFC 7638), so the same key has the same id wherever it is shown. */
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "EdDSA";
}

export interface SigningKey {
  readonly publicKey: PublicKey;
  sign(text: Uint8Array): Promise<Uint8Array>;
}

/** The Ed25519 key pair of a seed of 32 secret bytes. */
export async function signingKeyOf(seed: Uint8Array): Promise<SigningKey> {
  if (seed.byteLength !== SEED_BYTES) throw new RangeError(`An Ed25519 key is made of ${SEED_BYTES} bytes.`);
  const pkcs8 = new Uint8Array([...PKCS8_HEAD, ...seed]);
  const readable = await crypto.subtle.importKey("pkcs8", pkcs8, ED25519, true, ["sign"]);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, ED25519, false, ["sign"]);
  const jwk = await crypto.subtle.exportKey("jwk", readable);
  if (!("x" in jwk) || typeof jwk.x !== "string") throw new Error("The platform gave an Ed25519 key without its public half.");
  const { x } = jwk;
  return {
    publicKey: { kty: "OKP", crv: "Ed25519", x, kid: await thumbprintOf(x), use: "sig", alg: "EdDSA" },
    sign: async (text) => new Uint8Array(await crypto.subtle.sign(ED25519, privateKey, text)),
  };
}

/** The body of `/.well-known/jwks.json`. */
export function keySetOf(keys: readonly SigningKey[]): { readonly keys: readonly PublicKey[] } {
  return { keys: keys.map((key) => key.publicKey) };
}

/** The members that RFC 8037, 2 names, in the order of their names and without white space. */
async function thumbprintOf(x: string): Promise<string> {
  const members = new TextEncoder().encode(JSON.stringify({ crv: "Ed25519", kty: "OKP", x }));
  const digest = toBase64(new Uint8Array(await crypto.subtle.digest("SHA-256", members)));
  return digest.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
