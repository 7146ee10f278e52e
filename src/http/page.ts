/**
 * Keyset paging: `?after=<cursor>&limit=1..100`. A list whose rows have ids takes the last id as its cursor. Any other list
 * gives out a cursor that is opaque to clients: base64url of the last row's key behind its checksum, so that one that was cut or
 * changed on its way is not taken for another place. Each cursor that is given out is taken back.
 */
import * as z from "zod";
import { fromBase64, toBase64 } from "../encoding/base64.ts";
import { CURSOR_CHARACTERS, PAGE } from "../limits.ts";
import { problem } from "../problem.ts";
import { check } from "./body.ts";

/** The query of a list. `extend` it by what the list filters by. */
export function pageQuery(defaultLimit: number = PAGE.default) {
  return z.strictObject({
    after: z.string().max(CURSOR_CHARACTERS).default("").describe("The cursor that the page before gave out; the first page by default."),
    limit: limitSchema(defaultLimit),
  });
}

/** How many a page has at most. A text that is no number stays as it is, so that it is said back. */
export function limitSchema(defaultLimit: number) {
  return z
    .preprocess(
      (text) => (typeof text === "string" && /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text),
      z.number().int().min(PAGE.range[0]).max(PAGE.range[1]).default(defaultLimit),
    )
    .describe(`How many to list at most; ${defaultLimit} by default.`);
}

/** Reads the page asked for from a query; throws 422. */
export function pageOf(url: URL, defaultLimit: number = PAGE.default): { after: string; limit: number } {
  return check(pageQuery(defaultLimit).strip(), Object.fromEntries(url.searchParams), "query");
}

/** An opaque cursor for the row with that key. */
export function cursorOf(key: string): string {
  const text = `${hashOf(key)} ${key}`;
  return toBase64(new TextEncoder().encode(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The key in a cursor; empty for the first page. Throws 422 for a text that is not a cursor that was given out, which is the query's `member`. */
export function keyIn(cursor: string, member = "after"): string {
  if (cursor === "") return "";
  const text = textIn(cursor);
  const key = text?.slice(text.indexOf(" ") + 1) ?? null;
  if (key === null || cursorOf(key) !== cursor) throw badCursor(member);
  return key;
}

/** Null for what is not base64, or not UTF-8 in it. */
function textIn(cursor: string): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(fromBase64(cursor.replaceAll("-", "+").replaceAll("_", "/")));
  } catch (error) {
    if (error instanceof DOMException || error instanceof TypeError) return null;
    throw error;
  }
}

/** 32 bits of a text, by FNV-1a. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash.toString(36);
}

export function badCursor(member = "after") {
  return problem("invalid_input", { faults: [{ path: [member], detail: "must be the cursor of another page of this list" }] });
}

/** The first `limit` of rows that were read with one more, and the cursor of the next page; null on the last. */
export function pageFrom<T>(rows: readonly T[], limit: number, keyOf: (row: T) => string): { rows: readonly T[]; next: string | null } {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { rows: shown, next: rows.length > limit && last !== undefined ? cursorOf(keyOf(last)) : null };
}
