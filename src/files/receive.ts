/**
 * Takes in the bytes of files: a whole file in one request, or an upload part by part, each as it comes. The order is
 * always row, object, "ready": a crash anywhere leaves a row that the sweep finds, with whatever it names.
 * - What is of known length is handed on chunk by chunk. Its last chunk is let through only when the SHA-256 is the one
 *   that the client said: a wrong one never becomes an object.
 * - What comes without its length is collected, a part at a time, since R2 has to know each part's length.
 * - A part sent again takes the place of the former, so an upload that was cut goes on with the parts that are missing.
 */
import type { Upload, Writing } from "../payloads/bucket.ts";
import { FILE_PARTS, FILE_PART_BYTES, PUT_BYTES, KIB, UPLOAD_PART_BYTES } from "../limits.ts";
import { hexOf } from "../encoding/hex.ts";
import { pump } from "../encoding/streams.ts";
import { Unavailable } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { type Problem, problem } from "../problem.ts";
import { quotaExceeded } from "./quota.ts";
import { abandon, removeFile } from "./remove.ts";
import {
  type StoredFile,
  type NewFile,
  beginParts,
  fileIsReady,
  findFile,
  insertFile,
  objectKey,
  partsOf,
  putPart,
  setAside,
  storageOf,
} from "./store.ts";

type FilePorts = Pick<Ports, "db" | "payloads" | "uploads">;

/** A body as it comes, and what its client says of it. */
export interface Incoming {
  readonly body: ReadableStream | null;
  /** Null where it does not say how long it is. */
  readonly bytes: number | null;
  /** SHA-256 in hex; null where it does not say. */
  readonly sha256: string | null;
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal;
}

/** A new file of the bytes of one request. Throws `quota_exceeded`, `digest_mismatch`, `bad_request`; then nothing of it stays. */
export async function receiveFile(ports: FilePorts, draft: Omit<NewFile, "bytes" | "partBytes">, incoming: Incoming): Promise<StoredFile> {
  const file = await admitted(ports, { ...draft, bytes: incoming.bytes ?? 0, partBytes: null });
  try {
    const { bytes, sha256 } =
      incoming.bytes !== null && incoming.bytes <= PUT_BYTES
        ? await receiveWhole(ports, file, incoming, incoming.bytes)
        : await receiveInParts(ports, file, incoming);
    return await settled(ports, file, bytes, sha256);
  } catch (error) {
    await removeFile(ports, file); // an error does not tell whether a put took effect
    throw error;
  }
}

/** Begins an upload that a client sends part by part. Throws `quota_exceeded`. */
export async function beginUpload(ports: FilePorts, draft: NewFile): Promise<StoredFile> {
  const file = await admitted(ports, draft);
  const { id } = await ports.uploads.begin(objectKey(file), file.contentType);
  const begun = await beginParts(ports.db, file, id);
  if (!begun) throw gone(file);
  return begun;
}

/** How an upload is divided: so many parts, the last of which may be shorter. */
export function divisionOf({ bytes, partBytes }: Pick<StoredFile, "bytes" | "partBytes">): {
  parts: number;
  sizeOf: (number: number) => number;
} {
  const each = partBytes ?? bytes;
  const parts = Math.max(1, Math.ceil(bytes / each));
  return { parts, sizeOf: (number) => (number < parts ? each : bytes - (parts - 1) * each) };
}

/** The size of a part where the client does not say: the least with which it is not too many parts. */
export function partBytesFor(bytes: number): number {
  const mib = KIB * KIB;
  return Math.max(FILE_PART_BYTES.default, Math.ceil(bytes / FILE_PARTS / mib) * mib);
}

/** Takes one part of an upload, or takes it again. Throws `bad_request`, `digest_mismatch`; the part that was there then stays. */
export async function receivePart(ports: FilePorts, file: StoredFile, number: number, incoming: Incoming): Promise<void> {
  const { parts, sizeOf } = divisionOf(file);
  if (number > parts) throw problem("bad_request", { detail: `This upload has parts 1 to ${parts}.` });
  const bytes = sizeOf(number);
  if (incoming.bytes !== bytes) {
    throw problem("bad_request", { detail: `Part ${number} of ${parts} has ${bytes} bytes; Content-Length must say so.` });
  }
  const upload = uploadOf(ports, file);
  const writing = openPart(upload, number, bytes);
  await handOn(ports, writing, incoming, bytes);
  await writing.end();
  const etag = writing.etag();
  if (!(await putPart(ports.db, file, { number, etag, bytes }))) throw gone(file);
}

/** The parts of an upload that are there, by their numbers. */
export async function receivedParts(ports: FilePorts, file: StoredFile): Promise<number[]> {
  return (await partsOf(ports.db, file)).map(({ number }) => number);
}

/**
 * Makes the file of its parts; safe to call again. Throws `upload_incomplete` with the parts that are missing, and
 * `digest_mismatch`, after which nothing of it stays.
 */
export async function completeUpload(ports: FilePorts, file: StoredFile, signal: AbortSignal): Promise<StoredFile> {
  if (file.state === "ready") return file;
  const { parts } = divisionOf(file);
  const there = await partsOf(ports.db, file);
  const numbers = new Set(there.map(({ number }) => number));
  const missing = Array.from({ length: parts }, (_, index) => index + 1).filter((number) => !numbers.has(number));
  if (missing.length > 0) {
    throw problem("upload_incomplete", {
      detail: `${missing.length} of ${parts} parts are missing; the first is ${missing[0]}.`,
      members: { missing: missing.slice(0, 1_000) },
    });
  }
  try {
    await uploadOf(ports, file).complete(there.map(({ number, etag }) => ({ partNumber: number, etag })));
  } catch (error) {
    // An earlier call may have done it, and its answer was lost.
    const now = await findFile(ports.db, file.accountId, file.id);
    if (now?.state === "ready") return now;
    if (!(await isStored(ports, file))) throw error;
  }
  if (file.sha256 !== null) {
    const sha256 = await hashOf(ports, file, signal);
    if (sha256 !== file.sha256) {
      await removeFile(ports, file);
      throw mismatch(file.sha256, sha256);
    }
  }
  return settled(ports, file, file.bytes, file.sha256);
}

async function admitted(ports: FilePorts, draft: NewFile): Promise<StoredFile> {
  const file = await insertFile(ports.db, draft);
  if (!file) throw quotaExceeded(await storageOf(ports.db, draft.accountId), draft.bytes);
  return file;
}

/** The object is there: says so, or takes it back where nobody wants it any more. */
async function settled(ports: FilePorts, file: StoredFile, bytes: number, sha256: string | null): Promise<StoredFile> {
  const ready = await fileIsReady(ports.db, file, bytes, sha256);
  if (ready) return ready;
  const now = await findFile(ports.db, file.accountId, file.id);
  if (now?.state === "ready") return now; // two calls completed it at once
  await ports.payloads.delete(objectKey(file));
  throw gone(file);
}

async function receiveWhole(
  ports: FilePorts,
  file: StoredFile,
  incoming: Incoming,
  bytes: number,
): Promise<{ bytes: number; sha256: string }> {
  const writing = ports.uploads.open(objectKey(file), bytes, file.contentType);
  const sha256 = await handOn(ports, writing, incoming, bytes);
  await writing.end();
  return { bytes, sha256 };
}

/** Hands a body of known length on; returns its SHA-256. Whatever goes wrong, nothing is written; `end` is still to be called. */
async function handOn(ports: FilePorts, writing: Writing, incoming: Incoming, bytes: number): Promise<string> {
  const digest = ports.uploads.digest();
  let left = bytes;
  let sha256: string | null = null;
  const finish = async () => {
    sha256 = hexOf(await digest.end());
    if (incoming.sha256 !== null && incoming.sha256 !== sha256) throw mismatch(incoming.sha256, sha256);
  };
  try {
    await read(incoming, async (chunk) => {
      left -= chunk.byteLength;
      if (left < 0) throw broken(bytes);
      await digest.write(chunk);
      if (left === 0) await finish();
      await writing.write(chunk);
    });
    if (left > 0) throw broken(bytes);
    if (sha256 === null) await finish();
    return sha256 ?? "";
  } catch (error) {
    await writing.abort();
    throw error;
  }
}

/** A file whose length is not known, or too much for one put. A part of it is in memory at a time. */
async function receiveInParts(ports: FilePorts, file: StoredFile, incoming: Incoming): Promise<{ bytes: number; sha256: string }> {
  const digest = ports.uploads.digest();
  const buffer = new Uint8Array(UPLOAD_PART_BYTES);
  let filled = 0;
  let bytes = 0;
  let upload: Upload | null = null;
  const done: { partNumber: number; etag: string }[] = [];
  const flush = async () => {
    if (incoming.bytes === null && !(await setAside(ports.db, file, bytes)))
      throw quotaExceeded(await storageOf(ports.db, file.accountId), bytes);
    if (!upload) {
      upload = await ports.uploads.begin(objectKey(file), file.contentType);
      await beginParts(ports.db, file, upload.id);
    }
    if (done.length === FILE_PARTS) throw problem("body_too_large", { detail: `The file is too large for one request; ${IN_PARTS}` });
    done.push(await upload.part(done.length + 1, buffer.subarray(0, filled)));
    filled = 0;
  };
  try {
    await read(incoming, async (chunk) => {
      await digest.write(chunk);
      bytes += chunk.byteLength;
      for (let taken = 0; taken < chunk.byteLength;) {
        const piece = chunk.subarray(taken, taken + buffer.byteLength - filled);
        buffer.set(piece, filled);
        filled += piece.byteLength;
        taken += piece.byteLength;
        if (filled === buffer.byteLength) await flush();
      }
    });
    if (incoming.bytes !== null && bytes !== incoming.bytes) throw broken(incoming.bytes);
    const sha256 = hexOf(await digest.end());
    if (incoming.sha256 !== null && incoming.sha256 !== sha256) throw mismatch(incoming.sha256, sha256);
    if (done.length === 0) {
      if (!(await setAside(ports.db, file, bytes))) throw quotaExceeded(await storageOf(ports.db, file.accountId), bytes);
      const writing = ports.uploads.open(objectKey(file), bytes, file.contentType);
      if (filled > 0) await writing.write(buffer.subarray(0, filled));
      await writing.end();
      return { bytes, sha256 };
    }
    if (filled > 0) await flush();
    await began(upload).complete(done);
    return { bytes, sha256 };
  } catch (error) {
    if (upload) await abandon(upload);
    throw error;
  }
}

export const IN_PARTS = "send it in parts (POST /v1/uploads).";

/** As it is, though the compiler sees nobody set it. */
function began(upload: Upload | null): Upload {
  if (!upload) throw new Error("an upload without a beginning");
  return upload;
}

/** A body's chunks, one after the other; one that breaks off is the client's, or nobody's, fault. */
async function read(incoming: Incoming, take: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  if (!incoming.body) return;
  let failure: unknown = null;
  try {
    await pump(
      incoming.body,
      async (chunk) => {
        try {
          await take(chunk);
        } catch (error) {
          failure = error;
          throw error;
        }
      },
      incoming.gone,
    );
  } catch (error) {
    throw failure ?? problem("bad_request", { detail: `The body broke off: ${error instanceof Error ? error.message : "it ended early"}` });
  }
}

/** A part that is written as it comes, and its etag once it has ended. */
function openPart(upload: Upload, number: number, bytes: number): Writing & { etag(): string } {
  const { readable, writable } = new FixedLengthStream(bytes);
  const writer = writable.getWriter();
  let etag: string | null = null;
  const sent = upload.part(number, readable).then(
    (part) => {
      etag = part.etag;
      return null;
    },
    (error: unknown) => (error instanceof Unavailable ? error : new Unavailable("storage", false, error)),
  );
  const orItsCause = async (writing: Promise<void>) => {
    const outcome = await Promise.race([
      writing.then(
        () => null,
        (error: unknown) => error,
      ),
      sent,
    ]);
    if (outcome) throw (await sent) ?? outcome;
  };
  return {
    write: (chunk) => orItsCause(writer.write(chunk)),
    async end() {
      await orItsCause(writer.close());
      const failure = await sent;
      if (failure) throw failure;
      return true;
    },
    async abort() {
      await writer.abort(new Error("given up")).catch(() => {});
      await sent;
    },
    etag: () => etag ?? "",
  };
}

function uploadOf(ports: FilePorts, file: StoredFile): Upload {
  if (file.uploadId === null) throw gone(file);
  return ports.uploads.resume(objectKey(file), file.uploadId);
}

async function isStored({ payloads }: FilePorts, file: StoredFile): Promise<boolean> {
  const { objects } = await payloads.list({ prefix: objectKey(file), after: null, limit: 1 });
  return objects[0]?.size === file.bytes;
}

/** SHA-256 of a stored file, read once from end to end. */
async function hashOf(ports: FilePorts, file: StoredFile, signal: AbortSignal): Promise<string> {
  const object = await ports.payloads.get(objectKey(file));
  if (!object) throw gone(file);
  const digest = ports.uploads.digest();
  await pump(object.body, (chunk) => digest.write(chunk), signal);
  return hexOf(await digest.end());
}

function gone({ id }: Pick<StoredFile, "id">): Problem {
  return problem("file_not_found", { detail: `There is no upload "${id}" any more.` });
}

function broken(bytes: number): Problem {
  return problem("bad_request", { detail: `The body does not have the ${bytes} bytes that it was said to have.` });
}

function mismatch(wanted: string, found: string): Problem {
  return problem("digest_mismatch", { detail: `The SHA-256 of the bytes is ${found}, not ${wanted}.` });
}
