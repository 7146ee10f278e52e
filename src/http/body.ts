/**
 * The one place where a request's body is read: type, size, encoding, JSON and schema, in that order, each with its own
 * problem. A body is read at most once and never beyond its limit. What its values would take of the isolate's memory is
 * judged by its text, before any of them is made: 10 MB of `[1],[1],…` would be 160 MB.
 */
import type * as z from "zod";
import { isJson } from "../content/content.ts";
import { endOfString, parseJson, writeJson } from "../encoding/json.ts";
import { JSON_DEPTH, JSON_HEAP_BYTES, JSON_TEXT_COPIES } from "../limits.ts";
import { Problem, problem, shown } from "../problem.ts";
import { reserve } from "./body-memory.ts";
import { type Place, read } from "./faults.ts";
import { receive, receiveSmall } from "./incoming.ts";
import { holdsNoKey, mustHoldNoKey } from "./no-keys.ts";

interface JsonRead {
  readonly text: string;
  readonly value: unknown;
}

/** The body as JSON: its text as sent, and its value. Throws 415, 413 or 400, with `advice` after what it says. */
export async function readJson(request: Request, limitBytes: number, advice = ""): Promise<JsonRead> {
  const body = await readAny(request, limitBytes, advice);
  if (!body) throw problem("bad_json", { detail: "The body is empty; it must be JSON." });
  return body;
}

/** The same for a call that needs no body: one that is missing or empty is taken for `{}`. */
export async function readJsonIfAny(request: Request, limitBytes: number): Promise<JsonRead> {
  const hasBody = request.body !== null && request.headers.get("content-length") !== "0";
  return (hasBody && (await readAny(request, limitBytes))) || { text: "", value: {} };
}

/** Null for an empty body. */
async function readAny(request: Request, limitBytes: number, advice = ""): Promise<JsonRead | null> {
  const advised = (detail: string) => (advice === "" ? detail : `${detail} ${advice}`);
  const type = request.headers.get("content-type");
  if (type !== null && type.trim() !== "" && !isJson(type)) {
    throw problem("unsupported_media_type", {
      detail: advised("The body must be JSON: Content-Type: application/json."),
      headers: { Accept: "application/json" },
    });
  }
  const text = await readText(request, limitBytes);
  if (text.trim() === "") return null;
  mustFit(request, text);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw problem("bad_json", {
      detail: advised(`The body is not JSON: ${error instanceof Error ? error.message : "it does not parse"}.`),
    });
  }
  mustHoldNoKey(text, value);
  return { text, value };
}

/** Media types of JSON Lines, as tools send them; none is registered. */
const JSON_LINES = /^application\/(?:x-ndjson|ndjson|jsonl|x-jsonl|jsonlines|x-jsonlines|json-lines)\s*(?:;|$)/i;

/** One of several values of a body: its text and value, or what is wrong with it. */
export type OneOfSeveral = { readonly text: string; readonly value: unknown } | { readonly problem: Problem };

/**
 * A body that is several JSON values: an array, or JSON Lines, of which an empty line counts for nothing. A line that is not
 * JSON spoils no other. They are counted before anything is made of them: 5 million would take the isolate's whole memory. Throws 415,
 * 413, 400, or 422 for none or more than `most`.
 */
export async function readSeveral(request: Request, limitBytes: number, most: number): Promise<OneOfSeveral[]> {
  const isLines = JSON_LINES.test(request.headers.get("content-type") ?? "");
  return isLines ? readLines(request, limitBytes, most) : readArray(request, limitBytes, most);
}

function mustBeSeveral(count: number, most: number): void {
  if (count > 0 && count <= most) return;
  throw problem("invalid_input", { faults: [{ path: [], detail: `must be 1 to ${most} values, and is ${count}` }] });
}

/** For whoever sends JSON Lines as JSON. */
const AS_LINES = "For JSON Lines, send Content-Type: application/x-ndjson.";

async function readArray(request: Request, limitBytes: number, most: number): Promise<OneOfSeveral[]> {
  const { value } = await readJson(request, limitBytes, AS_LINES);
  if (!Array.isArray(value)) {
    const fault = { path: [], detail: `must be an array, and is ${shown(value)}` };
    throw problem("invalid_input", { detail: `The body ${fault.detail}. ${AS_LINES}`, faults: [fault] });
  }
  mustBeSeveral(value.length, most);
  return value.map((one: unknown) => ({ text: writeJson(one), value: one }));
}

async function readLines(request: Request, limitBytes: number, most: number): Promise<OneOfSeveral[]> {
  const whole = await readText(request, limitBytes);
  mustFit(request, whole);
  const areClean = holdsNoKey(whole);
  return linesIn(whole, most).map(({ text, number }): OneOfSeveral => {
    try {
      const value = parseJson(text);
      if (!areClean) mustHoldNoKey(text, value);
      return { text, value };
    } catch (error) {
      if (error instanceof Problem) return { problem: error };
      const why = error instanceof Error ? error.message.replace(/^at line 1, /, "at ") : "it does not parse";
      return { problem: problem("bad_json", { detail: `Line ${number} of the body is not JSON: ${why}.` }) };
    }
  });
}

/** The lines that are not empty, each with its number, from 1 on. */
function linesIn(whole: string, most: number): { readonly text: string; readonly number: number }[] {
  const lines: { text: string; number: number }[] = [];
  let count = 0;
  for (let begin = 0, number = 1; begin < whole.length; number++) {
    const next = whole.indexOf("\n", begin);
    const end = next < 0 ? whole.length : next;
    const text = whole.slice(begin, end);
    if (text.trim() !== "" && ++count <= most) lines.push({ text, number });
    begin = end + 1;
  }
  mustBeSeveral(count, most);
  return lines;
}

/**
 * Takes the room that a JSON text and its values need, and what there is beside. Throws 400 or 413 where they could never
 * be read, 503 where they can't now.
 */
export function mustFit(request: Request, text: string, besideBytes = 0): void {
  const { depth, heapBytes } = weigh(text);
  if (depth > JSON_DEPTH) throw problem("bad_json", { detail: `The body is nested deeper than ${JSON_DEPTH} levels.` });
  if (heapBytes > JSON_HEAP_BYTES) {
    throw problem("body_too_large", {
      detail: "The body holds too many arrays, objects or members to be read at once; send it in parts, or as a file.",
    });
  }
  reserve(request, besideBytes + text.length * JSON_TEXT_COPIES + heapBytes);
}

/** A value as the schema has it; throws 422 that names each fault with its place, 400 for query parameters that nothing reads. */
export function check<T>(schema: z.ZodType<T>, value: unknown, place: Place = "body"): T {
  const checked = read(schema, value, place);
  if (checked.ok) return checked.value;
  throw problem(place === "query" && checked.hasUnknown ? "bad_request" : "invalid_input", { faults: checked.faults });
}

/** Of texts that are whole; it keeps nothing from one to the next. */
const WHOLE = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

async function readText(request: Request, limitBytes: number): Promise<string> {
  const whole = await receiveSmall(request, { limitBytes, copies: JSON_TEXT_COPIES });
  if (whole) return decoded(() => WHOLE.decode(whole));
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  await receive(
    request,
    { limitBytes, copies: JSON_TEXT_COPIES },
    (chunk) => (text += decoded(() => decoder.decode(chunk, { stream: true }))),
  );
  return text + decoded(() => decoder.decode());
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch {
    throw problem("bad_json", { detail: "The body is not UTF-8." });
  }
}

/**
 * What V8 takes at most for the values of a JSON text, beside its strings: measured with 8-byte pointers for arrays and
 * objects of one member, for members whose names are all different, and for numbers in arrays.
 */
const BRACKET_BYTES = 64;
const MEMBER_BYTES = 96;
const ELEMENT_BYTES = 8;

/** How deep a text's values are nested and what they would take, by its punctuation; of what is no JSON, whatever comes out. */
export function weigh(text: string): { depth: number; heapBytes: number } {
  let depth = 0;
  let deepest = 0;
  let brackets = 0;
  let members = 0;
  let elements = 0;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x22:
        index = endOfString(text, index);
        break;
      case 0x2c:
        elements++;
        break;
      case 0x3a:
        members++;
        break;
      case 0x5b:
      case 0x7b:
        brackets++;
        deepest = Math.max(deepest, ++depth);
        break;
      case 0x5d:
      case 0x7d:
        depth--;
        break;
    }
  }
  return { depth: deepest, heapBytes: brackets * BRACKET_BYTES + members * MEMBER_BYTES + elements * ELEMENT_BYTES };
}
