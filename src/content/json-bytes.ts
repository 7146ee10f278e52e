/** PURE. The bytes of a JSON text that say where something begins and ends in it. */

export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const OPEN_ARRAY = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_ARRAY = 0x5d;
export const OPEN_OBJECT = 0x7b;
export const CLOSE_OBJECT = 0x7d;

const tableOf = (bytes: readonly number[]) => Uint8Array.from({ length: 256 }, (_, byte) => (bytes.includes(byte) ? 1 : 0));

/** Bytes outside strings that say where one is; and those that count where no file can be. */
export const STRUCTURE = tableOf([QUOTE, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]);

export const NESTING = tableOf([QUOTE, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]);

/** Bytes within strings that don't stand for themselves. */
const IN_STRINGS = tableOf([QUOTE, BACKSLASH]);

/** Where the bytes of a string that stand for themselves end. */
export function endOfRun(chunk: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && IN_STRINGS[chunk[at] ?? 0] === 0) at++;
  return at;
}
