/**
 * An API key belongs into a header. One that stands in an input, pasted or sent by a client that mixes up its settings,
 * would be stored, shown and sent to a GPU server: so it is refused before anything is done with it. Keys are told by their
 * form and checksum, without I/O and in one pass over the text.
 */
import { KEY_LENGTH, findKeyIn } from "../keys/key.ts";
import { type Fault, problem } from "../problem.ts";

/** Throws 422 if a JSON text has one of our keys in it; `value` is what the text means. */
export function mustHoldNoKey(text: string, value: unknown): void {
  const key = findKeyIn(text);
  if (key !== null) throw refused(key, placeOf(key, value) ?? []);
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

/** Where the string is that has the key in it; null if it is in no value but in a name. */
function placeOf(key: string, value: unknown): Fault["path"] | null {
  if (typeof value === "string") return value.includes(key) ? [] : null;
  if (typeof value !== "object" || value === null) return null;
  const members: Iterable<[string | number, unknown]> = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [name, member] of members) {
    const place = placeOf(key, member);
    if (place) return [name, ...place];
  }
  return null;
}
