/**
 * `Idempotency-Key` of a submit, in any dialect: quoted as the draft has it, or bare as most clients send it. What makes
 * two requests the same is the path and the body, byte for byte.
 * Source: draft-ietf-httpapi-idempotency-key-header-07.
 */
import { digestOf } from "../keys/key.ts";
import { IDEMPOTENCY_KEY_CHARACTERS } from "../limits.ts";
import { problem } from "../problem.ts";
import type { Submitted } from "../inferences/submit.ts";

/** The key and the request's fingerprint, or null where the client sent none. Throws 400 for a key that is none. */
export async function idempotencyOf(request: Request, url: URL, body: string): Promise<{ key: string; fingerprint: string } | null> {
  const header = request.headers.get("idempotency-key");
  if (header === null) return null;
  const text = header.trim();
  const key = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(["\\])/g, "$1") : text;
  if (key === "" || key.length > IDEMPOTENCY_KEY_CHARACTERS || !/^[\x20-\x7e]+$/.test(key)) {
    throw problem("bad_request", { detail: `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARACTERS} printable ASCII characters.` });
  }
  return { key, fingerprint: await digestOf(`${url.pathname}\n${body}`) };
}

/** Says of an answer that it is the first one, given again. */
export function replayHeaders({ replayed }: Pick<Submitted, "replayed">): Record<string, string> {
  return replayed ? { "Idempotency-Replayed": "true" } : {};
}
