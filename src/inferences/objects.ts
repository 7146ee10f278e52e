/**
 * Removes from the bucket what was noted as removals (payloads/removals.ts). An object that a row names by now stays. What
 * fails stays noted, so each step may be repeated, doubled or cut off.
 */
import { FILE_PREFIX, unnamedFiles } from "../files/store.ts";
import { DELETE_KEYS } from "../limits.ts";
import { type Removal, dueRemovals, forgetRemovals } from "../payloads/removals.ts";
import { log, logError } from "../platform/log.ts";
import type { Database } from "../platform/sql.ts";
import type { Ports } from "../ports.ts";
import { type ObjectKey, unnamedObjects } from "./sql/ended.ts";

type Stores = Pick<Ports, "db" | "payloads" | "uploads">;

/** Removes what was noted by now, DELETE_KEYS at most. Returns how many removals it took up. */
export async function removeNoted(stores: Stores): Promise<number> {
  const removals = await dueRemovals(stores.db, DELETE_KEYS);
  if (removals.length > 0) await remove(stores, removals);
  return removals.length;
}

/** Uploads first: one that completes until it is aborted leaves an object, which the rest removes. */
async function remove({ db, payloads, uploads }: Stores, removals: readonly Removal[]): Promise<void> {
  const done = removals.filter(({ uploadId }) => uploadId === "");
  const keys = done.map(({ object }) => object);
  for (const removal of removals.filter(({ uploadId }) => uploadId !== "")) {
    try {
      await uploads.resume(removal.object, removal.uploadId).abort();
      done.push(removal);
    } catch (error) {
      logError("upload_not_aborted", error, { object: removal.object });
    }
  }
  const objects = await unnamed(db, keys);
  if (objects.length > 0) await payloads.delete(objects);
  await forgetRemovals(db, done);
  log("objects_removed", { objects: objects.length, uploads: removals.filter(({ uploadId }) => uploadId !== "").length });
}

/** The objects among these that no row names. One that is no payload of an inference is for the files to judge. */
export async function unnamed(db: Database, keys: readonly string[]): Promise<string[]> {
  const files = keys.filter((key) => key.startsWith(FILE_PREFIX));
  const others = keys.filter((key) => !key.startsWith(FILE_PREFIX));
  const known = others.map(ownerOf);
  const free = await unnamedObjects(
    db,
    known.filter((key) => key !== null),
  );
  return [...others.filter((_, index) => known[index] === null), ...free, ...(await unnamedFiles(db, files))];
}

/** The inference that an object belongs to, by its key; see payloads.ts. */
function ownerOf(key: string): ObjectKey | null {
  const [, kind, accountId = "", id = "", attempt] = /^(inputs|outputs)\/([^/]+)\/([^/]+)(?:\/(\d+)(?:\/.*)?)?$/.exec(key) ?? [];
  if (kind === undefined || (kind === "outputs") !== (attempt !== undefined)) return null;
  return { key, accountId, id, attempt: attempt === undefined ? null : Number(attempt) };
}
