/**
 * PURE. A model's JSON Schema (draft 2020-12): whether it is sound, and what is wrong with a value that it does not allow, in
 * our words. The validator interprets the schema, since a Worker may not compile code. The schema is the operator's and
 * trusted; the values are hostile, so that what could take long is bounded:
 * - a value of more than SCHEMA_VALUES values is not checked; nesting is bounded where bodies are read;
 * - `uniqueItems` looks at each pair of items, and is checked of SCHEMA_UNIQUE_ITEMS at most; a `pattern` may look at a text
 *   again and again, and is checked of SCHEMA_PATTERN_CHARACTERS at most;
 * - the first fault decides; of small values all faults are found.
 * `format` is not checked: in this draft it is only an annotation, and a file's place may hold a reference of ours.
 * An integer beyond ±(2^53 - 1) is checked as the double that is nearest to it.
 */
/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema, and no schema is awaited */
import { type OutputUnit, type Schema, dereference, validate } from "@cfworker/json-schema";
import { writeJson } from "../encoding/json.ts";
import { FAULTS_SHOWN, SCHEMA_ALL_FAULTS_VALUES, SCHEMA_PATTERN_CHARACTERS, SCHEMA_UNIQUE_ITEMS, SCHEMA_VALUES } from "../limits.ts";
import type { Fault } from "../problem.ts";
import { isObject } from "../tensors/tensor.ts";
import { type Lookup, type Place, faultsOf } from "./schema-faults.ts";
import { type JsonSchema, childrenOf } from "./schema-keywords.ts";

/** A schema that values can be checked against. */
export interface PreparedSchema {
  readonly root: Schema | boolean;
  readonly lookup: Lookup;
}

/** A sound schema, with its bounds. */
export function prepare(schema: JsonSchema): PreparedSchema {
  const root: Schema | boolean = bounded(schema);
  return { root, lookup: dereference(root) };
}

/** A schema without what could take long on a hostile value, and without formats. */
function bounded(schema: JsonSchema): JsonSchema {
  if (!isObject(schema)) return schema;
  const { pattern, uniqueItems, format: _, allOf, ...rest } = schema;
  const changed: Record<string, unknown> = { ...rest, ...(Array.isArray(allOf) && { allOf }) };
  for (const { path, schema: child } of childrenOf(changed)) {
    const [keyword, part] = path;
    if (part === undefined) changed[keyword] = bounded(child);
    else if (typeof part === "number") changed[keyword] = (changed[keyword] as unknown[]).with(part, bounded(child)); // it has children by number
    else changed[keyword] = { ...(changed[keyword] as object), [part]: bounded(child) }; // it has children by name
  }
  const costly = [
    ...(pattern === undefined ? [] : [{ if: { maxLength: SCHEMA_PATTERN_CHARACTERS }, then: { pattern } }]),
    ...(uniqueItems === true ? [{ if: { maxItems: SCHEMA_UNIQUE_ITEMS }, then: { uniqueItems } }] : []),
  ];
  if (costly.length > 0) changed["allOf"] = [...((changed["allOf"] as unknown[] | undefined) ?? []), ...costly];
  return changed;
}

/** What is wrong with a value, the first FAULTS_SHOWN; nothing if the schema allows it or it is too large to be checked. */
export function check(schema: PreparedSchema, given: unknown): readonly Fault[] {
  const { values, hasBigints, oddName } = measure(given);
  if (values > SCHEMA_VALUES) return [];
  if (oddName) return [{ path: [], detail: "has a member whose name is not valid Unicode" }];
  const value = hasBigints ? (JSON.parse(writeJson(given)) as unknown) : given;
  const place: Place = { schema: schema.root, lookup: schema.lookup, value };
  const errors = errorsOf(value, schema, values <= SCHEMA_ALL_FAULTS_VALUES);
  return faultsOf(errors, place).slice(0, FAULTS_SHOWN);
}

/** What the validator finds. Nothing where it finds more than fits on the stack, which it needs to pass errors on: such a value is as one that is too large. */
function errorsOf(value: unknown, { root, lookup }: PreparedSchema, all: boolean): readonly OutputUnit[] {
  try {
    return validate(value, root, "2020-12", lookup, !all).errors;
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** How many values a value holds, up to one more than are checked, and what in it the validator can't take. */
function measure(value: unknown): { values: number; hasBigints: boolean; oddName: boolean } {
  let values = 0;
  let hasBigints = false;
  let oddName = false;
  const left = [value];
  while (left.length > 0 && values <= SCHEMA_VALUES) {
    const one = left.pop();
    values++;
    if (typeof one === "bigint") hasBigints = true;
    if (Array.isArray(one)) {
      if (one.length > SCHEMA_VALUES) return { values: one.length, hasBigints, oddName };
      for (const item of one) left.push(item);
    } else if (isObject(one)) {
      for (const [name, member] of Object.entries(one)) {
        oddName ||= !name.isWellFormed();
        left.push(member);
      }
    }
  }
  return { values, hasBigints, oddName };
}
