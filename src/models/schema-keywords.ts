/**
 * PURE. The keywords of JSON Schema 2020-12: what each may be, where schemas are inside a schema, and what else makes a schema
 * unsound: a `$ref` that leads nowhere, or in a circle. Unknown keywords are annotations, as the draft has it.
 */
/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema, and no schema is awaited */
import { dereference } from "@cfworker/json-schema";
import * as z from "zod";
import type { Fault } from "../problem.ts";
import { isObject } from "../tensors/tensor.ts";

const DRAFT = "https://json-schema.org/draft/2020-12/schema";

/** A schema as it is given. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;

const typeName = z.enum(["null", "boolean", "object", "array", "number", "integer", "string"]);
const count = z.int().min(0).optional();
const bound = z.number().optional();
const names = z.array(z.string());
const regex = z.string().refine(isRegex, "must be a regular expression of JavaScript, with its u flag");
const unsupported = z.undefined({ error: "is not supported; use $ref" }).optional();

const child: z.ZodType<JsonSchema> = z.lazy(() => jsonSchema);
const children = z.array(child).min(1).optional();
const named = z.record(z.string(), child).optional();

const keywords = z.looseObject({
  $schema: z
    .string()
    .regex(/^https?:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/, `must be "${DRAFT}"`)
    .optional(),
  $id: z.string().optional(),
  $ref: z.string().optional(),
  $anchor: z.string().optional(),
  $dynamicRef: unsupported,
  $recursiveRef: unsupported,
  $defs: named,
  definitions: named,
  type: z.union([typeName, z.array(typeName).min(1)]).optional(),
  enum: z.array(z.unknown()).optional(),
  minimum: bound,
  maximum: bound,
  exclusiveMinimum: bound,
  exclusiveMaximum: bound,
  multipleOf: z.number().gt(0).optional(),
  minLength: count,
  maxLength: count,
  pattern: regex.optional(),
  minItems: count,
  maxItems: count,
  uniqueItems: z.boolean().optional(),
  minContains: count,
  maxContains: count,
  minProperties: count,
  maxProperties: count,
  required: names.optional(),
  dependentRequired: z.record(z.string(), names).optional(),
  allOf: children,
  anyOf: children,
  oneOf: children,
  prefixItems: children,
  not: child.optional(),
  if: child.optional(),
  then: child.optional(),
  else: child.optional(),
  items: child.optional(),
  contains: child.optional(),
  unevaluatedItems: child.optional(),
  additionalProperties: child.optional(),
  unevaluatedProperties: child.optional(),
  propertyNames: child.optional(),
  properties: named,
  patternProperties: z.record(regex, child).optional(),
  dependentSchemas: named,
});

export const jsonSchema: z.ZodType<JsonSchema> = z.union([z.boolean(), keywords]);

function isRegex(text: string): boolean {
  try {
    return new RegExp(text, "u").unicode;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Keywords whose value is a schema, a list of them, or schemas by name. Those that look at the same value as their own schema. */
const SAME_VALUE = new Set(["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"]);
const ONE = [
  "not",
  "if",
  "then",
  "else",
  "items",
  "contains",
  "unevaluatedItems",
  "additionalProperties",
  "unevaluatedProperties",
  "propertyNames",
];
const LISTS = ["allOf", "anyOf", "oneOf", "prefixItems"];
const NAMED = ["$defs", "definitions", "properties", "patternProperties", "dependentSchemas"];

interface Child {
  /** The keyword, and the number or name of one of several. */
  readonly path: readonly [keyword: string, ...part: (string | number)[]];
  readonly schema: JsonSchema;
}

/** The schemas right inside a schema, and where. */
export function childrenOf(schema: JsonSchema): Child[] {
  if (!isObject(schema)) return [];
  const found: Child[] = [];
  const add = (path: Child["path"], value: unknown) => {
    if (typeof value === "boolean" || isObject(value)) found.push({ path, schema: value });
  };
  for (const keyword of ONE) add([keyword], schema[keyword]);
  for (const keyword of LISTS) {
    const list = schema[keyword];
    if (Array.isArray(list)) list.forEach((item, index) => add([keyword, index], item));
  }
  for (const keyword of NAMED) {
    const members = schema[keyword];
    if (isObject(members)) for (const [name, member] of Object.entries(members)) add([keyword, name], member);
  }
  return found;
}

/** What is wrong with a schema whose keywords are as they may be: the first reference that leads nowhere or in a circle. */
export function faultInRefs(given: JsonSchema): Fault | null {
  const root = structuredClone(given); // the library writes into it
  let lookup: Readonly<Record<string, JsonSchema>>;
  try {
    lookup = dereference(root);
  } catch (error) {
    return { path: [], detail: `has an $id, $anchor or $ref that is not valid: ${error instanceof Error ? error.message : "unknown"}` };
  }
  const known = new Map<JsonSchema, "open" | "done">();
  /** Goes through all schemas; `open` are those of which the same value would be asked again. */
  const visit = (schema: JsonSchema, path: Fault["path"]): Fault | null => {
    if (!isObject(schema) || known.get(schema) === "done") return null;
    known.set(schema, "open");
    const { $ref } = schema;
    if (typeof $ref === "string") {
      const at = [...path, "$ref"];
      const target = lookup[(schema as { __absolute_ref__?: string }).__absolute_ref__ ?? ""]; // the library has put it there
      if (target === undefined)
        return { path: at, detail: `must be the place of a schema in this one, such as "#/$defs/name", and is "${$ref}"` };
      if (known.get(target) === "open") return { path: at, detail: `leads in a circle: "${$ref}" asks the same of the same value again` };
      const fault = visit(target, at);
      if (fault) return fault;
    }
    const own = childrenOf(schema);
    for (const { path: part, schema: inner } of own) {
      if (!SAME_VALUE.has(part[0])) continue;
      const fault = visit(inner, [...path, ...part]);
      if (fault) return fault;
    }
    known.set(schema, "done");
    return null;
  };
  const left: { schema: JsonSchema; path: Fault["path"] }[] = [{ schema: root, path: [] }];
  for (let next = left.pop(); next; next = left.pop()) {
    const { schema, path } = next;
    const fault = visit(schema, path);
    if (fault) return fault;
    left.push(
      ...childrenOf(schema).map(({ path: part, schema: inner }) => ({
        schema: inner,
        path: [...path, ...part],
      })),
    );
  }
  return null;
}
