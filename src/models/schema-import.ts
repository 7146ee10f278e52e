/**
 * PURE. What a backend says of its model, as what the model takes: tensors, of the metadata of the Open Inference Protocol;
 * or a JSON Schema, of a Cog server, whose OpenAPI document is of version 3.0 and has `nullable` where JSON Schema has a type.
 */
import * as z from "zod";
import { isTooDeep } from "../encoding/json.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { pointer } from "../problem.ts";
import { datatypeNamed } from "../tensors/datatype.ts";
import { isObject } from "../tensors/tensor.ts";
import { childrenOf, faultInRefs, jsonSchema } from "./schema-keywords.ts";
import type { Signature, TensorSpec } from "./schemas.ts";

/** Sizes may be texts, as some servers write what is 64 bits long. */
const tensorList = z.array(z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.coerce.number().pipe(z.int())) }));

/** Null if it says nothing of its inputs; a fault if that can't be used. */
export function signatureIn(description: unknown): Result<Signature> | null {
  if (!isObject(description)) return null;
  const { input, inputs, outputs } = description;
  if (Array.isArray(inputs)) {
    const known = tensorsIn(inputs);
    if (!known.ok) return known;
    if (known.value.length === 0) return null; // servers that know nothing of them say so
    const given = Array.isArray(outputs) ? tensorsIn(outputs) : null;
    return read({ inputSchema: null, inputs: known.value, outputs: given?.ok ? given.value : null });
  }
  if (!isObject(input)) return null;
  try {
    return schemaIn(input);
  } catch (error) {
    if (isTooDeep(error)) return faulty("its schema is nested too deeply");
    throw error;
  }
}

function schemaIn(input: Readonly<Record<string, unknown>>): Result<Signature> {
  const schema = jsonSchema.safeParse(fromOpenApi(input));
  if (!schema.success) {
    const [issue] = schema.error.issues;
    return faulty(`its schema is not sound at ${pointer(issue?.path.filter((part) => typeof part !== "symbol") ?? [])}`);
  }
  const fault = faultInRefs(schema.data);
  if (fault) return faulty(`its schema at ${pointer(fault.path)} ${fault.detail}`);
  return read({ inputSchema: schema.data, inputs: null, outputs: null });
}

function tensorsIn(list: readonly unknown[]): Result<TensorSpec[]> {
  const parsed = tensorList.safeParse(list);
  if (!parsed.success) return faulty("its tensors lack a name, a datatype or a shape");
  const specs: TensorSpec[] = [];
  for (const { name, datatype, shape } of parsed.data) {
    const known = datatypeNamed(datatype);
    if (!known) return faulty(`its tensor "${name}" has the datatype "${datatype}", which is none of the protocol's`);
    specs.push({ name, datatype: known, shape: shape.map((size) => Math.max(-1, size)), optional: false });
  }
  return read(specs);
}

/** A schema of OpenAPI 3.0 as one of JSON Schema. */
function fromOpenApi(schema: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { nullable, ...rest } = schema;
  const changed: Record<string, unknown> = { ...rest };
  for (const { path, schema: child } of childrenOf(rest)) {
    const [keyword, part] = path;
    const inner = isObject(child) ? fromOpenApi(child) : child;
    if (part === undefined) changed[keyword] = inner;
    else if (typeof part === "number") changed[keyword] = (changed[keyword] as unknown[]).with(part, inner); // it has children by number
    else changed[keyword] = { ...(changed[keyword] as object), [part]: inner }; // it has children by name
  }
  if (nullable !== true) return changed;
  const { $defs, ...own } = changed;
  return { ...($defs === undefined ? {} : { $defs }), anyOf: [own, { type: "null" }] };
}
