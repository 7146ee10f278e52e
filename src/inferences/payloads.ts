/**
 * All R2. Inputs and outputs beyond INLINE_BYTES are objects, written create-once: a doubled attempt can't overwrite a
 * result, and an output's key carries its attempt, so a stale attempt can't either. An object is written before the
 * row that names it; after a crash in between it is an orphan, never a promise without a payload.
 */
import { type Bucket, ONCE } from "../bucket.ts";
import { type Content, isJson, sizeOf } from "../content.ts";
import { INLINE_BYTES } from "../numbers.ts";
import type { Hold } from "./store.ts";
import type { Payload } from "./inference.ts";

/** Whether it goes into the row. Bytes grow by a third there. */
export function isInline({ body }: Content): boolean {
  return typeof body === "string" ? sizeOf(body) <= INLINE_BYTES : body.byteLength * 4 <= INLINE_BYTES * 3;
}

/** Stores an input: small ones are left to the row. */
export async function storeInput(bucket: Bucket, accountId: string, id: string, content: Content): Promise<Stored> {
  return store(bucket, `inputs/${accountId}/${id}`, content);
}

/** Stores an attempt's output: small ones are left to the row. Safe to call again. */
export async function storeOutput(bucket: Bucket, hold: Hold, content: Content): Promise<Stored> {
  return store(bucket, `outputs/${hold.accountId}/${hold.id}/${hold.attempt}`, content);
}

export type { Bucket } from "../bucket.ts";

interface Stored {
  readonly payload: Payload;
  readonly bytes: number;
}

async function store(bucket: Bucket, key: string, content: Content): Promise<Stored> {
  const { body, contentType } = content;
  const bytes = sizeOf(body);
  if (isInline(content)) return { payload: { at: "row", body, contentType }, bytes };
  await bucket.put(key, body, { onlyIf: ONCE, httpMetadata: { contentType } });
  return { payload: { at: "object", key, bytes, contentType }, bytes };
}

/** A payload as text where it is JSON, else as bytes; null where its object is gone. */
export async function readPayload(bucket: Bucket, payload: Payload): Promise<Content | null> {
  const { contentType } = payload;
  if (payload.at === "row") return { body: payload.body, contentType };
  const object = await bucket.get(payload.key);
  if (!object) return null;
  const bytes = await object.bytes();
  return { body: isJson(contentType) ? new TextDecoder().decode(bytes) : bytes, contentType };
}

/** A payload to send on, not held whole where it is large; null where its object is gone. */
export async function openPayload(bucket: Bucket, payload: Payload): Promise<string | Uint8Array | ReadableStream | null> {
  if (payload.at === "row") return payload.body;
  const object = await bucket.get(payload.key);
  return object?.body ?? null;
}
