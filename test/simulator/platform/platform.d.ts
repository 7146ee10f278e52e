/**
 * Of the platform's types, those that the flows' seam names in its signatures. The simulator stands on the other side
 * of the seam and makes none of these; declaring them here keeps the platform's globals out of a program for Node.
 */
import type { StoredObject, UploadedPart } from "../../../src/payloads/bucket.ts";
import type { webcrypto } from "node:crypto";
import type { Gate } from "../../../src/keys/gate.ts";

declare global {
  interface D1Statement {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the platform has it
    all<T>(): Promise<{ results: T[]; meta: { size_after: number; served_by_primary?: boolean } }>;
  }

  interface D1Database {
    withSession(constraint: string): D1DatabaseSession;
  }

  interface D1DatabaseSession {
    getBookmark(): string | null;
    prepare(text: string): { bind(...params: unknown[]): D1Statement };
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as the platform has it
    batch<T>(statements: D1Statement[]): Promise<{ results: T[]; meta: { size_after: number; served_by_primary?: boolean } }[]>;
  }

  interface R2MultipartUpload {
    readonly uploadId: string;
    uploadPart(number: number, value: Uint8Array | ReadableStream): Promise<UploadedPart>;
    complete(parts: UploadedPart[]): Promise<unknown>;
    abort(): Promise<void>;
  }

  interface R2Bucket {
    put(key: string, value: string | Uint8Array | ReadableStream, options: object): Promise<unknown>;
    get(key: string, options?: object): Promise<StoredObject | null>;
    delete(keys: string | string[]): Promise<void>;
    list(options: object): Promise<{
      objects: { key: string; size: number; uploaded: Date }[];
      truncated: boolean;
    }>;
    createMultipartUpload(key: string, options: object): Promise<R2MultipartUpload>;
    resumeMultipartUpload(key: string, id: string): R2MultipartUpload;
  }

  class FixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
    constructor(bytes: number);
  }

  /** Named by a signature of a flow; what stands in its place is in globals.ts. */
  type CryptoKey = webcrypto.CryptoKey;

  interface Env {
    readonly DB: D1Database;
    readonly PAYLOADS: R2Bucket;
    readonly WAKE_UPS: { sendBatch(messages: { body: unknown }[]): Promise<void> };
    readonly SWEEP: { getByName(name: string): { arm(): Promise<void> } };
    readonly DELIVERY: { getByName(name: string): { deliver(accountId: string, number: number): Promise<void> } };
    readonly GATE: { getByName(name: string): { admit: Gate["admit"]; forget(): Promise<void> } };
  }
}

declare module "node:crypto" {
  namespace webcrypto {
    interface Crypto {
      readonly DigestStream: new (algorithm: string) => WritableStream<Uint8Array> & { readonly digest: Promise<ArrayBuffer> };
    }
  }
}
