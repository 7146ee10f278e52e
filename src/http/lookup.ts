/**
 * The inference that a path names: its id is checked, and it is looked for among the caller's own. An id that is malformed,
 * unknown or another account's gets the same answer, in the words of the wire.
 */
import { isUuid } from "../ids.ts";
import type { InferenceName } from "../inferences/change.ts";
import type { Inference } from "../inferences/inference.ts";
import { findTogether } from "../inferences/sql/read.ts";
import { type Database, later, nearest } from "../platform/sql.ts";
import { Problem, problem } from "../problem.ts";
import { bookmarkIn } from "./bookmark.ts";
import { LimitReached } from "./admit.ts";
import type { AccountCall, KeyCall } from "./route.ts";

/** How a wire says that there is no inference of that id. */
export type NotFound = (id: string) => Problem;

/** The same in a sentence, around the id as the client sent it. */
export const notFoundAs =
  (sentence: (id: string) => string): NotFound =>
  (id) =>
    problem("inference_not_found", { detail: sentence(id.slice(0, 64)) });

/** The name of the inference in the path, as it is stored. Throws if that is no id. */
export function nameIn({ params, caller }: AccountCall, notFound: NotFound): InferenceName {
  const id = params["id"] ?? "";
  if (!isUuid(id)) throw notFound(id);
  return { accountId: caller.accountId, id: id.toLowerCase() };
}

/** Whether a key that was let in for something else may read, too. It does where it only has no read left this second. */
export async function mayRead({ admissions, caller, after }: KeyCall): Promise<boolean> {
  try {
    await admissions.admit(caller, "read", after);
    return true;
  } catch (error) {
    if (error instanceof LimitReached) return true;
    if (error instanceof Problem && error.code === "missing_scope") return false;
    throw error;
  }
}

/** The inference in the path. Throws if the caller has none of that id. */
export function lookUp(call: AccountCall, notFound: NotFound): Promise<Inference> {
  return found(call, notFound, false);
}

/** The same with why it waits; reads as many rows more as wait before it. */
export function lookUpWithWait(call: AccountCall, notFound: NotFound): Promise<Inference> {
  return found(call, notFound, true);
}

/**
 * Looked for together with what other requests of this isolate look for at this moment, in the nearest copy of the database. A
 * bookmark that this isolate has not seen goes by itself: nobody else waits for a state that may never come.
 */
async function found(call: AccountCall, notFound: NotFound, withWait: boolean): Promise<Inference> {
  const { accountId, id } = nameIn(call, notFound);
  const { db, clock } = call.ports;
  const own = call.lookUps.wrote.last(accountId, clock.now());
  const sent = bookmarkIn(call.request.headers);
  const bookmark = later(own, sent);
  const isKnown = sent === null || sent <= (db.bookmark?.() ?? "");
  const together = withWait ? call.lookUps.waiting : call.lookUps.plain;
  const find = (asked: readonly Asked[]) => findNear(db, asked, withWait);
  const question: Asked = [accountId, id, bookmark];
  const [inference] = isKnown ? [await together.ask(question, find, call.after)] : await find([question]);
  if (!inference) throw notFound(id);
  return inference;
}

type Asked = readonly [accountId: string, id: string, bookmark: string | null];

/** What the nearest copy does not have is looked for at the primary. */
async function findNear(db: Database, asked: readonly Asked[], withWait: boolean): Promise<(Inference | null)[]> {
  const names = asked.map(([accountId, id]) => [accountId, id] as const);
  const bookmark = asked.reduce<string | null>((latest, [, , each]) => later(latest, each), null);
  const near = nearest(db, bookmark);
  const inferences = await findTogether(near, names, withWait);
  const missing = near.isCopy() ? names.filter((_, index) => !inferences[index]) : [];
  if (missing.length === 0) return inferences;
  const others = await findTogether(db, missing, withWait);
  return inferences.map((inference) => inference ?? others.shift() ?? null);
}
