/**
 * PURE. A model's JSON Schema (draft 2020-12): whether it is sound, and what is wrong with a value that it does not allow, in
 * our words. The validator interprets the schema, since a Worker may not compile code. The schema is the operator's and
 * trusted; the values are hostile, so that what could take long is bounded:
 * - a value of more than SCHEMA_VALUES values is not checked; nesting is bounded where bodies are read;
 * - `uniqueItems` looks at each pair of items, and is checked of SCHEMA_UNIQUE_ITEMS at most; a `pattern` may look at a text
 *   again and again, and is checked of SCHEMA_PATTERN_CHARACTERS at most, and of no text where all together are
 *   SCHEMA_PATTERN_WORK; a value whose names are too long for `patternProperties` is refused, since what they decide is what else is checked;
 * - the first fault decides; of small values all faults are found.
 * `format` is not checked: in this draft it is only an annotation, and a file's place may hold a reference of ours.
 * An integer beyond ±(2^53 - 1) is checked as the double that is nearest to it.
 */
/* oxlint-disable unicorn/no-thenable -- `then` is a keyword of JSON Schema, and no schema is awaited */
import { type OutputUnit, type Schema, dereference, validate } from "@cfworker/json-schema";
import { withoutBigints } from "../encoding/json.ts";
import {
  FAULTS_SHOWN,
  SCHEMA_ALL_FAULTS_VALUES,
  SCHEMA_PATTERN_CHARACTERS,
  SCHEMA_PATTERN_WORK,
  SCHEMA_UNIQUE_ITEMS,
  SCHEMA_VALUES,
} from "../limits.ts";
import { type Fault, shown } from "../problem.ts";
import { isObject } from "../tensors/tensor.ts";
import { measure } from "./measure.ts";
import { type JsonSchema, childrenOf } from "./schema-keywords.ts";

/** A schema as the validator takes it. */
interface Resolved {
  readonly root: Schema | boolean;
  /** The schemas within it, by their URIs. */
  readonly lookup: Readonly<Record<string, Schema | boolean>>;
}

/** A schema that values can be checked against. */
export interface PreparedSchema {
  readonly whole: Resolved;
  /** The same without any `pattern`. */
  readonly withoutPatterns: Resolved;
  /** Whether it has `patternProperties`. */
  readonly matchesNames: boolean;
}

/** A sound schema, with its bounds. */
export function prepare(schema: JsonSchema): PreparedSchema {
  const resolved = (root: Schema | boolean) => ({ root, lookup: dereference(root) });
  return {
    whole: resolved(bounded(schema, true)),
    withoutPatterns: resolved(bounded(schema, false)),
    matchesNames: matchesNames(schema),
  };
}

function matchesNames(schema: JsonSchema): boolean {
  return isObject(schema) && (schema["patternProperties"] !== undefined || childrenOf(schema).some((child) => matchesNames(child.schema)));
}

/** A schema without what could take long on a hostile value, and without formats. */
function bounded(schema: JsonSchema, withPatterns: boolean): JsonSchema {
  if (!isObject(schema)) return schema;
  const { pattern, uniqueItems, format: _, allOf, ...rest } = schema;
  const changed: Record<string, unknown> = { ...rest, ...(Array.isArray(allOf) && { allOf }) };
  for (const { path, schema: child } of childrenOf(changed)) {
    const [keyword, part] = path;
    if (part === undefined) changed[keyword] = bounded(child, withPatterns);
    else if (typeof part === "number") changed[keyword] = (changed[keyword] as unknown[]).with(part, bounded(child, withPatterns)); // it has children by number
    else changed[keyword] = { ...(changed[keyword] as object), [part]: bounded(child, withPatterns) }; // it has children by name
  }
  const costly = [
    ...(pattern === undefined || !withPatterns ? [] : [{ if: { maxLength: SCHEMA_PATTERN_CHARACTERS }, then: { pattern } }]),
    ...(uniqueItems === true ? [{ if: { maxItems: SCHEMA_UNIQUE_ITEMS }, then: { uniqueItems } }] : []),
  ];
  if (costly.length > 0) changed["allOf"] = [...((changed["allOf"] as unknown[] | undefined) ?? []), ...costly];
  return changed;
}

/** What is wrong with a value, the first FAULTS_SHOWN; nothing if the schema allows it or it is too large to be checked. */
export function check(schema: PreparedSchema, given: unknown): readonly Fault[] {
  const { values, hasBigints, oddName, textWork, nameWork } = measure(given);
  if (values > SCHEMA_VALUES) return [];
  if (schema.matchesNames && nameWork > SCHEMA_PATTERN_WORK) return [{ path: [], detail: "has members whose names are too long" }];
  if (oddName) return [{ path: [], detail: "has a member whose name is not valid Unicode" }];
  const value = hasBigints ? withoutBigints(given) : given;
  const resolved = textWork > SCHEMA_PATTERN_WORK ? schema.withoutPatterns : schema.whole;
  const errors = errorsOf(value, resolved, values <= SCHEMA_ALL_FAULTS_VALUES);
  return faultsOf(errors, { ...resolved, value }).slice(0, FAULTS_SHOWN);
}

/** What the validator finds. Nothing where it finds more than fits on the stack, which it needs to pass errors on: such a value is as one that is too large. */
function errorsOf(value: unknown, { root, lookup }: Resolved, all: boolean): readonly OutputUnit[] {
  try {
    return validate(value, root, "2020-12", lookup, !all).errors;
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

// Faults in our words: each has its place in the value and a phrase that goes on from it. The validator's errors are a list in
// which what is inside follows what it is inside of; only the places and keywords of them are used, and what is wanted is looked
// up in the schema. Of alternatives, the one that came nearest is told.

/** The schema and the value that locations are in. */
interface Place extends Resolved {
  readonly value: unknown;
}

/** Errors that only say that there is one further inside. */
const AROUND = new Set([
  "$ref",
  "allOf",
  "if",
  "properties",
  "patternProperties",
  "additionalProperties",
  "unevaluatedProperties",
  "dependentSchemas",
  "prefixItems",
  "items",
  "unevaluatedItems",
]);
/** Errors that say it all, whatever is said inside. */
const WHOLE = new Set(["contains", "minContains", "maxContains", "propertyNames"]);

const VALUES_CHARACTERS = 200;

function faultsOf(errors: readonly OutputUnit[], place: Place): Fault[] {
  const faults: Fault[] = [];
  const missing = new Set<string>();
  for (let index = 0; index < errors.length;) {
    const error = errors[index];
    if (!error) break;
    const { keyword, instanceLocation, keywordLocation } = error;
    index++;
    if (AROUND.has(keyword)) continue;
    const isAlternatives = keyword === "anyOf" || keyword === "oneOf";
    if (isAlternatives || WHOLE.has(keyword)) {
      const inside: OutputUnit[] = [];
      for (let inner = errors[index]; inner && isInside(inner, keywordLocation); inner = errors[++index]) inside.push(inner);
      faults.push(...(isAlternatives ? nearest(error, inside, place) : [wholeFault(error, inside, place)]));
    } else if (keyword === "required" || keyword === "dependentRequired") {
      const at = `${keywordLocation} ${instanceLocation}`;
      if (!missing.has(at)) faults.push(...missingIn(error, place));
      missing.add(at); // there is one error for each member
    } else {
      faults.push(faultOf(error, place));
    }
  }
  return faults;
}

/** A `false` schema says nothing of where it is. */
function isInside({ keyword, keywordLocation }: OutputUnit, around: string): boolean {
  return keyword === "false" || keywordLocation.startsWith(`${around}/`);
}

/** Of several forms of which one had to fit: the faults of the one that was meant most likely, else what each wants. */
function nearest(error: OutputUnit, inside: readonly OutputUnit[], place: Place): Fault[] {
  const { keyword, keywordLocation, instanceLocation } = error;
  const path = pathOf(instanceLocation, place.value);
  const branches: OutputUnit[][] = [];
  let current = -1;
  for (const inner of inside) {
    if (inner.keyword !== "false") current = Number.parseInt(inner.keywordLocation.slice(keywordLocation.length + 1), 10);
    (branches[current === -1 ? 0 : current] ??= []).push(inner);
  }
  const schema = schemaAt(keywordLocation, place);
  const forms = schema[keyword];
  const tried = branches.filter((branch) => branch !== undefined).map((branch) => faultsOf(branch, place));
  if (keyword === "oneOf" && Array.isArray(forms) && tried.length < forms.length) {
    const fitting = forms.length - tried.length;
    return [{ path, detail: `must fit exactly one of ${forms.length} forms, and fits ${fitting}` }];
  }
  const deeper = tried.filter((faults) => faults.every((fault) => fault.path.length > path.length)).toSorted((a, b) => a.length - b.length);
  if (deeper[0] && deeper[0].length > 0) return deeper[0];
  const wanted = new Set(tried.flatMap((faults) => faults.filter((fault) => fault.path.length === path.length).slice(0, 1)).map(wantedIn));
  if (wanted.size === 0) return tried[0] && tried[0].length > 0 ? tried[0] : [{ path, detail: "has none of the forms that it may have" }];
  return [{ path, detail: `${[...wanted].join(", or ")}, and is ${shown(valueAt(path, place.value))}` }];
}

/** What a fault wants, without what there is instead. */
function wantedIn({ detail }: Fault): string {
  return detail.replace(/, and (?:is|has) .*$/s, "");
}

function wholeFault(error: OutputUnit, inside: readonly OutputUnit[], place: Place): Fault {
  const { keyword, instanceLocation, keywordLocation } = error;
  const path = pathOf(instanceLocation, place.value);
  if (keyword === "propertyNames") {
    const [first] = inside;
    const name = first ? partsOf(first.instanceLocation).at(-1) : undefined;
    return { path: name === undefined ? path : [...path, name], detail: "has a name that is not allowed" };
  }
  const schema = schemaAt(keywordLocation, place);
  const least = typeof schema["minContains"] === "number" ? schema["minContains"] : 1;
  const wanted = keyword === "maxContains" ? `at most ${String(schema["maxContains"])}` : `at least ${least}`;
  return { path, detail: `must have ${wanted} of the items that "contains" describes` };
}

function missingIn({ keyword, instanceLocation, keywordLocation }: OutputUnit, place: Place): Fault[] {
  const path = pathOf(instanceLocation, place.value);
  const value = valueAt(path, place.value);
  const wanted = schemaAt(keywordLocation, place)[keyword];
  const lacks = (name: unknown): name is string => typeof name === "string" && isObject(value) && !Object.hasOwn(value, name);
  if (Array.isArray(wanted)) return wanted.filter(lacks).map((name) => ({ path: [...path, name], detail: "is missing" }));
  if (!isObject(wanted) || !isObject(value)) return [{ path, detail: "lacks a member" }];
  return Object.entries(wanted).flatMap(([name, others]) =>
    Object.hasOwn(value, name) && Array.isArray(others)
      ? others.filter(lacks).map((other) => ({ path: [...path, other], detail: `is missing; it must be given together with "${name}"` }))
      : [],
  );
}

function faultOf({ keyword, instanceLocation, keywordLocation }: OutputUnit, place: Place): Fault {
  const path = pathOf(instanceLocation, place.value);
  const value = valueAt(path, place.value);
  if (keyword === "false") return { path, detail: "is not allowed" };
  return { path, detail: phraseOf(keyword, schemaAt(keywordLocation, place), value) };
}

function phraseOf(keyword: string, schema: Readonly<Record<string, unknown>>, value: unknown): string {
  const wanted = schema[keyword];
  const is = `, and is ${shown(value)}`;
  switch (keyword) {
    case "type":
      return `must be ${[wanted]
        .flat()
        .map((name) => TYPES[String(name)] ?? String(name))
        .join(" or ")}${is}`;
    case "const":
      return `must be ${brief(wanted)}${is}`;
    case "enum":
      return `must be one of ${[wanted].flat().map(brief).join(", ").slice(0, VALUES_CHARACTERS)}${is}`;
    case "minimum":
    case "maximum":
      return `must be ${range(schema["minimum"], schema["maximum"], "from ")}${is}`;
    case "exclusiveMinimum":
      return `must be more than ${String(wanted)}${is}`;
    case "exclusiveMaximum":
      return `must be less than ${String(wanted)}${is}`;
    case "multipleOf":
      return `must be a multiple of ${String(wanted)}${is}`;
    case "minLength":
    case "maxLength":
      return sized("characters", schema["minLength"], schema["maxLength"], typeof value === "string" ? Array.from(value).length : 0);
    case "minItems":
    case "maxItems":
      return sized("items", schema["minItems"], schema["maxItems"], Array.isArray(value) ? value.length : 0);
    case "minProperties":
    case "maxProperties":
      return sized("members", schema["minProperties"], schema["maxProperties"], isObject(value) ? Object.keys(value).length : 0);
    case "uniqueItems":
      return "must not have an item twice";
    case "pattern":
      return `must match the regular expression ${brief(wanted)}${is}`;
    case "not":
      return 'must not be what "not" describes';
    default:
      return `is not as "${keyword}" of the schema wants it`;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  integer: "a whole number",
  boolean: "a boolean",
  null: "null",
  array: "an array",
  object: "an object",
};

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? "null";
  return text.length > VALUES_CHARACTERS ? `${text.slice(0, VALUES_CHARACTERS).toWellFormed()}…` : text;
}

function range(least: unknown, most: unknown, from = ""): string {
  const [low, high] = [least, most].map((bound) => (typeof bound === "number" ? bound : null));
  if (typeof low === "number" && typeof high === "number") return low === high ? `${low}` : `${from}${low} to ${high}`;
  return typeof low === "number" ? `at least ${low}` : `at most ${high}`;
}

function sized(things: string, least: unknown, most: unknown, size: number): string {
  if (size === 0 && least === 1) return "must not be empty";
  return `must have ${range(least, most)} ${things}, and has ${size}`;
}

/** The parts of a pointer, which the library has as a URI fragment. */
function partsOf(location: string): string[] {
  return location
    .split("/")
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** A place in a value, with numbers for the items of arrays. */
function pathOf(location: string, root: unknown): (string | number)[] {
  let value = root;
  return partsOf(location).map((part) => {
    const index = Array.isArray(value) ? Number(part) : null;
    value = index === null ? (isObject(value) ? value[part] : undefined) : (value as unknown[])[index]; // an array, as was just asked
    return index ?? part;
  });
}

function valueAt(path: Fault["path"], root: unknown): unknown {
  let value = root;
  for (const part of path)
    value = typeof part === "number" ? (Array.isArray(value) ? value[part] : undefined) : isObject(value) ? value[part] : undefined;
  return value;
}

/** The schema that a keyword stands in. A location leads through references as if they were members. */
function schemaAt(keywordLocation: string, { root, lookup }: Place): Readonly<Record<string, unknown>> {
  let schema: unknown = root;
  for (const part of partsOf(keywordLocation).slice(0, -1)) {
    const next: unknown = Array.isArray(schema)
      ? schema[Number(part)]
      : isObject(schema) && Object.hasOwn(schema, part)
        ? schema[part]
        : undefined;
    const uri = part === "$ref" && isObject(schema) ? (schema as { __absolute_ref__?: string }).__absolute_ref__ : undefined; // the library has put it there
    schema = uri !== undefined && typeof next === "string" ? lookup[uri] : next;
  }
  return isObject(schema) ? schema : {};
}
