/**
 * An upload that its client sends part by part: parts come in any order, at once, and again. A part sent again takes the
 * place of the one before, so an upload that was cut goes on with the parts that are missing. The order is always row,
 * object, "ready": a crash anywhere leaves a row that the sweep finds.
 */
import type { Upload, Writing } from "../payloads/bucket.ts";
import { FILE_PARTS, FILE_PART_BYTES, KIB } from "../limits.ts";
import { hexOf } from "../encoding/hex.ts";
import { pump } from "../encoding/streams.ts";
import { Unavailable } from "../platform/unavailable.ts";
import { type Problem, problem } from "../problem.ts";
import { abandon, removeFile } from "./remove.ts";
import { type StoredFile, type NewFile, beginParts, findFile, forgetParts, objectKey, partsOf, putPart } from "./store.ts";
import { type FilePorts, type Incoming, admitted, settled, handOn, gone, mismatch } from "./receive.ts";

/** Begins an upload that a client sends part by part. Throws `quota_exceeded`; whatever goes wrong, nothing of it stays. */
export async function beginUpload(ports: FilePorts, draft: NewFile): Promise<StoredFile> {
  const file = await admitted(ports, draft);
  let upload: Upload | null = null;
  try {
    upload = await ports.uploads.begin(objectKey(file), file.contentType);
    const begun = await beginParts(ports.db, file, upload.id);
    if (!begun) throw gone(file);
    return begun;
  } catch (error) {
    // Its client does not know its id, so it would hold its place in the quota for a day.
    if (upload) await abandon(upload);
    await removeFile(ports, file);
    throw error;
  }
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
  try {
    await handOn(ports, writing, incoming, bytes);
    await writing.end();
  } catch (error) {
    throw (error instanceof Unavailable && (await endOf(ports, file))) || error;
  }
  const etag = writing.etag();
  if (!(await putPart(ports.db, file, { number, etag, bytes }))) throw (await endOf(ports, file)) ?? gone(file);
}

/** Why an upload takes no more parts: it was given up or completed meanwhile. Null if it does take them. */
async function endOf(ports: FilePorts, file: StoredFile): Promise<Problem | null> {
  const now = await findFile(ports.db, file.accountId, file.id);
  if (!now) return gone(file);
  return now.state === "ready" ? completed() : null;
}

export const completed = () => problem("conflict", { detail: "The upload has been completed." });

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
  if (missing.length > 0) throw incomplete(parts, missing);
  try {
    await uploadOf(ports, file).complete(there.map(({ number, etag }) => ({ partNumber: number, etag })));
  } catch (error) {
    // An earlier call may have done it, and its answer was lost.
    const now = await findFile(ports.db, file.accountId, file.id);
    if (!now) throw gone(file); // it was given up meanwhile
    if (now.state === "ready") return now;
    if (!(await isStored(ports, file))) {
      if (!isOfAnotherPart(error)) throw error;
      await forgetParts(ports.db, file);
      throw incomplete(
        parts,
        Array.from({ length: parts }, (_, index) => index + 1),
      );
    }
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

/**
 * Whether the bucket has another part than the one that was noted. Of two calls that send one part at the same time, the one whose
 * bytes are stored last need not be the one that notes its part last, and a bucket does not list its parts.
 */
function isOfAnotherPart(error: unknown): boolean {
  return error instanceof Unavailable && error.cause instanceof Error && NO_SUCH_PART.test(error.cause.message);
}

const NO_SUCH_PART = /\b10025\b/; // R2's code

function incomplete(parts: number, missing: readonly number[]): Problem {
  return problem("upload_incomplete", {
    detail: `${missing.length} of ${parts} parts are missing; the first is ${missing[0]}.`,
    members: { missing: missing.slice(0, 1_000) },
  });
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
