/** PURE. Ids: UUIDs of inferences and files, and random texts for everything else. */

/** Of each byte. */
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

/**
 * A UUID of version 7 (RFC 9562, 5.7): 48 bits of time, the rest random, so ids sort by age.
 * `random` gives at least 10 bytes.
 */
export function newInferenceId(now: number, random: (count: number) => Uint8Array): string {
  const bytes = random(10);
  let hex = "";
  for (let place = 0; place < 10; place++) {
    const byte = bytes[place] ?? 0;
    hex += HEX[place === 0 ? (byte & 0x0f) | 0x70 : place === 2 ? (byte & 0x3f) | 0x80 : byte] ?? "";
  }
  return `${timeIn(now)}-${hex.slice(0, 4)}-${hex.slice(4, 8)}-${hex.slice(8)}`;
}

/** The time in an id, in ms. */
function timeIn(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** The least id that an inference submitted at that time, in ms, or later can have. */
export function earliestId(ms: number): string {
  return timeIn(Math.min(Math.max(0, ms), 2 ** 48 - 1));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text can be an inference's id at all; what can't is simply not found. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

export const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Fills an array with random bytes; `crypto.getRandomValues` in production. */
export type RandomBytes = (count: number) => Uint8Array;

/** `length` base62 characters without bias: bytes of 248 and more are thrown away. */
export function randomBase62(length: number, random: RandomBytes): string {
  let text = "";
  while (text.length < length) {
    for (const byte of random(length * 2)) {
      if (byte < 248 && text.length < length) text += ALPHABET.charAt(byte % 62);
    }
  }
  return text;
}
