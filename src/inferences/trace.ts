/**
 * PURE. W3C Trace Context: what a client says of its trace, and what we say in it. A submit's call is a span of the client's
 * trace, made of its request's id; an inference keeps that as its trace. One whose client named none has a trace of its own. The
 * ids of its spans are made of its id, so that whoever runs an attempt, sends a delivery or shows a timeline finds the same
 * ones, and nothing is stored for them.
 */
import { TRACE_STATE_CHARACTERS, TRACE_STATE_LARGE_CHARACTERS, TRACE_STATE_MEMBERS } from "../limits.ts";

export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits: whose child is what comes next. */
  readonly spanId: string;
  /** Whether whoever began the trace records it. */
  readonly sampled: boolean;
  /** Of vendors, as `tracestate` has it; empty if there is none. */
  readonly state: string;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 1;

/** What a client says of its trace; null if it says nothing, or nothing that holds: then its state means nothing either. */
export function traceIn(headers: Headers): TraceContext | null {
  const parent = headers.get("traceparent");
  const parsed = parent === null ? null : traceParentOf(parent.trim());
  return parsed && { ...parsed, state: stateIn(headers.get("tracestate") ?? "") };
}

/** A `traceparent` of version 00, or of a later one, whose beginning means the same. Version ff and ids of zeros are none. */
function traceParentOf(text: string): Omit<TraceContext, "state"> | null {
  const [, version = "", traceId = "", spanId = "", flags = "", more] = TRACEPARENT.exec(text) ?? [];
  const isNone =
    version === "" || version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(spanId) || (version === "00" && more !== undefined);
  return isNone ? null : { traceId, spanId, sampled: (Number.parseInt(flags, 16) & SAMPLED) === SAMPLED };
}

const STATE_KEY = String.raw`[a-z0-9][a-z0-9_\-*/@]{0,255}`;
const STATE_MEMBER = new RegExp(String.raw`^${STATE_KEY}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$`);

/**
 * A `tracestate` as it is passed on: without empty members, and cut as the standard has it where it is too long, large members
 * first, then the last. Empty if any member is none, or a key comes twice.
 */
function stateIn(text: string): string {
  const members = text
    .split(",")
    .map((member) => member.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((member) => member !== "");
  const keys = new Set(members.map((member) => member.split("=")[0]));
  if (members.length > TRACE_STATE_MEMBERS || keys.size < members.length || !members.every((member) => STATE_MEMBER.test(member)))
    return "";
  const fits = () => members.join(",").length <= TRACE_STATE_CHARACTERS;
  for (let index = members.length - 1; index >= 0 && !fits(); index--) {
    if ((members[index]?.length ?? 0) > TRACE_STATE_LARGE_CHARACTERS) members.splice(index, 1);
  }
  while (!fits()) members.pop();
  return members.join(",");
}

/** The span of a call within its client's trace. */
export function spanOfCall(client: TraceContext, requestId: string): TraceContext {
  return { ...client, spanId: requestId.replaceAll("-", "").slice(0, 16) };
}

/** `traceparent` of this context. */
export function traceparentOf({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`;
}

/** The headers that pass it on. */
export function traceHeaders(context: TraceContext): Record<string, string> {
  return { traceparent: traceparentOf(context), ...(context.state === "" ? {} : { tracestate: context.state }) };
}

/** As an inference's row has it. */
export function storedTrace(context: TraceContext): string {
  return `${traceparentOf(context)} ${context.state}`.trimEnd();
}

/** Of a row's text, which only we write. */
function readTrace(text: string): TraceContext | null {
  const end = text.indexOf(" ");
  const parsed = traceParentOf(end < 0 ? text : text.slice(0, end));
  return parsed && { ...parsed, state: end < 0 ? "" : text.slice(end + 1) };
}

/** An inference as its spans are named by it. `trace` as its row has it; null if its client named none. */
export interface Traced {
  readonly id: string;
  readonly trace: string | null;
}

/** The call that submitted it, within its client's trace; null if that named none. */
export function submitOf({ trace }: Traced): TraceContext | null {
  return trace === null ? null : readTrace(trace);
}

/** A span of an inference: the context of what is called in it. */
export function spanOf(inference: Traced, name: string): TraceContext {
  const { traceId, sampled, state } = submitOf(inference) ?? { traceId: inference.id.replaceAll("-", ""), sampled: true, state: "" };
  return { traceId, sampled, state, spanId: spanIdOf(inference.id, name) };
}

/** The id of one span of an inference, by its name within it: 16 hex digits, never all zero. */
export function spanIdOf(inferenceId: string, name: string): string {
  let high = 0x9e3779b9;
  let low = 0x85ebca6b;
  for (const character of `${inferenceId}/${name}`) {
    const code = character.codePointAt(0) ?? 0;
    high = Math.imul(high ^ code, 0x27d4eb2f);
    low = Math.imul(low ^ code, 0x165667b1);
  }
  const mixed = (one: number, other: number) => {
    const once = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(other ^ (other >>> 13), 0xc2b2ae35);
    return (once ^ (once >>> 16)) >>> 0;
  };
  const hex = (number: number) => number.toString(16).padStart(8, "0");
  return hex(mixed(high, low) || 1) + hex(mixed(low, high));
}
