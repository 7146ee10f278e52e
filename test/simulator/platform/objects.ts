/**
 * The bucket: objects, create-once or in parts, each call of which goes through a part of the platform that may fail. What
 * is written late, by a call that nobody waits for any more, is written all the same.
 */
import { createHash } from "node:crypto";
import type { Bucket, ByteRange, Upload, UploadedPart, Uploads } from "../../../src/payloads/bucket.ts";
import { Unavailable } from "../../../src/platform/unavailable.ts";

interface StoredValue {
  readonly value: Uint8Array;
  readonly at: number;
}

interface PendingUpload {
  readonly key: string;
  readonly parts: Map<number, { readonly etag: string; readonly value: Uint8Array }>;
}

/** One isolate's way to the bucket. */
export interface Way {
  ask<T>(effect: () => T): Promise<T>;
  /** By the bucket's own clock. */
  now(): number;
  trace(what: string): void;
}

export class Objects {
  readonly #objects = new Map<string, StoredValue>();
  readonly #uploads = new Map<string, PendingUpload>();
  readonly #onDelete: (key: string) => void;
  #begun = 0;

  /** `onDelete` is called before an object goes. */
  constructor(onDelete: (key: string) => void) {
    this.#onDelete = onDelete;
  }

  has(key: string): boolean {
    return this.#objects.has(key);
  }

  /** How many bytes an object has; null if there is none. */
  sizeOf(key: string): number | null {
    return this.#objects.get(key)?.value.byteLength ?? null;
  }

  textOf(key: string | null): string | null {
    const value = key === null ? undefined : this.#objects.get(key)?.value;
    return value === undefined ? null : new TextDecoder().decode(value);
  }

  /** Every object with the time at which it was written. */
  *all(): Generator<{ readonly key: string; readonly at: number }> {
    for (const [key, { at }] of this.#objects) yield { key, at };
  }

  bucketFor(way: Way): Bucket {
    return {
      put: (key, value) => way.ask(() => (this.#put(way, key, bytesOf(value)) ? {} : null)),
      get: (key, options) => way.ask(() => this.#get(key, options?.range)),
      delete: (keys) => way.ask(() => [keys].flat().forEach((key) => this.#delete(key))),
      list: ({ prefix, after, limit }) => way.ask(() => this.#list(prefix, after, limit)),
    };
  }

  uploadsFor(way: Way): Uploads {
    return {
      open: (key, bytes) => {
        const chunks: Uint8Array[] = [];
        return {
          write: async (chunk) => void chunks.push(chunk.slice()),
          end: async () => {
            const value = joined(chunks);
            if (value.byteLength !== bytes) throw new Unavailable("storage", false, new Error("the body is shorter than announced"));
            return way.ask(() => this.#put(way, key, value));
          },
          abort: async () => {},
        };
      },
      begin: (key) =>
        way.ask(() => {
          const id = `upload-${++this.#begun}`;
          this.#uploads.set(id, { key, parts: new Map() });
          return this.#upload(way, id);
        }),
      resume: (_key, id) => this.#upload(way, id),
      digest() {
        const hash = createHash("sha256");
        return { write: async (chunk) => void hash.update(chunk), end: async () => new Uint8Array(hash.digest()) };
      },
    };
  }

  #upload(way: Way, id: string): Upload {
    return {
      id,
      part: async (number, value) => {
        const bytes = value instanceof Uint8Array ? value.slice() : await collected(value);
        return way.ask((): UploadedPart => {
          const etag = createHash("md5").update(bytes).digest("hex");
          this.#pending(id).parts.set(number, { etag, value: bytes });
          return { partNumber: number, etag };
        });
      },
      complete: (parts) =>
        way.ask(() => {
          const pending = this.#pending(id);
          const values = parts.map(({ partNumber, etag }) => {
            const part = pending.parts.get(partNumber);
            if (part?.etag !== etag) throw new Unavailable("storage", false, new Error(`part ${partNumber} is not there`));
            return part.value;
          });
          this.#objects.set(pending.key, { value: joined(values), at: way.now() });
          this.#uploads.delete(id);
        }),
      abort: () => way.ask(() => void this.#uploads.delete(id)),
    };
  }

  #pending(id: string): PendingUpload {
    const pending = this.#uploads.get(id);
    if (!pending) throw new Unavailable("storage", false, new Error("there is no such upload"));
    return pending;
  }

  #put(way: Way, key: string, value: Uint8Array): boolean {
    way.trace(`put ${key}`);
    if (this.#objects.has(key)) return false;
    this.#objects.set(key, { value, at: way.now() });
    return true;
  }

  #get(key: string, range?: ByteRange) {
    const value = this.#objects.get(key)?.value;
    if (!value) return null;
    const asked = range ? value.subarray(range.offset, range.offset + range.length) : value;
    return {
      get body() {
        return streamOf(asked);
      },
      size: value.byteLength,
      bytes: () => Promise.resolve(asked.slice()),
    };
  }

  #delete(key: string): void {
    if (!this.#objects.has(key)) return;
    this.#onDelete(key);
    this.#objects.delete(key);
  }

  #list(prefix: string, after: string | null, limit: number) {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix) && key > (after ?? "")).toSorted();
    const objects = keys.slice(0, limit).flatMap((key) => {
      const object = this.#objects.get(key);
      return object ? [{ key, size: object.value.byteLength, uploaded: new Date(object.at) }] : [];
    });
    return { objects, more: keys.length > limit };
  }
}

/** In one chunk. Unlike a Blob's stream it needs no thread of the machine. */
export function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      if (bytes.byteLength > 0) controller.enqueue(bytes.slice());
      controller.close();
    },
  });
}

function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value.slice();
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}

async function collected(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk.slice());
  return joined(chunks);
}
