/**
 * PURE. References to files in an input: a string value `claimcheck:file/{id}` stands for the file. They are found and
 * replaced in the JSON text itself, so that 10 MB need not be read as values for the sake of one string: a quote within a
 * string has a backslash before it, so what is found is always a whole string. The name of a member is no reference.
 */
import { placeOfString } from "../encoding/json-place.ts";
import { isUuid } from "../ids.ts";

const PREFIX = "claimcheck:file/";
/** As JSON has it; some writers escape the slash. */
const REFERENCE = /(?<!\\)"claimcheck:file\\?\/([^"\\]*)"(?!\s*:)/g;

export function referenceTo(id: string): string {
  return PREFIX + id;
}

/** What stands behind the prefix, each once, whether or not it is an id. */
export function referencesIn(text: string): string[] {
  if (!text.includes("claimcheck:file")) return [];
  return [...new Set(Array.from(text.matchAll(REFERENCE), ([, id = ""]) => id))];
}

/** How often each of them stands there. */
export function countReferences(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, id = ""] of text.matchAll(REFERENCE)) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** The id of a file, as it is stored; null for what is none. */
export function fileIdOf(text: string): string | null {
  return isUuid(text) ? text.toLowerCase() : null;
}

/** The text with each reference replaced by a string; one for which there is none stays. */
export function replaceReferences(text: string, replacement: (id: string) => string | undefined): string {
  return text.replaceAll(REFERENCE, (whole, id: string) => {
    const value = replacement(id);
    return value === undefined ? whole : JSON.stringify(value);
  });
}

/** Where in a value the first reference to that is, as a path; empty where it is the value itself. */
export function placeOf(value: unknown, id: string): (string | number)[] {
  return placeOfString(value, (text) => text === PREFIX + id) ?? [];
}
