/** Webhooks: whether a request was sent by the deployment (Standard Webhooks 1.0.0). */
import { InvalidSignature } from "./errors.ts";

export interface VerifyOptions {
  /** How old a request may be, in seconds; 300 by default. */
  readonly tolerance?: number;
}

type HeaderValues = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/** The event of a webhook's request. Throws `InvalidSignature` unless it was signed with the secret (`whsec_…`) not long ago. */
export async function verify(
  secret: string,
  body: string | Uint8Array,
  headers: HeaderValues,
  { tolerance = 300 }: VerifyOptions = {},
): Promise<{ readonly type: string; readonly timestamp: string; readonly data: Record<string, unknown> }> {
  const told = headers instanceof Headers ? headers : headersOf(headers);
  const [id, timestamp, signatures] = ["id", "timestamp", "signature"].map((name) => told.get(`webhook-${name}`));
  if (!id || !timestamp || !signatures) throw new InvalidSignature("webhook-id, webhook-timestamp or webhook-signature is missing.");
  const age = Math.abs(Date.now() / 1000 - Number(timestamp));
  if (!(age <= tolerance)) throw new InvalidSignature(`It was signed ${Math.round(age)} s ago; at most ${tolerance} s are allowed.`);
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const key = await crypto.subtle.importKey("raw", bytesOf(secret.replace(/^whsec_/, "")), { name: "HMAC", hash: "SHA-256" }, false, [
    "verify",
  ]);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${text}`);
  for (const signature of signatures.split(" ")) {
    const [version, its = ""] = signature.split(",");
    if (version === "v1" && (await crypto.subtle.verify("HMAC", key, bytesOf(its), signed))) return JSON.parse(text);
  }
  throw new InvalidSignature("No signature was made with this secret.");
}

function headersOf(values: Exclude<HeaderValues, Headers>): Headers {
  const told = new Headers();
  for (const [name, value] of Object.entries(values))
    if (value !== undefined) told.set(name, typeof value === "string" ? value : value.join(" "));
  return told;
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch (error) {
    throw new InvalidSignature("The secret or the signature is no base64.", { cause: error });
  }
}
