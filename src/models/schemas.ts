/**
 * What a model takes, as its operator has it: a JSON Schema for plain inputs, tensors with their types and shapes, of each
 * version or of all. A change of it, or of the default version, gives the model another revision. A submit names the revision that
 * it was checked against, and is written only while that is the model's.
 */
import * as z from "zod";
import { SCHEMAS_CHARACTERS } from "../limits.ts";
import { type Database, NOW, type Sql, jsonColumn, rowsOf, sql } from "../platform/sql.ts";
import { type Fault, type Problem, problem } from "../problem.ts";
import { DATATYPES } from "../tensors/datatype.ts";
import { type Tensor, isObject, quoted, shapeText } from "../tensors/tensor.ts";
import { type PreparedSchema, check, prepare } from "./json-schema.ts";
import { type JsonSchema, jsonSchema } from "./schema-keywords.ts";

/** A tensor of a model; -1 in its shape is any size. */
export const tensorSchema = z.object({
  name: z.string(),
  datatype: z.enum(DATATYPES),
  shape: z.array(z.int()),
  optional: z.boolean(),
});
export type TensorSpec = Readonly<z.infer<typeof tensorSchema>>;

/** What one version takes and gives; null is not known, and not checked. */
const signatureSchema = z.object({
  inputSchema: z.custom<JsonSchema>().nullable(), // checked when it was set
  inputs: z.array(tensorSchema).nullable(),
  outputs: z.array(tensorSchema).nullable(),
});
export type Signature = Readonly<z.infer<typeof signatureSchema>>;

/** Stands for all versions that have no signature of their own, and for a model without versions; no version is named so. */
export const EVERY_VERSION = "*";

/** By version. */
export type Signatures = Readonly<Record<string, Signature>>;

/** A model's schemas at one revision. */
export interface ModelSchemas {
  /** Another one after each change; 0 if it has no schema. */
  readonly revision: number;
  readonly defaultVersion: string;
  readonly signatures: Signatures;
}

export const NO_SCHEMAS: ModelSchemas = { revision: 0, defaultVersion: "", signatures: {} };

export function signatureOf({ signatures }: Pick<ModelSchemas, "signatures">, version: string): Signature | null {
  const named = Object.hasOwn(signatures, version) ? signatures[version] : signatures[EVERY_VERSION];
  return named ?? null;
}

// In the database

const schemasSchema = z.object({
  revision: z.number(),
  defaultVersion: z.string(),
  signatures: jsonColumn(z.record(z.string(), signatureSchema)),
});

const columns = sql`schemas_revision AS revision, default_version AS defaultVersion, schemas AS signatures`;

/** Of a model that has no schema it stays 0, so that a submit to it needs to know nothing. */
export const nextRevision = sql`max(${NOW}, schemas_revision + 1)`;

/** A version's name has no quote in it. */
const pathOf = (version: string) => `$."${version}"`;

export const schemaStatements = {
  find: (model: string) => sql`SELECT ${columns} FROM models WHERE name = ${model}`,
  /** No row if there is no such model or version, or all schemas of the model are too large together. */
  set: (model: string, version: string, signature: Signature) => sql`
    UPDATE models SET schemas = json_set(schemas, ${pathOf(version)}, json(${JSON.stringify(signature)})), schemas_revision = ${nextRevision}
    WHERE name = ${model} AND (${version} = ${EVERY_VERSION} OR EXISTS (SELECT 1 FROM json_each(versions) WHERE json_each.value = ${version}))
      AND length(json_set(schemas, ${pathOf(version)}, json(${JSON.stringify(signature)}))) <= ${SCHEMAS_CHARACTERS}
    RETURNING ${columns}`,
  remove: (model: string, version: string) => sql`
    UPDATE models SET schemas = json_remove(schemas, ${pathOf(version)}),
      schemas_revision = iif(json_remove(schemas, ${pathOf(version)}) = '{}', 0, ${nextRevision})
    WHERE name = ${model} RETURNING ${columns}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const rows = rowsOf(schemasSchema);

/** Null if there is no such model. */
export async function findSchemas(db: Database, model: string): Promise<ModelSchemas | null> {
  return rows.first(db, schemaStatements.find(model));
}

/** Null if there is no such model or version, or its schemas are too large together. */
export async function setSchema(db: Database, model: string, version: string, signature: Signature): Promise<ModelSchemas | null> {
  return rows.first(db, schemaStatements.set(model, version, signature));
}

/** Null if there is no such model. */
export async function removeSchema(db: Database, model: string, version: string): Promise<ModelSchemas | null> {
  return rows.first(db, schemaStatements.remove(model, version));
}

// Held against an input

/** What of a submission is checked. */
export interface Checked {
  readonly model: string;
  readonly version?: string | undefined;
  /** Where the input is in the request's body; its root by default. */
  readonly inputPath?: Fault["path"] | undefined;
  /** The input as it was read; without it nothing is checked. */
  readonly given?: GivenInput | undefined;
}

export interface GivenInput {
  readonly value: unknown;
  /** Of a request that is tensors. */
  readonly tensors?: readonly Tensor[];
  /** Replaces 422, if the dialect refuses input that its model does not take with another. */
  readonly status?: number;
}

/** What refuses an input that its model does not take. */
export function refusalOfInput(schemas: ModelSchemas, { version, inputPath = [], given }: Checked): Problem | null {
  if (!given || schemas.revision === 0) return null;
  const faults = faultsOfInput(signatureOf(schemas, version ?? schemas.defaultVersion), given);
  if (faults.length === 0) return null;
  const placed = faults.map(({ path, detail }) => ({ path: [...inputPath, ...path], detail }));
  return problem("invalid_input", { faults: placed, ...(given.status !== undefined && { status: given.status }) });
}

const prepared = new WeakMap<Signature, PreparedSchema>();

/** Tensors are checked as tensors, all else by the schema. */
function faultsOfInput(signature: Signature | null, given: GivenInput): readonly Fault[] {
  if (!signature) return [];
  const heads = given.tensors ?? tensorsIn(given.value);
  if (heads) return signature.inputs ? faultsOfTensors(signature.inputs, heads) : [];
  if (signature.inputSchema === null) return [];
  const schema = prepared.get(signature) ?? prepare(signature.inputSchema);
  prepared.set(signature, schema);
  return check(schema, given.value);
}

type TensorHead = Pick<Tensor, "name" | "shape"> & { readonly datatype: string };

/** The tensors of an input in their form as JSON; null if it is none. */
function tensorsIn(value: unknown): readonly TensorHead[] | null {
  const inputs = isObject(value) ? value["inputs"] : null;
  return Array.isArray(inputs) && inputs.length > 0 && inputs.every(isTensor) ? inputs : null;
}

function isTensor(value: unknown): value is TensorHead {
  if (!isObject(value)) return false;
  const { name, datatype, shape } = value;
  return typeof name === "string" && typeof datatype === "string" && Array.isArray(shape) && shape.every(Number.isInteger);
}

function faultsOfTensors(wanted: readonly TensorSpec[], given: readonly TensorHead[]): readonly Fault[] {
  const specs = new Map(wanted.map((spec) => [spec.name, spec]));
  const names = wanted.map(({ name }) => quoted(name)).join(", ");
  const faults: Fault[] = given.flatMap(({ name, datatype, shape }, index) => {
    const spec = specs.get(name);
    const path = ["inputs", index];
    if (!spec) return [{ path: [...path, "name"], detail: `must be one of the model's inputs, ${names}, and is ${quoted(name)}` }];
    if (datatype !== spec.datatype)
      return [{ path: [...path, "datatype"], detail: `must be ${spec.datatype} for input ${quoted(name)}, and is ${quoted(datatype)}` }];
    if (!fits(shape, spec.shape)) {
      const detail = `must be ${shapeText(spec.shape)} for input ${quoted(name)}${spec.shape.includes(-1) ? ", where -1 is any size" : ""}, and is ${shapeText(shape)}`;
      return [{ path: [...path, "shape"], detail }];
    }
    return [];
  });
  const there = new Set(given.map(({ name }) => name));
  const missing = wanted.filter(({ name, optional }) => !optional && !there.has(name));
  return [
    ...faults,
    ...missing.map(({ name }): Fault => ({ path: ["inputs"], detail: `lacks the input ${quoted(name)}, which the model needs` })),
  ];
}

function fits(shape: readonly number[], wanted: readonly number[]): boolean {
  return shape.length === wanted.length && wanted.every((size, index) => size === -1 || size === shape[index]);
}

// Shown

/** A version's schemas as clients and the operator are shown them. */
export const shownSignature = {
  input_schema: jsonSchema.nullable().describe("What a plain input may be: JSON Schema 2020-12; null: anything."),
  inputs: z.array(tensorSchema).nullable().describe("The tensors that it takes; null: not known."),
  outputs: z.array(tensorSchema).nullable().describe("The tensors that it gives; null: not known."),
};

export function presentSignature(signature: Signature | null) {
  const copied = (tensors: readonly TensorSpec[] | null | undefined) => tensors?.map((it) => ({ ...it, shape: [...it.shape] })) ?? null;
  return { input_schema: signature?.inputSchema ?? null, inputs: copied(signature?.inputs), outputs: copied(signature?.outputs) };
}
