/**
 * An API key belongs into a header. One that stands in an input, pasted or sent by a client that mixes up its settings,
 * would be stored, shown and sent to a GPU server: so it is refused before anything is done with it. Keys are told by their
 * form and checksum, without I/O and in one pass over the text.
 */
import { placeOfString } from "../encoding/json-place.ts";
import { KEY_LENGTH, findKeyIn } from "../keys/key.ts";
import { type Fault, problem } from "../problem.ts";

/** Throws 422 if a JSON text has one of our keys in it; `value` is what the text means. */
export function mustHoldNoKey(text: string, value: unknown): void {
  const key = findKeyIn(text) ?? disguisedKeyIn(text);
  if (key === null) return;
  const place = placeOfString(value, (string) => unescaped(string).includes(key)); // null if it is in no value but in a name
  throw refused(key, place ?? []);
}

/** Whether a JSON text has none of our keys in it; several of lines have none if all of them as one text have none. */
export const holdsNoKey = (text: string) => findKeyIn(text) === null && disguisedKeyIn(text) === null;

/** A letter, a digit or "_" as JSON or a URL may write it: "c" as `\u0063` or `%63`. */
const ESCAPE = String.raw`(?:\\u00|%)`;
const CHARACTER = `(?:[0-9a-z]|${ESCAPE}[3-7][0-9a-f])`;
const KEY = new RegExp(`(?:c|${ESCAPE}63)(?:k|${ESCAPE}6b)(?:_|${ESCAPE}5f)${CHARACTER}{18}(?:_|${ESCAPE}5f)${CHARACTER}{40}`, "gi");

function disguisedKeyIn(text: string): string | null {
  for (const [candidate] of text.matchAll(KEY)) {
    const key = findKeyIn(unescaped(candidate));
    if (key !== null) return key;
  }
  return null;
}

function unescaped(text: string): string {
  return text.replaceAll(/(?:\\u00|%)([3-7][0-9a-f])/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

const PREFIX = [0x63, 0x6b, 0x5f] as const; // ck_

/** The same of bytes, whatever they are: tensors may hold texts. */
export function bytesMustHoldNoKey(bytes: Uint8Array): void {
  const [c, k, underscore] = PREFIX;
  for (let at = bytes.indexOf(c); at >= 0; at = bytes.indexOf(c, at + 1)) {
    if (bytes[at + 1] !== k || bytes[at + 2] !== underscore) continue;
    const key = findKeyIn(String.fromCharCode(...bytes.subarray(at, at + KEY_LENGTH)));
    if (key !== null) throw refused(key, []);
  }
}

function refused(key: string, path: Fault["path"]) {
  const shown = `${key.slice(0, key.lastIndexOf("_") + 1)}…`;
  const detail = `contains an API key (${shown}): send keys in a header, and revoke this one if others may have seen it`;
  return problem("invalid_input", { faults: [{ path, detail }] });
}
