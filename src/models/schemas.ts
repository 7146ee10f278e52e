/**
 * What a model takes, as its operator has it: a JSON Schema for plain inputs, tensors with their types and shapes, of each
 * version or of all. Pure, except that a schema is prepared when it is first needed.
 */
import * as z from "zod";
import { jsonColumn } from "../platform/sql.ts";
import type { Fault } from "../problem.ts";
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

export const signaturesColumn = jsonColumn(z.record(z.string(), signatureSchema));

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

/** What is submitted, as far as it was read. */
export interface GivenInput {
  readonly value: unknown;
  /** Of a request that is tensors. */
  readonly tensors?: readonly Tensor[];
}

const prepared = new WeakMap<Signature, PreparedSchema>();

/** What is wrong with an input. Tensors are checked as tensors, all else by the schema. */
export function faultsOfInput(schemas: ModelSchemas, version: string | null, given: GivenInput): readonly Fault[] {
  const signature = signatureOf(schemas, version ?? schemas.defaultVersion);
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

export function faultsOfTensors(wanted: readonly TensorSpec[], given: readonly TensorHead[]): readonly Fault[] {
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
