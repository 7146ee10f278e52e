/**
 * PURE. The reason that a server gives for an error, in whatever form it has it. One reader for all: servers of one protocol
 * stand behind proxies and frameworks that have forms of their own. It knows
 * - JSON: `{"error": …}` of OpenAI, Triton, TF Serving and KServe, `{"detail": …}` of FastAPI (a text, or a list of
 *   `{loc, msg}`) and of problem details (RFC 9457), `{"message": …}`, `{"code", "type", "message"}` of TorchServe,
 *   `{"errors": …}` as a list or by field, the fields at the root of validation frameworks, and these within one another, also
 *   as a text that is JSON again;
 * - several JSON values: line by line, or as the events of a stream;
 * - HTML: its title, else its first heading, else its text;
 * - plain text: its first lines; of a Python traceback the last one.
 */
import { essenceOf } from "../content/content.ts";
import { textIn } from "../encoding/charset.ts";
import { parseTolerantly } from "../encoding/json.ts";
import { isObject } from "../tensors/tensor.ts";
import { EventReader } from "./streams/event-reader.ts";

/** Members of an error that name it, where nothing else tells what happened. */
const NAMES = ["code", "type", "status", "__type"] as const;
/** What is read of an error's body; a reason is at its beginning. */
const BODY_BYTES = 64 * 1024;
/** Of a text that is no JSON. */
const TEXT_CHARACTERS = 500;
/** Reasons of one list that are told. */
const LIST_MAX = 5;
/** Objects in one another that are looked into. */
const DEPTH_MAX = 6;

/** Members that hold what happened, the most telling first; each a text, a list or an object. */
const TELLING = [
  "message",
  "msg",
  "detail",
  "error_message",
  "errorMessage",
  "error_msg",
  "error_description",
  "Message",
  "OriginalMessage",
  "status_message",
  "description",
  "reason",
  "fault",
  "faultstring",
  "exception",
  "error",
  "Error",
  "err",
  "title",
] as const;
/** Members that list what is wrong, one by one. */
const LISTS = [
  "errors",
  "details",
  "violations",
  "fieldViolations",
  "field_violations",
  "invalid-params",
  "invalid_params",
  "issues",
  "reasons",
  "non_field_errors",
  "constraints",
  "fieldErrors",
  "field_errors",
  "formErrors",
  "validation_errors",
  "validationErrors",
  "messages",
] as const;
/** Names that lists by field have for what is wrong with no field, or with the one that they are in. */
const NO_FIELD: ReadonlySet<string> = new Set(["", "_errors", "_schema", "__all__", "__root__", "non_field_errors", ...LISTS]);
/** Members of an error that are texts, and neither fields nor reasons. */
const BESIDE =
  /^(?:status|status_?code|status_?text|code|error_?code|type|kind|id|(?:request|trace|correlation|inference)_?id|timestamp|time|date|path|url|uri|method|instance|object|model|model_?name|model_?version|version|server|success|ok|help|docs?|documentation_url)$/i;
/** Members that say where. */
const PLACES = ["loc", "field", "param", "path", "name", "pointer"] as const;

/** The reason in an error's body; null where it gives none. */
export function reasonOf(bytes: Uint8Array, contentType: string | null): string | null {
  const essence = essenceOf(contentType ?? "");
  if (/^(?:image|audio|video|font|model)\//.test(essence) || essence === "application/octet-stream") return null;
  const text = textOf(bytes, contentType);
  if (text === "" || text === "null") return null;
  const values = valuesIn(text, essence);
  if (values.length > 0) return firstIn(values, (value) => reasonIn(value) ?? reasonAtRoot(value) ?? nameIn(value));
  return text.startsWith("<") || essence.includes("html") || essence.includes("xml") ? reasonInMarkup(text) : reasonInText(text);
}

/** The JSON values of an error's body, those that hold an error before others. */
export function errorValues(bytes: Uint8Array, contentType: string | null): unknown[] {
  return valuesIn(textOf(bytes, contentType), essenceOf(contentType ?? ""));
}

function textOf(bytes: Uint8Array, contentType: string | null): string {
  return textIn(bytes.subarray(0, BODY_BYTES), contentType).trim();
}

function valuesIn(text: string, essence: string): unknown[] {
  if ('{["'.includes(text[0] ?? " ")) {
    const known = parseTolerantly(text);
    if (known.ok) return [known.value.value];
  }
  const isEvents = essence === "text/event-stream" || /^(?:data|event|id|retry|):/.test(text);
  if (!isEvents && !text.startsWith("{")) return [];
  const reader = new EventReader();
  const events = [...reader.of(new TextEncoder().encode(text)), ...reader.rest()];
  const values = events.flatMap(({ name, data, unframed }) => {
    const lines = unframed.split("\n").flatMap(jsonIn);
    if (data === null) return lines;
    const framed = jsonIn(data);
    return [...(framed.length === 0 && /error|exception|fail/i.test(name) ? [data] : framed), ...lines];
  });
  const isError = (value: unknown) => typeof value === "string" || (isObject(value) && Boolean(value["error"]));
  return [...values.filter(isError), ...values.filter((value) => !isError(value))];
}

/** A line's object or list; nothing of what is neither. */
function jsonIn(line: string): unknown[] {
  const known = parseTolerantly(line);
  return known.ok && typeof known.value.value === "object" && known.value.value !== null ? [known.value.value] : [];
}

function firstIn(values: readonly unknown[], read: (value: unknown) => string | null): string | null {
  for (const value of values) {
    const found = read(value);
    if (found !== null) return found;
  }
  return null;
}

/** What an error is called, where that is a text: `{"error": {"code": "out_of_memory"}}`. */
function nameIn(value: unknown): string | null {
  const error = isObject(value) ? value["error"] : null;
  if (!isObject(error)) return null;
  const name = NAMES.map((member) => error[member]).find((member) => typeof member === "string" && member.trim() !== "");
  return typeof name === "string" ? shortened(name.trim()) : null;
}

/** What is wrong, by field, in an object that has nothing else to tell, or in a list of those. */
function reasonAtRoot(value: unknown): string | null {
  const reasons = fieldReasons(value, [], 0);
  return reasons.length > 0 ? reasons.slice(0, LIST_MAX).join("; ") : null;
}

/** `{"prompt": ["is required"]}`, also deeper: each reason with the path to it. */
function fieldReasons(value: unknown, path: readonly string[], depth: number): string[] {
  if (depth === DEPTH_MAX) return [];
  if (Array.isArray(value)) {
    const told = reasonInList(value, depth);
    if (told !== null) return [path.length > 0 ? `${path.join(".")}: ${told}` : told];
    return value.slice(0, LIST_MAX).flatMap((item, index) => fieldReasons(item, [...path, String(index)], depth + 1));
  }
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const there = NO_FIELD.has(name) ? path : [...path, name];
    if (typeof member !== "string") return fieldReasons(member, there, depth + 1);
    return member.trim() === "" || BESIDE.test(name)
      ? []
      : [`${there.join(".")}${there.length > 0 ? ": " : ""}${shortened(member.trim())}`];
  });
}

/** The reason in an error's value; null where it gives none. */
export function reasonIn(value: unknown, depth = 0): string | null {
  if (typeof value === "string") return reasonInString(value.trim(), depth);
  if (depth === DEPTH_MAX) return null;
  if (Array.isArray(value)) return reasonInList(value, depth);
  if (!isObject(value)) return null;
  if (isObject(value["error"]) || Array.isArray(value["error"])) {
    const inner = reasonIn(value["error"], depth + 1);
    if (inner !== null) return inner;
  }
  const told = tellingIn(value, depth);
  const listed = listIn(value, depth);
  if (listed !== null) return told === null || told === listed ? listed : `${told.replace(/[.:]$/, "")}: ${listed}`;
  return told;
}

/** Some servers wrap another one's error as it came, which is JSON. */
function reasonInString(text: string, depth: number): string | null {
  const [value] = depth < DEPTH_MAX && text.startsWith("{") ? jsonIn(text) : [];
  const within = value === undefined ? null : reasonIn(value, depth + 1);
  return within ?? (lastOfTraceback(text) || null);
}

function tellingIn(value: Readonly<Record<string, unknown>>, depth: number): string | null {
  for (const name of TELLING) {
    const told = reasonIn(value[name], depth + 1);
    if (told !== null) return told;
  }
  return null;
}

function listIn(value: Readonly<Record<string, unknown>>, depth: number): string | null {
  for (const name of LISTS) {
    const list = value[name];
    const told = Array.isArray(list) ? reasonInList(list, depth) : isObject(list) ? reasonsByField(list, depth) : reasonIn(list, depth + 1);
    if (told !== null) return told;
  }
  return null;
}

function reasonInList(list: readonly unknown[], depth: number): string | null {
  const reasons = list.slice(0, LIST_MAX).flatMap((item) => {
    const told = reasonIn(item, depth + 1);
    if (told === null) return [];
    const place = isObject(item) ? placeIn(item) : null;
    return place === null || told.startsWith(`${place}:`) ? [told] : [`${place}: ${told}`];
  });
  return reasons.length > 0 ? reasons.join("; ") : null;
}

/** `{"prompt": ["is required"]}`; where nothing is listed by field, it is read like every other object. */
function reasonsByField(fields: Readonly<Record<string, unknown>>, depth: number): string | null {
  const reasons = Object.entries(fields)
    .slice(0, LIST_MAX)
    .flatMap(([field, value]) => {
      const told = typeof value === "string" || Array.isArray(value) ? reasonIn(value, depth + 1) : null;
      return told === null ? [] : [NO_FIELD.has(field) ? told : `${field}: ${told}`];
    });
  if (reasons.length > 0) return reasons.join("; ");
  const deeper = fieldReasons(fields, [], depth + 1);
  return reasonIn(fields, depth + 1) ?? (deeper.length > 0 ? deeper.slice(0, LIST_MAX).join("; ") : null);
}

/** Where the fault is, as its server has it: `body.prompt`. */
function placeIn(item: Readonly<Record<string, unknown>>): string | null {
  for (const name of PLACES) {
    const place = item[name];
    if (typeof place === "string" && place !== "") return place;
    if (Array.isArray(place) && place.length > 0 && place.every(isStep)) return place.join(".");
  }
  const source = item["source"];
  return isObject(source) && typeof source["pointer"] === "string" ? source["pointer"] : null;
}

function isStep(step: unknown): step is string | number {
  return typeof step === "string" || typeof step === "number";
}

function reasonInMarkup(text: string): string | null {
  for (const element of ["title", "h1", "message", "faultstring", "h2"]) {
    const inner = new RegExp(`<${element}(?:\\s[^>]*)?>([\\s\\S]{0,2000}?)</${element}>`, "i").exec(text)?.[1];
    const told = inner === undefined ? "" : bare(inner);
    if (told !== "") return shortened(told);
  }
  const told = bare(text.replaceAll(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, " "));
  return told === "" ? null : shortened(told);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", "#39": "'", "#x27": "'" };

/** A piece of markup as text. */
function bare(markup: string): string {
  const text = markup.replaceAll(/<[^<>]*>/g, " ").replaceAll(/&(#?\w{2,6});/g, (entity, name: string) => ENTITIES[name] ?? entity);
  return text.replaceAll(/\s+/g, " ").trim();
}

function reasonInText(text: string): string | null {
  // Bytes that are no text, whatever they are said to be.
  if (text.includes("\0") || text.includes("\ufffd")) return null;
  return shortened(lastOfTraceback(text).replaceAll(/\s+/g, " ").trim());
}

/** Of a Python traceback the last line, which says what happened; any other text as it is. */
function lastOfTraceback(text: string): string {
  if (!text.startsWith("Traceback (most recent call last)")) return text;
  return text.split("\n").findLast((line) => line.trim() !== "") ?? text;
}

function shortened(text: string): string {
  return text.length > TEXT_CHARACTERS ? `${text.slice(0, TEXT_CHARACTERS)}…` : text;
}
