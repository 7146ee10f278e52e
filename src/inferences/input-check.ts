/**
 * Whether an input is what its model takes. An isolate remembers the schemas of models with their revision. A submit is
 * checked against what is remembered, and its one write holds only while the model has that revision; if it has another, the
 * schemas are read, and the submit goes on from there. So no check is out of date, and a model without a schema, whose
 * revision is 0, costs nothing.
 */
import { findSchemas } from "../models/schema-store.ts";
import { type GivenInput, type ModelSchemas, NO_SCHEMAS, faultsOfInput } from "../models/schemas.ts";
import type { Ports } from "../ports.ts";
import { type Fault, type Problem, problem } from "../problem.ts";

/** What of a submission is checked. */
export interface Checked {
  readonly model: string;
  readonly version?: string | undefined;
  /** Where the input is in the request's body; its root by default. */
  readonly inputPath?: Fault["path"] | undefined;
  /** The input as it was read; without it nothing is checked. The status replaces 422, if the dialect refuses such input with another. */
  readonly given?: (GivenInput & { readonly status?: number }) | undefined;
}

/** The schemas of a model as far as they are known here. */
export function schemasKnown({ schemas }: Ports, model: string): ModelSchemas {
  return schemas?.get(model, 0) ?? NO_SCHEMAS;
}

/** The schemas of a model as they are now; they are known here from now on. */
export async function learnSchemas({ db, schemas }: Ports, model: string): Promise<ModelSchemas> {
  const found = (await findSchemas(db, model)) ?? NO_SCHEMAS;
  schemas?.set(model, found, Infinity);
  return found;
}

export function refusalOfInput(schemas: ModelSchemas, { version, inputPath = [], given }: Checked): Problem | null {
  if (!given || schemas.revision === 0) return null;
  const faults = faultsOfInput(schemas, version ?? null, given);
  if (faults.length === 0) return null;
  const placed = faults.map(({ path, detail }) => ({ path: [...inputPath, ...path], detail }));
  return problem("invalid_input", { faults: placed, ...(given.status !== undefined && { status: given.status }) });
}
