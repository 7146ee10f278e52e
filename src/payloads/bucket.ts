/**
 * The bucket as everything here sees it: R2 in production, each answer within a time limit. Objects are written
 * create-once, whole or bit by bit: of a known length in one put, which leaves nothing when it is cut short; of an
 * unknown one as an upload in parts, which leaves its parts until it is completed or aborted. So whoever begins an upload
 * in parts makes sure that somebody knows its id.
 */
import { BUCKET_MS } from "../limits.ts";
import { Unavailable, ask } from "../platform/unavailable.ts";

/** Create-once: an object that is there stays as it is. */
export const ONCE = { etagDoesNotMatch: "*" } as const;

export interface Bucket {
  /** Null where there was an object already. */
  put(
    key: string,
    value: string | Uint8Array,
    options: { onlyIf: { etagDoesNotMatch: string }; httpMetadata: { contentType: string } },
  ): Promise<unknown>;
  /** Null where there is none. With a range, which must lie within the object, that part of it. */
  get(key: string, options?: { range: ByteRange }): Promise<StoredObject | null>;
  /** At most DELETE_KEYS at once; what is not there is no error. */
  delete(keys: string | string[]): Promise<void>;
  /** The objects whose keys begin so, in the order of their keys: those after a key, all where it is null. */
  list(options: { prefix: string; after: string | null; limit: number }): Promise<ObjectPage>;
}

/** The body is native: handed on as it is, it is never in our memory. */
export interface StoredObject {
  readonly body: ReadableStream;
  /** Of the whole object. */
  readonly size: number;
  bytes(): Promise<Uint8Array>;
}

/** In bytes. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export interface ObjectPage {
  readonly objects: readonly { readonly key: string; readonly size: number; readonly uploaded: Date }[];
  /** Whether there are others after these. */
  readonly more: boolean;
}

/** Objects that are written bit by bit. */
export interface Uploads {
  /** One of exactly so many bytes, create-once. */
  open(key: string, bytes: number, contentType: string): Writing;
  /** One in parts: of UPLOAD_PART_BYTES or more each, all but the last alike (R2, "Multipart upload"). */
  begin(key: string, contentType: string): Promise<Upload>;
  /** One that was begun, by its id. */
  resume(key: string, id: string): Upload;
  /** SHA-256 of what passes. */
  digest(): Digest;
}

export interface Writing {
  /** Resolves when more may come. The chunk is no longer needed then. */
  write(chunk: Uint8Array): Promise<void>;
  /** The object is there when this resolves: false where there was one already. Throws where it is shorter than it should be. */
  end(): Promise<boolean>;
  /** Gives up; nothing is left of it. Never rejects. */
  abort(): Promise<void>;
}

export interface Upload {
  readonly id: string;
  /** Numbers begin at 1; a part sent again replaces the former. A stream must know its length. */
  part(number: number, value: Uint8Array | ReadableStream): Promise<UploadedPart>;
  complete(parts: readonly UploadedPart[]): Promise<void>;
  /** What is over already is no error. */
  abort(): Promise<void>;
}

export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
}

export interface Digest {
  write(chunk: Uint8Array): Promise<void>;
  /** 32 bytes. */
  end(): Promise<Uint8Array>;
}

/** The bucket behind a binding; every answer within BUCKET_MS, or Unavailable. */
export function r2(binding: R2Bucket): Bucket {
  return {
    put: (key, value, options) => ask("storage", BUCKET_MS, () => binding.put(key, value, options)),
    get: (key, options) => ask("storage", BUCKET_MS, () => binding.get(key, options)),
    delete: (keys) => ask("storage", BUCKET_MS, () => binding.delete(keys)),
    async list({ prefix, after, limit }) {
      const options = { prefix, limit, ...(after === null ? {} : { startAfter: after }) };
      const page = await ask("storage", BUCKET_MS, () => binding.list(options));
      return { objects: page.objects, more: page.truncated };
    },
  };
}

/** Uploads behind a binding. What takes as long as its data takes to come is bounded by whoever brings the data. */
export function r2Uploads(binding: R2Bucket): Uploads {
  return {
    open(key, bytes, contentType) {
      const { readable, writable } = new FixedLengthStream(bytes);
      const writer = writable.getWriter();
      writer.closed.catch(() => {}); // whatever it tells, the calls below do too
      let failure: Unavailable | null = null;
      const put = binding.put(key, readable, { onlyIf: ONCE, httpMetadata: { contentType } }).catch((error: unknown) => {
        failure = new Unavailable("storage", false, error);
        return failure;
      });
      /** What fails when the put has failed, fails for that reason, which may come a moment later. */
      const orItsCause = async (writing: Promise<void>) => {
        try {
          await writing;
        } catch (error) {
          await soon();
          throw failure ?? error;
        }
      };
      return {
        write: (chunk) => inTime(() => orItsCause(writer.write(chunk))),
        async end() {
          await inTime(() => orItsCause(writer.close()));
          const answer = await inTime(() => put);
          if (answer instanceof Unavailable) throw answer;
          return answer !== null;
        },
        async abort() {
          await inTime(() => writer.abort(new Error("given up")).then(() => put)).catch(() => {});
        },
      };
    },
    async begin(key, contentType) {
      return upload(await ask("storage", BUCKET_MS, () => binding.createMultipartUpload(key, { httpMetadata: { contentType } })));
    },
    resume: (key, id) => upload(binding.resumeMultipartUpload(key, id)),
    digest() {
      const stream = new crypto.DigestStream("SHA-256");
      const writer = stream.getWriter();
      return {
        write: (chunk) => writer.write(chunk),
        async end() {
          await writer.close();
          return new Uint8Array(await stream.digest);
        },
      };
    },
  };
}

function soon(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

const inTime = <T>(question: () => Promise<T>) => ask("storage", BUCKET_MS, question);

function upload(it: R2MultipartUpload): Upload {
  return {
    id: it.uploadId,
    part: (number, value) => (value instanceof ReadableStream ? it.uploadPart(number, value) : inTime(() => it.uploadPart(number, value))),
    async complete(parts) {
      await inTime(() => it.complete([...parts]));
    },
    async abort() {
      await inTime(() =>
        it.abort().catch((error: unknown) => {
          if (!(error instanceof Error && NO_SUCH_UPLOAD.test(error.message))) throw error;
        }),
      );
    },
  };
}

const NO_SUCH_UPLOAD = /\b10024\b/; // R2's code

/** What is read at once, and handed on. */
const CHUNK_BYTES = 262_144;

/**
 * Hands a body on, chunk by chunk; the next is read when one was taken. A chunk is not the taker's after that. Throws
 * where the body breaks off, the taker throws, or `over` is aborted; the body is then cancelled.
 */
export async function pump(body: ReadableStream, take: (chunk: Uint8Array) => Promise<void>, over: AbortSignal): Promise<void> {
  const reader = readerOf(body);
  const stop = () => void reader.cancel();
  over.addEventListener("abort", stop);
  try {
    for (;;) {
      over.throwIfAborted();
      const chunk = await reader.read();
      over.throwIfAborted(); // a body that was cancelled looks like one that has ended
      if (chunk === null) return;
      if (chunk.byteLength > 0) await take(chunk);
    }
  } catch (error) {
    await reader.cancel();
    throw error;
  } finally {
    over.removeEventListener("abort", stop);
  }
}

/** A reader of the platform can fill a buffer, so that bytes that come in dribs and drabs are not handed on so. */
interface Filling {
  read(view: Uint8Array<ArrayBuffer>): Promise<{ value?: Uint8Array<ArrayBuffer> | undefined }>;
  readAtLeast?(bytes: number, view: Uint8Array<ArrayBuffer>): Promise<{ value?: Uint8Array<ArrayBuffer> | undefined }>;
  cancel(): Promise<void>;
}

/** Reads into one buffer again and again where the body can do that: a large body then makes no garbage. */
function readerOf(body: ReadableStream): { read(): Promise<Uint8Array | null>; cancel(): Promise<void> } {
  let byob: ReadableStreamBYOBReader | null = null;
  try {
    byob = body.getReader({ mode: "byob" });
  } catch {
    // Made by a script, not by the platform.
  }
  if (byob) {
    const reader: Filling = byob;
    let buffer = new ArrayBuffer(CHUNK_BYTES);
    return {
      async read() {
        const view = new Uint8Array(buffer);
        const { value } = await (reader.readAtLeast?.(CHUNK_BYTES, view) ?? reader.read(view));
        if (value) buffer = value.buffer;
        return value && value.byteLength > 0 ? value : null; // the last bytes may come together with the end
      },
      cancel: () => reader.cancel().catch(() => {}),
    };
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  return {
    async read() {
      const { done, value } = await reader.read();
      return done ? null : value;
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}
