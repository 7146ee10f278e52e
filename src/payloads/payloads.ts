/**
 * Payloads in the bucket. Inputs and outputs beyond INLINE_BYTES are objects, written create-once. An object is written
 * before the row that names it; after a crash in between it is an orphan, never a promise without a payload, and the
 * sweep finds it (retention.ts).
 */
import { type Bucket, type ByteRange, ONCE } from "./bucket.ts";
import { type Content, isJson, sizeOf } from "../content/content.ts";
import { INLINE_BYTES } from "../limits.ts";
import type { Payload } from "./payload.ts";

export type { Bucket } from "./bucket.ts";

/** Whether it goes into the row. Bytes grow by a third there. */
export function isInline({ body }: Content): boolean {
  return typeof body === "string" ? sizeOf(body) <= INLINE_BYTES : body.byteLength * 4 <= INLINE_BYTES * 3;
}

/** What was stored, and of how many bytes. */
export interface Stored {
  readonly payload: Payload;
  readonly bytes: number;
}

/** A small input, which is left to the row. */
export function inlinePayload({ body, contentType }: Content): Stored {
  return { payload: { at: "row", body, contentType }, bytes: sizeOf(body) };
}

/** Stores an input: small ones are left to the row. */
export async function storeInput(bucket: Bucket, accountId: string, id: string, content: Content): Promise<Stored> {
  if (isInline(content)) return inlinePayload(content);
  const { body, contentType } = content;
  const bytes = sizeOf(body);
  const key = `inputs/${accountId}/${id}`;
  await bucket.put(key, body, { onlyIf: ONCE, httpMetadata: { contentType } });
  return { payload: { at: "object", key, bytes, contentType }, bytes };
}

/** A payload as text where it is JSON, else as bytes; null where it is gone. */
export async function readPayload(bucket: Bucket, payload: Payload): Promise<Content | null> {
  const { contentType } = payload;
  if (payload.at === "row") return { body: payload.body, contentType };
  const object = payload.key === null ? null : await bucket.get(payload.key);
  if (!object) return null;
  const bytes = await object.bytes();
  return { body: isJson(contentType) ? new TextDecoder().decode(bytes) : bytes, contentType };
}

/** What a download needs to know of a stored object; null where it was removed. */
export function storedObject(bucket: Bucket, { key, bytes, sha256 = null }: Extract<Payload, { at: "object" }>) {
  if (key === null) return null;
  const open = async (range: ByteRange | null) => (await bucket.get(key, range ? { range } : undefined))?.body ?? null;
  return { bytes, sha256, open };
}

/** A payload to send on, not held whole where it is large; null where it is gone. */
export async function openPayload(bucket: Bucket, payload: Payload): Promise<string | Uint8Array | ReadableStream | null> {
  if (payload.at === "row") return payload.body;
  if (payload.key === null) return null;
  const object = await bucket.get(payload.key);
  return object?.body ?? null;
}
