/**
 * Takes in the bytes of a file from one request, as they come. The order is always row, object, "ready": a crash anywhere
 * leaves a row that the sweep finds, with the object that it names.
 * - A body of known length is handed on chunk by chunk. Its last chunk is let through only if the SHA-256 is the one that
 *   the client gave, so a wrong one never becomes an object.
 * - A body of unknown length is collected a part at a time, since R2 has to know each part's length.
 */
import type { Upload, Writing } from "../payloads/bucket.ts";
import { FILE_PARTS, PUT_BYTES, ROW_CHARGE_BYTES, UPLOAD_PART_BYTES } from "../limits.ts";
import { hexOf } from "../encoding/hex.ts";
import { BrokenOff, pump } from "../encoding/streams.ts";
import type { Ports } from "../ports.ts";
import { Problem, problem } from "../problem.ts";
import { overQuota, quotaExceeded } from "./quota.ts";
import { abandon, removeFile } from "./remove.ts";
import {
  type StoredFile,
  type NewFile,
  type Purpose,
  beginParts,
  chargeOf,
  fileIsReady,
  findFile,
  insertFile,
  objectKey,
  removeFileRow,
  setAside,
  storageOf,
} from "./store.ts";

export type FilePorts = Pick<Ports, "db" | "databaseQuotaBytes" | "payloads" | "uploads">;

/** A body as it comes, and what its client says of it. */
export interface Incoming {
  readonly body: ReadableStream | null;
  /** Null if it does not say how long it is. */
  readonly bytes: number | null;
  /** SHA-256 in hex; null if it does not say. */
  readonly sha256: string | null;
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal;
  /** Whether the client means a file without bytes. If not, an empty body is refused: it was lost on the way, most likely. */
  readonly mayBeEmpty?: boolean;
  /** Whether the file's id was known before this request: then another one may send the same file at the same time. */
  readonly isIdShared?: boolean;
  /** What its client says that it is for; known once the body has come to its end. */
  readonly purpose?: () => Purpose;
}

/** A new file of the bytes of one request. Throws `quota_exceeded`, `digest_mismatch`, `bad_request`; then nothing of it stays. */
export async function receiveFile(ports: FilePorts, draft: Omit<NewFile, "bytes" | "partBytes">, incoming: Incoming): Promise<StoredFile> {
  if (incoming.bytes === 0 && !incoming.mayBeEmpty) throw empty();
  const file = await admitted(ports, { ...draft, bytes: incoming.bytes ?? 0, partBytes: null }, incoming.isIdShared);
  try {
    const { bytes, sha256 } =
      incoming.bytes !== null && incoming.bytes <= PUT_BYTES
        ? await receiveWhole(ports, file, incoming, incoming.bytes)
        : await receiveInParts(ports, file, incoming);
    return await settled(ports, file, bytes, sha256, incoming.purpose?.());
  } catch (error) {
    await removeFile(ports, file); // an error does not tell whether a put took effect
    throw error;
  }
}

/**
 * The row of a new file, which sets its place in the quota aside. Throws `quota_exceeded`; whatever goes wrong, there is no row. A row
 * of an id that is shared may be another request's: it is left as it is, and throws `unavailable`: by the next try the file may be there.
 */
export async function admitted(ports: FilePorts, draft: NewFile, isIdShared = false): Promise<StoredFile> {
  const file = await insertFile(ports, draft).catch(async (error: unknown) => {
    if (!isIdShared) await removeFileRow(ports.db, draft).catch(() => {}); // it may be there, and nobody would come back for it
    throw error;
  });
  if (file) return file;
  if (isIdShared && (await findFile(ports.db, draft.accountId, draft.id)))
    throw problem("unavailable", { detail: "The file is being sent already. Try again.", headers: { "Retry-After": "1" } });
  const [use, bytes] = [await storageOf(ports, draft.accountId), chargeOf(draft.bytes)];
  throw overQuota(use, bytes, ROW_CHARGE_BYTES) ?? quotaExceeded(use, bytes);
}

/** The object is there: says so, or takes it back where nobody wants it any more. */
export async function settled(
  ports: FilePorts,
  file: StoredFile,
  bytes: number,
  sha256: string | null,
  purpose?: Purpose,
): Promise<StoredFile> {
  const ready = await fileIsReady(ports.db, file, bytes, sha256, purpose);
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
export async function handOn(ports: FilePorts, writing: Writing, incoming: Incoming, bytes: number): Promise<string> {
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

/** So many bytes are set aside for the file in all. Throws `quota_exceeded`, or that it was removed meanwhile. */
async function grown(ports: FilePorts, file: StoredFile, bytes: number): Promise<void> {
  if (await setAside(ports.db, file, bytes)) return;
  if (!(await findFile(ports.db, file.accountId, file.id))) throw gone(file);
  throw quotaExceeded(await storageOf(ports, file.accountId), chargeOf(bytes));
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
    if (incoming.bytes === null) await grown(ports, file, bytes);
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
    if (bytes === 0 && !incoming.mayBeEmpty) throw empty();
    const sha256 = hexOf(await digest.end());
    if (incoming.sha256 !== null && incoming.sha256 !== sha256) throw mismatch(incoming.sha256, sha256);
    if (done.length === 0) {
      await grown(ports, file, bytes);
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

/** A body's chunks, one after the other. Throws `bad_request` if the body breaks off, or what is wrong with the form that it is in. */
async function read(incoming: Incoming, take: (chunk: Uint8Array) => Promise<void>): Promise<void> {
  if (!incoming.body) return;
  try {
    await pump(incoming.body, take, incoming.gone);
  } catch (error) {
    if (error instanceof BrokenOff && error.cause instanceof Problem) throw error.cause;
    if (error instanceof BrokenOff || incoming.gone.aborted) throw problem("bad_request", { detail: "The body broke off before its end." });
    throw error;
  }
}

export function gone({ id }: Pick<StoredFile, "id">): Problem {
  return problem("file_not_found", { detail: `There is no upload "${id}" any more.` });
}

function empty(): Problem {
  return problem("bad_request", {
    detail: "The request has no bytes to store. Send the file as its body; to store an empty file send Content-Length: 0 and ?empty=1.",
  });
}

function broken(bytes: number): Problem {
  return problem("bad_request", { detail: `The body does not have the ${bytes} bytes that it was said to have.` });
}

export function mismatch(wanted: string, found: string): Problem {
  return problem("digest_mismatch", { detail: `The SHA-256 of the bytes is ${found}, not ${wanted}.` });
}
