/**
 * What backends answer, taken in while it comes: into memory where it is small, else into the bucket, with its digest.
 * Objects are written create-once: a doubled attempt can't overwrite a result, and an output's key carries its attempt,
 * so a stale attempt can't either. What comes beside an output (the parts of a multipart answer, the fields of JSON that
 * are to be files) are objects of their own, under names of their own.
 */
import { type ExtractedFields, type TakenIn, contentLengthOf } from "../backends/backend.ts";
import type { KeptPart } from "../backends/outcome.ts";
import { ONCE } from "./bucket.ts";
import { joined } from "../encoding/chunks.ts";
import { type Content, endingOf, firstType, isJson, sizeOf } from "../content/content.ts";
import { EmbeddedReader, type EmbeddedTaker } from "../content/embedded.ts";
import type { FileField } from "../content/file-fields.ts";
import { hexOf } from "../encoding/hex.ts";
import { Malformed, type Result, faulty, read } from "../encoding/result.ts";
import { BrokenOff, pump } from "../encoding/streams.ts";
import { MultipartReader, type PartsTaker, boundaryOf } from "../content/multipart.ts";
import type { PartHead } from "../content/part-head.ts";
import { BACKEND_ANSWER_BYTES, PARTS_MAX, PART_NAME_CHARACTERS } from "../limits.ts";
import { type Stored, isInline } from "./payloads.ts";
import { ObjectWriting, type ObjectStores } from "./object-writer.ts";

/** Stores an attempt's output, with its digest: small ones are left to the row. Safe to call again. */
export async function storeOutput(
  { payloads, uploads }: Pick<ObjectStores, "payloads" | "uploads">,
  hold: OutputOwner,
  content: Content,
): Promise<Stored> {
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

/** Whose output it is. */
interface OutputOwner {
  readonly accountId: string;
  readonly id: string;
  readonly attempt: number;
}

const outputKey = ({ accountId, id, attempt }: OutputOwner) => `outputs/${accountId}/${id}/${attempt}`;

/** What decides where an attempt's output goes. */
export interface OutputTarget extends OutputOwner {
  /** The fields of its model's outputs that are kept as files. */
  readonly outputFiles: readonly FileField[];
  /** What its model's outputs may be, as they come out decoded, with all that comes beside them. */
  readonly maxOutputBytes: number;
}

/** Hands a response's body on as it comes out decoded. Throws Malformed as soon as it is more than its model's outputs may be. */
async function pumpOutput(
  { body }: Response,
  { maxOutputBytes }: OutputTarget,
  take: (chunk: Uint8Array) => Promise<void>,
  over: AbortSignal,
): Promise<void> {
  if (!body) return;
  let bytes = 0;
  await pump(
    body,
    (chunk) => {
      bytes += chunk.byteLength;
      if (bytes > maxOutputBytes) throw new Malformed(tooLarge(maxOutputBytes));
      return take(chunk);
    },
    over,
  );
}

const tooLarge = (maxOutputBytes: number) => `it has more than ${maxOutputBytes} bytes, which is the most for an output of its model`;

/** See TakeIn: a response's body, under the key of an attempt's output where it goes into the bucket. */
export async function takeIn(
  stores: OutputStores,
  taking: OutputTarget,
  response: Response,
  most: number,
  over: AbortSignal,
): Promise<Result<TakenIn>> {
  const contentType = firstType(response.headers.get("content-type") ?? "") || "application/octet-stream";
  const boundary = boundaryOf(contentType);
  if (boundary !== null) return takeInParts(stores, taking, response, boundary, over);
  if (isJson(contentType) && taking.outputFiles.length > 0) return takeInFiles(stores, taking, response, over);
  const announced = lengthOf(response);
  if (Number.isNaN(announced)) {
    await response.body?.cancel();
    return faulty("its Content-Length is not one length");
  }
  if (announced !== null && announced > taking.maxOutputBytes) {
    await response.body?.cancel();
    return faulty(tooLarge(taking.maxOutputBytes));
  }
  const key = outputKey(taking);
  const begin = () => new ObjectWriting(stores, key, contentType, announced);
  const state: { writing: ObjectWriting | null } = { writing: announced !== null && announced > most ? begin() : null };
  const first: Uint8Array[] = [];
  let bytes = 0;
  const take = async (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (announced !== null && bytes > announced) throw new BrokenOff(`${announced} bytes were announced, and more came`);
    if (!state.writing && bytes <= most) {
      first.push(chunk.slice());
      return;
    }
    if (!state.writing) {
      state.writing = begin();
      for (const earlier of first.splice(0)) await state.writing.write(earlier);
    }
    await state.writing.write(chunk);
  };
  try {
    await pumpOutput(response, taking, take, over);
    if (announced !== null && bytes !== announced) throw new BrokenOff(`${announced} bytes were announced, ${bytes} came`);
    return read(
      state.writing
        ? { kind: "kept", kept: { key, contentType, ...(await state.writing.end()) } }
        : { kind: "bytes", bytes: joined(first) },
    );
  } catch (error) {
    await state.writing?.abort();
    if (error instanceof Malformed) return faulty(error.message);
    throw error;
  }
}

/** Of a multipart body, the first part that is JSON and all others, which go into the bucket while they come. */
async function takeInParts(
  stores: ObjectStores,
  taking: OutputTarget,
  response: Response,
  boundary: string,
  over: AbortSignal,
): Promise<Result<TakenIn>> {
  const beside = new PartWriter(stores, outputKey(taking));
  const taker = new MultipartTaker(beside);
  const reader = new MultipartReader(boundary, taker);
  return takingBeside(beside, async () => {
    await pumpOutput(response, taking, (chunk) => reader.write(chunk), over);
    reader.end();
    return { json: taker.json?.whole() ?? null };
  });
}

/** Of JSON, the fields that are to be files, which go into the bucket while they come, and what is left, with their addresses. */
async function takeInFiles(stores: OutputStores, taking: OutputTarget, response: Response, over: AbortSignal): Promise<Result<TakenIn>> {
  const beside = new PartWriter(stores, outputKey(taking));
  const json = new BoundedBuffer();
  const reader = new EmbeddedReader(taking.outputFiles, fileTaker(stores, taking, beside, json));
  return takingBeside(beside, async () => {
    await pumpOutput(response, taking, (chunk) => reader.write(chunk), over);
    await reader.end();
    return { json: json.whole() };
  });
}

/** See FieldExtraction: JSON that is at hand already. */
export async function extract(stores: OutputStores, taking: OutputTarget, text: string): Promise<Result<ExtractedFields>> {
  const beside = new PartWriter(stores, outputKey(taking));
  const json = new BoundedBuffer();
  const reader = new EmbeddedReader(taking.outputFiles, fileTaker(stores, taking, beside, json));
  const taken = await takingBeside(beside, async () => {
    await reader.write(new TextEncoder().encode(text));
    await reader.end();
    return { json: json.whole() };
  });
  return taken.ok ? read({ json: new TextDecoder().decode(taken.value.json), parts: taken.value.parts }) : taken;
}

interface BesideTaken<T> {
  readonly kind: "parts";
  readonly json: T;
  readonly parts: readonly KeptPart[];
  readonly discard: () => Promise<void>;
}

/** Nothing is left beside if it can't be taken in. Rejects with BrokenOff if the body broke off. */
async function takingBeside<T>(beside: PartWriter, take: () => Promise<{ json: T }>): Promise<Result<BesideTaken<T>>> {
  try {
    const { json } = await take();
    return read({ kind: "parts", json, parts: beside.parts, discard: () => beside.abort() });
  } catch (error) {
    await beside.abort();
    if (error instanceof Malformed) return faulty(error.message);
    throw error;
  }
}

/** Where outputs are written, and where clients find them. */
export interface OutputStores extends ObjectStores {
  /** What the address of a file in an output begins with; '' = none, and it is a path. */
  readonly publicUrl: string;
}

function fileTaker({ publicUrl }: OutputStores, { id }: OutputOwner, beside: PartWriter, json: BoundedBuffer): EmbeddedTaker {
  return {
    begin({ name, contentType }) {
      if (beside.parts.length === PARTS_MAX) throw new Malformed(`it holds more than ${PARTS_MAX} files`);
      return beside.begin(`${name}.${endingOf(contentType)}`, contentType);
    },
    data: (chunk) => beside.write(chunk),
    end: async () => `${publicUrl}/v1/inferences/${id}/result/${(await beside.end()).name}`,
    async json(chunk) {
      if (!json.add(chunk)) throw new Malformed(`without its files it has more than ${BACKEND_ANSWER_BYTES} bytes`);
    },
  };
}

/** The parts of a multipart body: JSON, the first of it, into memory. */
class MultipartTaker implements PartsTaker {
  json: BoundedBuffer | null = null;
  readonly #beside: PartWriter;
  #isJson = false;

  constructor(beside: PartWriter) {
    this.#beside = beside;
  }

  async begin({ contentType, name }: PartHead): Promise<void> {
    this.#isJson = this.json === null && isJson(contentType);
    if (this.#isJson) this.json = new BoundedBuffer();
    else await this.#beside.begin(name, contentType);
  }

  async data(chunk: Uint8Array): Promise<void> {
    if (!this.#isJson) return this.#beside.write(chunk);
    if (!this.json?.add(chunk)) throw new Malformed("the part that is JSON is too large");
  }

  async end(): Promise<void> {
    if (!this.#isJson) await this.#beside.end();
  }
}

/** Objects beside an attempt's output, written one after the other, under names that no other has. */
class PartWriter {
  readonly parts: KeptPart[] = [];
  readonly #stores: ObjectStores;
  readonly #key: string;
  #current: { name: string; key: string; contentType: string; writing: ObjectWriting } | null = null;

  constructor(stores: ObjectStores, key: string) {
    this.#stores = stores;
    this.#key = key;
  }

  async begin(name: string | null, contentType: string): Promise<void> {
    const key = `${this.#key}/${this.parts.length + 1}`;
    this.#current = { name: this.#nameOf(name), key, contentType, writing: new ObjectWriting(this.#stores, key, contentType, null) };
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#current) await this.#current.writing.write(chunk);
  }

  async end(): Promise<KeptPart> {
    if (!this.#current) throw new Error("nothing was begun");
    const { name, key, contentType, writing } = this.#current;
    const part = { name, key, contentType, ...(await writing.end()) };
    this.parts.push(part);
    this.#current = null;
    return part;
  }

  /** Nothing is left of any. Never rejects; what the bucket refuses to remove is an orphan. */
  async abort(): Promise<void> {
    await this.#current?.writing.abort();
    const keys = this.parts.map(({ key }) => key);
    if (keys.length > 0) await this.#stores.payloads.delete(keys).catch(() => {});
  }

  /** As its sender has it, in characters that need no escape in an address; another one where that is taken. */
  #nameOf(asked: string | null): string {
    const number = this.parts.length + 1;
    const name = (asked ?? "").replaceAll(/[^\w.-]+/g, "_").replace(/^\.+/, "") || `part-${number}`;
    const taken = new Set(this.parts.map((part) => part.name));
    let chosen = name.slice(0, PART_NAME_CHARACTERS);
    for (let prefix = number; taken.has(chosen); prefix++) chosen = `${prefix}-${name}`.slice(0, PART_NAME_CHARACTERS);
    return chosen;
  }
}

/** Bytes that are gathered, BACKEND_ANSWER_BYTES at most. */
class BoundedBuffer {
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;

  /** False where it is too much. */
  add(chunk: Uint8Array): boolean {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > BACKEND_ANSWER_BYTES) return false;
    this.#chunks.push(chunk.slice());
    return true;
  }

  whole(): Uint8Array {
    return joined(this.#chunks);
  }
}

/** The length that a response's body will have; null if that is not known: what is announced is the length before decoding. */
function lengthOf({ headers }: Response): number | null {
  return headers.has("content-encoding") ? null : contentLengthOf(headers);
}
