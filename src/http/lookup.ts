/**
 * The inference that a path names: its id is checked, and it is looked for among the caller's own. An id that is malformed,
 * unknown or another account's gets the same answer, in the words of the wire.
 */
import { isUuid } from "../ids.ts";
import type { InferenceName } from "../inferences/change.ts";
import type { Inference } from "../inferences/inference.ts";
import { findTogether } from "../inferences/sql/read.ts";
import { type Problem, problem } from "../problem.ts";
import type { KeyCall } from "./route.ts";

/** How a wire says that there is no inference of that id. */
export type NotFound = (id: string) => Problem;

/** The same in a sentence, around the id as the client sent it. */
export const notFoundAs =
  (sentence: (id: string) => string): NotFound =>
  (id) =>
    problem("inference_not_found", { detail: sentence(id.slice(0, 64)) });

/** The name of the inference in the path, as it is stored. Throws if that is no id. */
export function nameIn({ params, caller }: KeyCall, notFound: NotFound): InferenceName {
  const id = params["id"] ?? "";
  if (!isUuid(id)) throw notFound(id);
  return { accountId: caller.accountId, id: id.toLowerCase() };
}

/** The inference in the path. Throws if the caller has none of that id. */
export function lookUp(call: KeyCall, notFound: NotFound): Promise<Inference> {
  return found(call, notFound, false);
}

/** The same with why it waits; reads as many rows more as wait before it. */
export function lookUpWithWait(call: KeyCall, notFound: NotFound): Promise<Inference> {
  return found(call, notFound, true);
}

/** Looked for together with what other requests of this isolate look for at this moment. */
async function found(call: KeyCall, notFound: NotFound, withWait: boolean): Promise<Inference> {
  const { accountId, id } = nameIn(call, notFound);
  const { db } = call.ports;
  const together = withWait ? call.lookUps.waiting : call.lookUps.plain;
  const inference = await together.ask([accountId, id], (names) => findTogether(db, names, withWait), call.after);
  if (!inference) throw notFound(id);
  return inference;
}
