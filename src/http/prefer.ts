/** `Prefer` (RFC 7240): read in one pass, since a header is as long as its client likes, and obeyed where it asks for a wait. */
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { waitForEnd } from "../inferences/watch.ts";
import { PREFER_CHARACTERS, PREFER_WAIT_SECONDS } from "../limits.ts";
import { problem, shown } from "../problem.ts";
import type { NotFound } from "./lookup.ts";
import type { KeyCall } from "./route.ts";

/** `Prefer: respond-async` (RFC 7240, 4.1), whatever else is preferred. */
export function prefersAsync(headers: Headers): boolean {
  return preferencesOf(headers).some((it) => /^respond-async\s*(?:[;=]|$)/i.test(it));
}

/** What a wire takes for a wait. */
interface WaitForm {
  readonly range: readonly [least: number, most: number];
  /** In seconds: what `wait` without a number asks for; null if that is refused. */
  readonly bare: number | null;
}

const OWN_FORM: WaitForm = { range: PREFER_WAIT_SECONDS.range, bare: null };

/** `Prefer: wait=N` (RFC 7240, 4.3): for how many seconds the answer may wait for the end of the inference; null if it is not to. Throws if it is no number within the range. */
export function preferredWait(headers: Headers, { range: [least, most], bare }: WaitForm = OWN_FORM): number | null {
  const preferred = headers.has("prefer") ? preferencesOf(headers).find((it) => /^wait\s*(?:[;=]|$)/i.test(it)) : undefined;
  if (preferred === undefined) return null;
  if (bare !== null && /^wait\s*(?:;|$)/i.test(preferred)) return bare;
  const value = /^wait\s*=([^;]*)/i.exec(preferred)?.[1]?.trim() ?? ""; // nothing in it can match in several ways
  const text = /^"([^"]*)"$/.exec(value)?.[1]?.trim() ?? value;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (seconds >= least && seconds <= most) return seconds;
  throw problem("bad_request", {
    detail: `The header Prefer must have "wait=" and whole seconds from ${least} to ${most}, as in "wait=${most}", and has ${shown(preferred)}.`,
  });
}

/** An inference after a wait, and what its answer says of that. */
interface Waited {
  readonly inference: Inference;
  readonly headers: Readonly<Record<string, string>>;
}

/** The inference that `find` finds; if the client would rather wait and it is not final, as it stands at its end or when the time is over. */
export async function waitedFor(call: KeyCall, find: () => Promise<Inference>, notFound: NotFound): Promise<Waited> {
  const { request } = call;
  const seconds = preferredWait(request.headers);
  const inference = await find();
  if (seconds === null) return { inference, headers: {} };
  return { inference: await endWithin(call, inference, seconds, notFound), headers: { "Preference-Applied": `wait=${seconds}` } };
}

/** An inference as it stands at its end, or when the time is over. */
export async function endWithin(call: KeyCall, inference: Inference, seconds: number, notFound: NotFound): Promise<Inference> {
  if (seconds === 0 || isFinal(inference.status)) return inference;
  const waited = await waitForEnd(call.ports, inference, seconds * 1000, { gone: call.request.signal, after: call.after });
  if (!waited) throw notFound(inference.id);
  return waited;
}

function preferencesOf(headers: Headers): string[] {
  return preferencesIn((headers.get("prefer") ?? "").slice(0, PREFER_CHARACTERS));
}

/** The text between commas; a comma in a quoted value separates nothing. */
function preferencesIn(text: string): string[] {
  const preferences: string[] = [];
  let begin = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isQuoted && character === "\\") at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === "," && !isQuoted) {
      preferences.push(text.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  return [...preferences, text.slice(begin).trim()];
}
