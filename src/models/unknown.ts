/** What a client is told that asks for a model that is not there, or not so: what there is of it instead. */
import { type Problem, problem } from "../problem.ts";
import type { Model } from "./store.ts";

/** Names that a message lists. */
const LISTED = 20;
/** The most that a name has. */
export const MODEL_NAME_CHARACTERS = 128;

/** What was asked for; an empty capability and an undefined version ask for none. */
export interface AskedModel {
  readonly model: string;
  readonly version?: string | undefined;
  readonly capability?: string | undefined;
}

/** `known` is the model of that name; null if there is none. */
export function modelNotFound(asked: AskedModel, known: Pick<Model, "versions" | "capabilities"> | null): Problem {
  return problem("model_not_found", { detail: detailOf(asked, known) });
}

function detailOf({ model, version, capability = "" }: AskedModel, known: Pick<Model, "versions" | "capabilities"> | null): string {
  const name = model.slice(0, MODEL_NAME_CHARACTERS);
  if (!known) return `There is no model "${name}".`;
  const { versions, capabilities } = known;
  if (version !== undefined && !versions.includes(version)) {
    const there = versions.length === 0 ? "It has no versions, so leave the version out." : `It has ${listOf(versions)}.`;
    return `The model "${name}" has no version "${version.slice(0, MODEL_NAME_CHARACTERS)}". ${there}`;
  }
  return `The model "${name}" does not offer "${capability.slice(0, MODEL_NAME_CHARACTERS)}". It offers ${listOf(capabilities)}.`;
}

function listOf(names: readonly string[]): string {
  const [last = "", ...others] = names
    .slice(0, LISTED)
    .map((name) => `"${name}"`)
    .toReversed();
  const more = names.length - LISTED;
  if (more > 0) return `${[...others.toReversed(), last].join(", ")} and ${more} more`;
  return others.length === 0 ? last : `${others.toReversed().join(", ")} and ${last}`;
}
