/**
 * The bucket as the flows see it (R2 in production: r2.ts). Objects are written create-once, whole or bit by bit: an
 * object of known length in one put, which leaves nothing if it is cut short; one of unknown length as an upload in parts,
 * which leaves its parts until it is completed or aborted. So the id of such an upload is stored before its first part.
 */

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
