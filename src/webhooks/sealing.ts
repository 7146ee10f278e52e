/**
 * PURE, except for WebCrypto. The keys that are derived from the deployment's own secret (HKDF, RFC 5869) for webhooks: one
 * seals the accounts' signing secrets, the others are the deployment's Ed25519 keys. A sealed secret is bound to its account, so a
 * row copied to another account opens nothing. While the deployment's secret is rotated, secrets sealed under the old one
 * still open and are sealed again under the new one, and the public halves of both Ed25519 keys are published.
 */
import { fromBase64, toBase64 } from "../encoding/base64.ts";
import type { RandomBytes } from "../ids.ts";
import { type SigningKey, signingKeyOf } from "./signature.ts";

const IV_BYTES = 12;
const SEALING = "claimcheck webhook secrets v1";
const SIGNING = "claimcheck webhook signing key v1";

/** Seals a secret of an account under the newest of the deployment's secrets. */
export async function seal(text: string, accountId: string, keySecrets: readonly string[], random: RandomBytes): Promise<string> {
  const iv = random(IV_BYTES);
  const key = await sealingKey(keySecrets[0] ?? "");
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bytesOf(accountId) }, key, bytesOf(text));
  return toBase64(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/** A sealed secret's text, and whether an older secret than the newest sealed it; null where none of them did. */
export async function open(
  sealed: string,
  accountId: string,
  keySecrets: readonly string[],
): Promise<{ readonly text: string; readonly stale: boolean } | null> {
  const bytes = fromBase64(sealed);
  for (const [age, secret] of keySecrets.entries()) {
    const key = await sealingKey(secret);
    const parameters = { name: "AES-GCM", iv: bytes.slice(0, IV_BYTES), additionalData: bytesOf(accountId) };
    // A rejection says that this secret did not seal it: WebCrypto tells nothing else apart.
    const text = await crypto.subtle.decrypt(parameters, key, bytes.slice(IV_BYTES)).catch(() => null);
    if (text !== null) return { text: new TextDecoder().decode(text), stale: age > 0 };
  }
  return null;
}

/** The deployment's Ed25519 keys, newest first: the first signs, all are published. Those of a wire that signs other texts are keys of their own. */
export async function signingKeysOf(keySecrets: readonly string[], wire?: string): Promise<SigningKey[]> {
  const info = wire === undefined ? SIGNING : `${SIGNING} of ${wire}`;
  return Promise.all(keySecrets.map(async (secret) => signingKeyOf(await derive(secret, info))));
}

/** The deployment's key that signs. */
export async function signingKeyFor(keySecrets: readonly string[], wire?: string): Promise<SigningKey> {
  const [newest] = await signingKeysOf(keySecrets.slice(0, 1), wire);
  if (!newest) throw new Error("KEY_SECRET is missing, so there is no key to sign webhooks with");
  return newest;
}

async function sealingKey(secret: string) {
  return crypto.subtle.importKey("raw", await derive(secret, SEALING), "AES-GCM", false, ["encrypt", "decrypt"]);
}

async function derive(secret: string, info: string): Promise<Uint8Array> {
  const key = await crypto.subtle.importKey("raw", bytesOf(secret), "HKDF", false, ["deriveBits"]);
  const parameters = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info: bytesOf(info) };
  return new Uint8Array(await crypto.subtle.deriveBits(parameters, key, 256));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
