/**
 * All R2. Inputs and outputs beyond INLINE_BYTES are objects, written create-once: a doubled attempt can't overwrite a
 * result, and an output's key carries its attempt, so a stale attempt can't either. An object is written before the
 * row that names it; after a crash in between it is an orphan, never a promise without a payload.
 */
import { INLINE_BYTES } from "../numbers.ts";
import type { Hold } from "./store.ts";
import type { Output } from "../backends/outcome.ts";
import type { Payload } from "./inference.ts";

/** What the flows need of a bucket; R2Bucket has it. */
export interface Bucket {
  put(
    key: string,
    value: string | Uint8Array,
    options: { onlyIf: { etagDoesNotMatch: string }; httpMetadata: { contentType: string } },
  ): Promise<unknown>;
  get(key: string): Promise<{ readonly body: ReadableStream; readonly size: number; text(): Promise<string> } | null>;
  delete(key: string): Promise<void>;
}

/** The UTF-8 length of a text, in bytes. */
export function byteLength(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}

/** Stores an input: small ones are left to the row. */
export async function storeInput(bucket: Bucket, accountId: string, id: string, text: string, bytes: number): Promise<Payload> {
  const contentType = "application/json";
  if (bytes <= INLINE_BYTES) return { at: "row", text, contentType };
  return store(bucket, `inputs/${accountId}/${id}`, text, bytes, contentType);
}

/** Stores an attempt's output: small texts are left to the row. Safe to call again. */
export async function storeOutput(bucket: Bucket, hold: Hold, output: Output): Promise<{ payload: Payload; bytes: number }> {
  const { body, contentType } = output;
  const bytes = typeof body === "string" ? byteLength(body) : body.byteLength;
  if (typeof body === "string" && bytes <= INLINE_BYTES) return { payload: { at: "row", text: body, contentType }, bytes };
  const key = `outputs/${hold.accountId}/${hold.id}/${hold.attempt}`;
  return { payload: await store(bucket, key, body, bytes, contentType), bytes };
}

async function store(bucket: Bucket, key: string, body: string | Uint8Array, bytes: number, contentType: string): Promise<Payload> {
  await bucket.put(key, body, { onlyIf: { etagDoesNotMatch: "*" }, httpMetadata: { contentType } });
  return { at: "object", key, bytes, contentType };
}

/** A payload as text; null where its object is gone. */
export async function readPayload(bucket: Bucket, payload: Payload): Promise<string | null> {
  if (payload.at === "row") return payload.text;
  const object = await bucket.get(payload.key);
  return object ? object.text() : null;
}

/** A payload to send on, not held whole where it is large; null where its object is gone. */
export async function openPayload(bucket: Bucket, payload: Payload): Promise<string | ReadableStream | null> {
  if (payload.at === "row") return payload.text;
  const object = await bucket.get(payload.key);
  return object?.body ?? null;
}
