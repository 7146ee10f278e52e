/**
 * All payloads in the bucket. Inputs and outputs beyond INLINE_BYTES are objects, written create-once: a doubled attempt
 * can't overwrite a result, and an output's key carries its attempt, so a stale attempt can't either. An object is
 * written before the row that names it; after a crash in between it is an orphan, never a promise without a payload, and
 * the sweep finds it (retention.ts). What comes bit by bit goes to the bucket bit by bit: in one put where its length is
 * known, else in parts; memory holds a chunk of the one and a part of the other, whatever the size.
 */
import type { TakenIn } from "../backends/backend.ts";
import type { KeptPart } from "../backends/outcome.ts";
import { type Bucket, type ByteRange, ONCE, type Upload, type UploadedPart, type Uploads, type Writing, pump } from "../bucket.ts";
import { type Content, isJson, sizeOf } from "../content.ts";
import { hexOf } from "../hex.ts";
import { MultipartReader, type PartHead, type PartsTaker, boundaryOf } from "../multipart.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, PART_NAME_CHARACTERS, PUT_BYTES, UPLOAD_PART_BYTES } from "../numbers.ts";
import type { Payload } from "./inference.ts";
import type { Hold } from "./rows.ts";

export type { Bucket } from "../bucket.ts";

/** Whether it goes into the row. Bytes grow by a third there. */
export function isInline({ body }: Content): boolean {
  return typeof body === "string" ? sizeOf(body) <= INLINE_BYTES : body.byteLength * 4 <= INLINE_BYTES * 3;
}

interface Stored {
  readonly payload: Payload;
  readonly bytes: number;
}

/** Stores an input: small ones are left to the row. */
export async function storeInput(bucket: Bucket, accountId: string, id: string, content: Content): Promise<Stored> {
  const { body, contentType } = content;
  const bytes = sizeOf(body);
  if (isInline(content)) return { payload: { at: "row", body, contentType }, bytes };
  const key = `inputs/${accountId}/${id}`;
  await bucket.put(key, body, { onlyIf: ONCE, httpMetadata: { contentType } });
  return { payload: { at: "object", key, bytes, contentType }, bytes };
}

/** Stores an attempt's output, with its digest: small ones are left to the row. Safe to call again. */
export async function storeOutput({ payloads, uploads }: Omit<Shelf, "begun">, hold: Hold, content: Content): Promise<Stored> {
  const { body, contentType } = content;
  if (isInline(content)) return { payload: { at: "row", body, contentType }, bytes: sizeOf(body) };
  const data = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const digest = uploads.digest();
  await digest.write(data);
  const key = outputKey(hold);
  await payloads.put(key, data, { onlyIf: ONCE, httpMetadata: { contentType } });
  const bytes = data.byteLength;
  return { payload: { at: "object", key, bytes, contentType, sha256: hexOf(await digest.end()) }, bytes };
}

const outputKey = ({ accountId, id, attempt }: Hold) => `outputs/${accountId}/${id}/${attempt}`;

/** Where objects are written bit by bit. `begun` is told of an upload in parts before it has any, so that it is found after a crash. */
export interface Shelf {
  readonly payloads: Bucket;
  readonly uploads: Uploads;
  readonly begun: (key: string, uploadId: string) => Promise<void>;
}

/** See TakeIn: a response's body, under the key of an attempt's output where it goes into the bucket. */
export async function takeIn(shelf: Shelf, hold: Hold, response: Response, most: number, over: AbortSignal): Promise<TakenIn> {
  const contentType = response.headers.get("content-type") ?? "application/octet-stream";
  const boundary = boundaryOf(contentType);
  if (boundary !== null) return takeInParts(shelf, hold, response, boundary, over);
  const announced = lengthOf(response);
  const key = outputKey(hold);
  const begin = () => new ObjectWriting(shelf, key, contentType, announced);
  const state: { writing: ObjectWriting | null; failure: { failed: unknown } | null } = {
    writing: announced !== null && announced > most ? begin() : null,
    failure: null,
  };
  const first: Uint8Array[] = [];
  let bytes = 0;
  const keep = async (chunk: Uint8Array, writing: ObjectWriting) => {
    try {
      await writing.write(chunk);
    } catch (error) {
      state.failure = { failed: error };
      throw error;
    }
  };
  const take = async (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (announced !== null && bytes > announced) throw new Error(`${announced} bytes were announced, and more came`);
    if (!state.writing && bytes <= most) {
      first.push(chunk.slice());
      return;
    }
    if (!state.writing) {
      state.writing = begin();
      for (const earlier of first.splice(0)) await keep(earlier, state.writing);
    }
    await keep(chunk, state.writing);
  };
  try {
    if (response.body) await pump(response.body, take, over);
    if (announced !== null && bytes !== announced) throw new Error(`${announced} bytes were announced, ${bytes} came`);
  } catch (error) {
    await state.writing?.abort();
    if (state.failure) return state.failure;
    throw error;
  }
  if (!state.writing) return { bytes: joined(first, bytes) };
  try {
    return { kept: { key, contentType, ...(await state.writing.end()) } };
  } catch (error) {
    await state.writing.abort();
    return { failed: error };
  }
}

/** Of a multipart body, the first part that is JSON and all others, which go into the bucket while they come. */
async function takeInParts(shelf: Shelf, hold: Hold, response: Response, boundary: string, over: AbortSignal): Promise<TakenIn> {
  const taker = new PartsIntoBucket(shelf, outputKey(hold));
  const reader = new MultipartReader(boundary, taker);
  try {
    if (response.body) await pump(response.body, (chunk) => reader.write(chunk), over);
    reader.end();
    return { json: taker.json, parts: taker.parts, discard: () => taker.abort() };
  } catch (error) {
    await taker.abort();
    if (taker.failure) return taker.failure;
    throw error;
  }
}

class PartsIntoBucket implements PartsTaker {
  readonly parts: KeptPart[] = [];
  json: Uint8Array | null = null;
  /** What the bucket has refused. */
  failure: { failed: unknown } | null = null;
  readonly #shelf: Shelf;
  readonly #key: string;
  #current: { name: string; key: string; contentType: string; writing: ObjectWriting } | null = null;
  #text: Uint8Array[] | null = null;
  #textBytes = 0;

  constructor(shelf: Shelf, key: string) {
    this.#shelf = shelf;
    this.#key = key;
  }

  async begin({ contentType, name }: PartHead): Promise<void> {
    if (this.json === null && isJson(contentType)) {
      this.#text = [];
      return;
    }
    const key = `${this.#key}/${this.parts.length + 1}`;
    this.#current = { name: this.#nameOf(name), key, contentType, writing: new ObjectWriting(this.#shelf, key, contentType, null) };
  }

  async data(chunk: Uint8Array): Promise<void> {
    if (this.#current) return this.#inBucket(this.#current.writing.write(chunk));
    this.#textBytes += chunk.byteLength;
    if (this.#textBytes > BACKEND_ANSWER_BYTES) throw new Error("the part that is JSON is too large");
    this.#text?.push(chunk.slice());
  }

  async end(): Promise<void> {
    if (this.#current) {
      const { name, key, contentType, writing } = this.#current;
      this.parts.push({ name, key, contentType, ...(await this.#inBucket(writing.end())) });
      this.#current = null;
    } else {
      this.json = joined(this.#text ?? [], this.#textBytes);
      this.#text = null;
    }
  }

  /** Nothing is left of any part. Never rejects; what the bucket refuses to remove is an orphan. */
  async abort(): Promise<void> {
    await this.#current?.writing.abort();
    const keys = this.parts.map(({ key }) => key);
    if (keys.length > 0) await this.#shelf.payloads.delete(keys).catch(() => {});
  }

  async #inBucket<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      this.failure = { failed: error };
      throw error;
    }
  }

  /** As its sender has it, in characters that need no escape in an address; another one where that is taken. */
  #nameOf(asked: string | null): string {
    const number = this.parts.length + 1;
    const name =
      (asked ?? "")
        .replaceAll(/[^\w.-]+/g, "_")
        .replace(/^\.+/, "")
        .slice(0, PART_NAME_CHARACTERS) || `part-${number}`;
    return this.parts.some((part) => part.name === name) ? `${number}-${name}` : name;
  }
}

/** The length that a response's body will have; null where that is not known: what is announced is the length before decoding. */
function lengthOf({ headers }: Response): number | null {
  const announced = headers.get("content-length");
  return announced === null || headers.has("content-encoding") ? null : Number(announced);
}

/** One object that is written while its bytes come, with their digest. */
export class ObjectWriting {
  readonly #writing: Writing;
  readonly #digest;
  #bytes = 0;

  /** `bytes`: its length; null where it is not known yet. */
  constructor(shelf: Shelf, key: string, contentType: string, bytes: number | null) {
    this.#digest = shelf.uploads.digest();
    const atOnce = bytes !== null && bytes <= PUT_BYTES;
    this.#writing = atOnce ? shelf.uploads.open(key, bytes, contentType) : new PartsWriting(shelf, key, contentType);
  }

  /** The chunk is no longer needed when this resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.byteLength;
    await this.#digest.write(chunk);
    await this.#writing.write(chunk);
  }

  /** The object is there when this resolves. `sha256` in hex. */
  async end(): Promise<{ bytes: number; sha256: string }> {
    await this.#writing.end();
    return { bytes: this.#bytes, sha256: hexOf(await this.#digest.end()) };
  }

  /** Nothing is left of it. Never rejects. */
  abort(): Promise<void> {
    return this.#writing.abort();
  }
}

/** Of a length that is not known: one put where it fits into a part, else an upload in equal parts. */
class PartsWriting implements Writing {
  readonly #shelf: Shelf;
  readonly #key: string;
  readonly #contentType: string;
  readonly #buffer = new Uint8Array(UPLOAD_PART_BYTES);
  readonly #parts: UploadedPart[] = [];
  #filled = 0;
  #upload: Upload | null = null;

  constructor(shelf: Shelf, key: string, contentType: string) {
    this.#shelf = shelf;
    this.#key = key;
    this.#contentType = contentType;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0;) {
      // A part goes out only when more follows, so that the last one is never empty.
      if (this.#filled === this.#buffer.byteLength) await this.#send();
      const fits = rest.subarray(0, this.#buffer.byteLength - this.#filled);
      this.#buffer.set(fits, this.#filled);
      this.#filled += fits.byteLength;
      rest = rest.subarray(fits.byteLength);
    }
  }

  async end(): Promise<boolean> {
    if (!this.#upload) {
      const options = { onlyIf: ONCE, httpMetadata: { contentType: this.#contentType } };
      return (await this.#shelf.payloads.put(this.#key, this.#buffer.subarray(0, this.#filled), options)) !== null;
    }
    await this.#send();
    await this.#upload.complete(this.#parts);
    return true;
  }

  async abort(): Promise<void> {
    await this.#upload?.abort().catch(() => {}); // the sweep knows of it
  }

  async #send(): Promise<void> {
    if (!this.#upload) {
      this.#upload = await this.#shelf.uploads.begin(this.#key, this.#contentType);
      await this.#shelf.begun(this.#key, this.#upload.id);
    }
    this.#parts.push(await this.#upload.part(this.#parts.length + 1, this.#buffer.subarray(0, this.#filled)));
    this.#filled = 0;
  }
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.byteLength;
  }
  return whole;
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
