/**
 * Removes files, ready or not. The row goes first, and with it, in one transaction, its object is noted as a removal, and its
 * upload: so no row is ever left that says "ready" of an object that is gone, and what is left of either after a crash is found by
 * its note. What is past its time can't be referred to any more, so nobody is given a file whose object is going.
 */
import type { Upload } from "../payloads/bucket.ts";
import { FILE_SWEEP_ROWS } from "../limits.ts";
import { logError } from "../platform/log.ts";
import type { Ports } from "../ports.ts";
import { type StoredFile, expiredFiles, objectKey, removeFileRow } from "./store.ts";

type Stores = Pick<Ports, "db" | "payloads" | "uploads">;

/** Removes a file, or gives up its upload. */
export async function removeFile({ db, payloads, uploads }: Stores, file: StoredFile): Promise<void> {
  await removeFileRow(db, file);
  if (file.state === "uploading" && file.uploadId !== null) await abandon(uploads.resume(objectKey(file), file.uploadId));
  await payloads.delete(objectKey(file));
}

/** A step of the sweep: removes what is past its time. Returns whether there is more. */
export async function removeExpiredFiles(stores: Stores): Promise<boolean> {
  const files = await expiredFiles(stores.db, FILE_SWEEP_ROWS);
  for (const file of files) await removeFile(stores, file);
  return files.length === FILE_SWEEP_ROWS;
}

/** Gives up an upload in parts at once, if it can: what is left of it the sweep finds. */
export async function abandon(upload: Upload): Promise<void> {
  try {
    await upload.abort();
  } catch (error) {
    logError("upload_not_aborted", error);
  }
}
