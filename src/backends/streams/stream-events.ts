/**
 * PURE. What each event of a server's stream means, whatever server sent it. A stream has sent its status long before it
 * fails, so that servers say a failure in ways of their own: as an event named `error`, as a field `error:`, as JSON that
 * no field frames, as an object whose `type` is such a name, or with `error`, `detail` or a `finish_reason` of "error". Some then say `[DONE]` all the
 * same. All of these are one thing here, a failure, with the status and the reason that the server gives; what it comes to
 * is decided in judgement.ts. What holds no data (comments, empty events, `id` and `retry` alone) means nothing.
 * Source: what vLLM, SGLang, llama.cpp, Ollama, TGI, Triton and OpenRouter send.
 */
import { parseAnswer, parseTolerantly } from "../../encoding/json.ts";
import { isObject } from "../../tensors/tensor.ts";
import type { ServerEvent } from "./event-reader.ts";
import { reasonIn } from "../reason.ts";

export type Members = Readonly<Record<string, unknown>>;

export type Meaning =
  | { readonly kind: "nothing" }
  /** `[DONE]`: the server has said all. */
  | { readonly kind: "done" }
  /** A part of the answer, and its text as JSON. */
  | { readonly kind: "part"; readonly part: Members; readonly data: string }
  | { readonly kind: "failure"; readonly failure: SaidFailure }
  /** Data that is no JSON object. */
  | { readonly kind: "garbage" };

/** A failure that a server speaks of in an answer whose HTTP status is a success. */
export interface SaidFailure {
  /** As an HTTP status; null if the server does not say. */
  readonly status: number | null;
  readonly reason: string | null;
  /** The object that says it; null if it is none. */
  readonly object: Members | null;
}

/** `[DONE]`, as some have it in quotes. */
const ENDS = /^"?\[DONE\]"?$/;
/**
 * Names of events that are failures of the whole, whatever they hold: `error`, `response.failed`, `stream_error`,
 * `thread.run.failed`. What one step of an answer failed at, such as `response.mcp_call.failed`, is a part of it.
 */
const FAILS =
  /^(?:(?:(?:thread[._])?run|response|stream(?:ing)?|message|(?:chat[._])?completion|generation|inference|request|server|internal)[._-])?(?:error|exception|failure|failed)$/i;
/** Names of events that only keep a connection alive. */
const KEEPS_ALIVE = /^(?:ping|keep-?alive|heartbeat)$/i;

/** What an event means, in the order in which it says it. */
export function meaningsOf({ name, data, unframed }: ServerEvent): Meaning[] {
  const meanings: Meaning[] = [];
  if (FAILS.test(name)) meanings.push({ kind: "failure", failure: failureSaid(data ?? "") });
  else if (data !== null && !KEEPS_ALIVE.test(name)) meanings.push(meaningOf(data.trim()));
  return unframed === "" ? meanings : [...meanings, ...meaningsUnframed(unframed)];
}

function meaningOf(text: string): Meaning {
  if (text === "") return { kind: "nothing" };
  if (ENDS.test(text)) return { kind: "done" };
  const known = parseAnswer(text);
  if (!known.ok) return { kind: "garbage" };
  const { value, text: data } = known.value;
  if (value === null) return { kind: "nothing" };
  if (!isObject(value)) return { kind: "garbage" };
  const failure = failureIn(value);
  if (failure) return { kind: "failure", failure };
  return Object.keys(value).length === 0 || value["type"] === "ping" ? { kind: "nothing" } : { kind: "part", part: value, data };
}

/** What lines say that no field frames: JSON as a whole, or line by line. Anything else is nothing, by the standard. */
function meaningsUnframed(text: string): Meaning[] {
  return (parseTolerantly(text).ok ? [text] : text.split("\n")).map(meaningOf).filter(({ kind }) => kind === "part" || kind === "failure");
}

/** A text that is a failure by its frame, whatever it says. */
function failureSaid(text: string): SaidFailure {
  const known = parseTolerantly(text);
  if (known.ok && isObject(known.value.value)) return said(known.value.value);
  return { status: null, reason: (known.ok ? reasonIn(known.value.value) : null) ?? (text.trim() || null), object: null };
}

/** Members by which an answer is one; what has none of them and gives a reason is a refusal. */
const ANSWERS = ["choices", "text_output", "outputs", "token"];
const REASONS = ["detail", "errors", "message", "msg", "error_message", "error_msg", "exception"];

/** The error that any object is or holds, whatever it is an answer to: what else it says may be its answer. */
export function errorIn(value: unknown): SaidFailure | null {
  if (!isObject(value)) return null;
  return !isNothing(value["error"]) || value["object"] === "error" || isFailing(value["type"]) ? said(value) : null;
}

/** The failure that an answer, or a part of one, speaks of; null if it is no failure. */
export function failureIn(value: unknown): SaidFailure | null {
  const error = errorIn(value);
  if (error || !isObject(value)) return error;
  const finish = finishesOf(value).find((reason) => FAILED_FINISHES.has(reason));
  if (finish !== undefined) {
    return { status: FAILED_FINISHES.get(finish) ?? null, reason: `it ended with finish_reason "${finish}"`, object: null };
  }
  if (ANSWERS.some((name) => name in value)) return null;
  return isFailing(value["status"]) || REASONS.some((name) => !isNothing(value[name])) ? said(value) : null;
}

function isFailing(name: unknown): boolean {
  return typeof name === "string" && FAILS.test(name);
}

/** Whether a member such as `error` says that there is none. */
function isNothing(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isNothing);
  if (isObject(value)) return Object.values(value).every(isNothing);
  return value === undefined || value === null || value === false || value === "" || value === 0;
}

/** Why an answer ended, when that was a failure, and the status that says the same; null for any failure of a server. */
const FAILED_FINISHES: ReadonlyMap<string, number | null> = new Map([
  ["error", null],
  ["failed", null],
  ["server_error", null],
  ["internal_error", null],
  ["network_error", null],
  ["abort", null],
  ["aborted", null],
  ["cancelled", null],
  ["canceled", null],
  ["timeout", 504],
  ["insufficient_system_resource", 503],
  ["engine_overloaded", 503],
]);

function finishesOf({ choices, details, finish_reason }: Members): string[] {
  const told = [finish_reason, ...members(choices, "finish_reason"), ...members([details], "finish_reason")];
  return told.filter((reason) => typeof reason === "string").map((reason) => reason.toLowerCase());
}

function members(list: unknown, name: string): unknown[] {
  return Array.isArray(list) ? list.map((entry: unknown) => (isObject(entry) ? entry[name] : null)) : [];
}

/** Members in which an error is, or what holds one: the second is that of OpenAI's `response.failed`, the third of its runs. */
const HOLDERS = ["error", "response", "last_error", "data"];

/** What an object says that is a failure. The object itself may be the error, or hold it, or hold one that holds it. */
function said(value: Members): SaidFailure {
  const levels: Members[] = [value];
  for (let level = heldBy(value); level && levels.length < 4; level = heldBy(level)) levels.unshift(level);
  return { status: first(levels, statusIn), reason: reasonIn(value) ?? first(levels, reasonIn), object: value };
}

function heldBy(level: Members): Members | null {
  return HOLDERS.map((name) => level[name]).find(isObject) ?? null;
}

function first<T>(levels: readonly Members[], read: (level: Members) => T | null): T | null {
  for (const level of levels) {
    const found = read(level);
    if (found !== null) return found;
  }
  return null;
}

/** Members that hold a status, the first that does is believed. */
const STATUS_MEMBERS = ["code", "status", "status_code", "statusCode", "http_status", "http_code"];
/** Members that name the kind of a failure; what a kind says is in STATUS_OF_TYPE. */
const TYPE_MEMBERS = ["type", "code", "error_type", "status"];

function statusIn(level: Members): number | null {
  for (const name of STATUS_MEMBERS) {
    const value = level[name];
    const status = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599) return status;
  }
  for (const name of TYPE_MEMBERS) {
    const value = level[name];
    const status = typeof value === "string" ? STATUS_OF_TYPE.get(typeName(value)) : undefined;
    if (status !== undefined) return status;
  }
  return null;
}

/** `BadRequestError`, `bad_request_error` and `BAD_REQUEST` are one. */
function typeName(type: string): string {
  return type
    .toLowerCase()
    .replaceAll(/[^a-z]/g, "")
    .replace(/(?:error|exception)$/, "");
}

const STATUS_OF_TYPE: ReadonlyMap<string, number> = new Map([
  ["badrequest", 400],
  ["invalidrequest", 400],
  ["invalidargument", 400],
  ["value", 400],
  ["contextlengthexceeded", 400],
  ["exceedcontextsize", 400],
  ["authentication", 401],
  ["unauthorized", 401],
  ["permission", 403],
  ["permissiondenied", 403],
  ["forbidden", 403],
  ["notfound", 404],
  ["modelnotfound", 404],
  ["conflict", 409],
  ["toolarge", 413],
  ["requesttoolarge", 413],
  ["validation", 422],
  ["unprocessableentity", 422],
  ["template", 422],
  ["tool", 422],
  ["ratelimit", 429],
  ["ratelimitexceeded", 429],
  ["toomanyrequests", 429],
  ["insufficientquota", 429],
  ["resourceexhausted", 429],
  ["overloaded", 503],
  ["unavailable", 503],
  ["serviceunavailable", 503],
  ["timeout", 504],
  ["gatewaytimeout", 504],
  ["deadlineexceeded", 504],
]);
