/**
 * What a schema finds wrong, in our words: each fault has its place and a phrase that goes on from it, such as
 * `must be from 1 to 10, and is 12`. The library's own phrases reach nobody. A short value is said back; of a longer one,
 * its length.
 */
import * as z from "zod";
import { FAULTS_SHOWN } from "../limits.ts";
import { type Fault, shown } from "../problem.ts";

/** What the members of a checked value are called. */
export type Place = "body" | "query";

type Issue = z.core.$ZodIssue;
type RawIssue = z.core.$ZodRawIssue;

/** The value as the schema has it, or what is wrong with it, and whether it has members that the schema lacks. */
export function read<T>(
  schema: z.ZodType<T>,
  value: unknown,
  place: Place,
): { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly Fault[]; readonly hasUnknown: boolean } {
  /** The members that an object with unknown ones may have. */
  const known = new WeakMap<readonly string[], readonly string[]>();
  const error = (issue: RawIssue) => {
    if (issue.code === "unrecognized_keys") known.set(issue.keys, membersOf(issue.inst));
    return phraseOf(issue);
  };
  const parsed = schema.safeParse(value, { reportInput: true, error });
  if (parsed.success) return { ok: true, value: parsed.data };
  const { issues } = parsed.error;
  const faults = issues.flatMap((issue) => faultsOf(issue, place, known)).slice(0, FAULTS_SHOWN);
  return { ok: false, faults, hasUnknown: issues.some(({ code }) => code === "unrecognized_keys") };
}

function faultsOf(issue: Issue, place: Place, known: WeakMap<readonly string[], readonly string[]>, parent: Fault["path"] = []): Fault[] {
  // One of several values of a query parameter is said back, and is found by that: who wrote `status=a,b` wrote no list.
  const isShown = (part: PropertyKey): part is string | number =>
    typeof part !== "symbol" && (place === "body" || typeof part !== "number");
  const path = [...parent, ...issue.path.filter(isShown)];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const close = closest(key, known.get(issue.keys) ?? []);
      const what = place === "query" ? "is not a query parameter of this call" : "is not a known member";
      return { path: [...path, key], detail: close === null ? what : `${what}; did you mean "${close}"?` };
    });
  }
  if (issue.code === "invalid_key") {
    const [why] = issue.issues;
    return [{ path, detail: why ? `has a name that ${why.message}` : "has a name that is not allowed" }];
  }
  if (issue.code === "invalid_union" && issue.input !== undefined) {
    // The branch that went deepest is the one that was meant.
    const inside = issue.errors.find((branch) => branch.some((it) => it.path.length > 0));
    if (inside) return inside.flatMap((it) => faultsOf(it, place, known, path));
  }
  return [{ path, detail: issue.message }];
}

/** A phrase that goes on from the place. Schemas may have phrases of their own, which go before these. */
function phraseOf(issue: RawIssue): string {
  const { input } = issue;
  switch (issue.code) {
    case "invalid_type":
      if (input === undefined) return "is missing";
      return `must be ${TYPES[issue.expected] ?? issue.expected}${Number.isNaN(input) ? "" : `, and is ${shown(input)}`}`; // of a query, NaN stands for its text
    case "too_small":
    case "too_big":
      return rangePhrase(issue);
    case "invalid_format":
      return `${FORMATS[issue.format] ?? "has the wrong form"}${typeof input === "string" && FORMATS[issue.format] ? `, and is ${shown(input)}` : ""}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}, and is ${shown(input)}`;
    case "invalid_value": {
      if (input === undefined) return "is missing";
      const values = issue.values as readonly z.core.util.Primitive[]; // which the raw issue's type has lost
      return `${oneOf(values)}, and is ${shown(input)}`;
    }
    case "invalid_union": {
      if (input === undefined) return "is missing";
      if (issue.options) return oneOf(issue.options as readonly z.core.util.Primitive[]); // the same
      const wanted = issue.errors.flatMap((branch) => branch.slice(0, 1)).map((it) => it.message.replace(/, and (?:is|has) .*$/s, ""));
      return [...new Set(wanted)].join(", or ") || "has the wrong form";
    }
    case "unrecognized_keys":
    case "invalid_key":
    case "invalid_element":
    case "custom":
      return "is not valid";
    default:
      return issue satisfies never;
  }
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const texts = values.map((value) => (typeof value === "string" ? JSON.stringify(value) : String(value)));
  return texts.length === 1 ? `must be ${texts[0]}` : `must be one of ${texts.join(", ")}`;
}

const TYPES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "a whole number",
  boolean: "a boolean",
  null: "null",
  array: "an array",
  object: "an object",
  record: "an object",
  never: "left out",
};

const FORMATS: Readonly<Record<string, string>> = {
  url: 'must be a URL such as "https://example.com/path"',
  uuid: 'must be a UUID such as "0193a1b2-0000-7000-8000-000000000000"',
  datetime: 'must be a time with its offset such as "2026-01-31T12:00:00Z"',
  date: 'must be a date such as "2026-01-31"',
};

/** From where to where, for numbers, texts and lists, as far as the schema bounds both ends. */
function rangePhrase(issue: Extract<RawIssue, { code: "too_small" | "too_big" }>): string {
  const { input, schema } = issue;
  const [least, most] =
    issue.code === "too_small" ? [Number(issue.minimum), boundOf(schema, MOST)] : [boundOf(schema, LEAST), Number(issue.maximum)];
  const low = least === undefined || least <= Number.MIN_SAFE_INTEGER ? null : least;
  const high = most === undefined || most >= Number.MAX_SAFE_INTEGER ? null : most;
  const range =
    low !== null && high !== null ? (low === high ? `${low}` : `${low} to ${high}`) : low !== null ? `at least ${low}` : `at most ${high}`;
  if (typeof input === "string")
    return low === 1 && input === "" ? "must not be empty" : `must have ${range} characters, and has ${input.length}`;
  if (Array.isArray(input))
    return low === 1 && input.length === 0 ? "must not be empty" : `must have ${range} items, and has ${input.length}`;
  if (low === null && high === null) return `must be within ±${Number.MAX_SAFE_INTEGER}, and is ${shown(input)}`;
  return `must be ${low !== null && high !== null ? "from " : ""}${range}, and is ${shown(input)}`;
}

/** Which of a check's members holds its bound, by the check's name. */
const LEAST: Readonly<Record<string, string>> = { greater_than: "value", min_length: "minimum" };
const MOST: Readonly<Record<string, string>> = { less_than: "value", max_length: "maximum" };

/** The bound that a schema's checks set in one direction. */
function boundOf(schema: RawIssue["schema"], direction: Readonly<Record<string, string>>): number | undefined {
  const bounds = (schema?._zod.def.checks ?? []).map((check) => {
    const def: { check: string; [member: string]: unknown } = { ...check._zod.def };
    return def[direction[def.check] ?? ""];
  });
  return bounds.find((bound) => typeof bound === "number");
}

/** The names that an object's schema has. */
export function membersOf(schema: RawIssue["inst"]): readonly string[] {
  const its = schema instanceof z.ZodLazy ? schema.unwrap() : schema;
  const shape = its && "shape" in its._zod.def ? its._zod.def.shape : null;
  return shape && typeof shape === "object" ? Object.keys(shape) : [];
}

/** The known name that a wrong one was meant to be; null if none is near. */
export function closest(name: string, known: readonly string[]): string | null {
  if (name.length > 64) return null;
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_ ]/g, "");
  const wanted = plain(name);
  let best: { name: string; distance: number } | null = null;
  for (const candidate of known) {
    const target = plain(candidate);
    const distance = target === wanted ? 0 : editsBetween(wanted, target);
    if (distance <= Math.max(1, Math.floor(target.length / 3)) && (best === null || distance < best.distance)) {
      best = { name: candidate, distance };
    }
  }
  return best?.name ?? null;
}

/** How many letters have to be put in, left out, changed or swapped with the next to come from one text to the other. */
function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  let before: number[] = [];
  for (let line = 1; line <= from.length; line++) {
    const next = [line];
    for (let column = 1; column <= to.length; column++) {
      const [here, last] = [from[line - 1], from[line - 2]];
      const change = (row[column - 1] ?? 0) + (to[column - 1] === here ? 0 : 1);
      const swap = to[column - 1] === last && to[column - 2] === here ? (before[column - 2] ?? from.length) + 1 : change;
      next.push(Math.min(change, swap, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[to.length] ?? 0;
}
