/** PURE. What reading something came to. Every parser and reader tells its faults so: as values, never as exceptions. */

/** What was read, or what is wrong with it: a sentence's end by default. */
export type Result<T, F = string> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: F };

/** A fault as an exception, for readers that are fed chunk by chunk, deep within a pump: whoever feeds one makes it a value. */
export class Malformed extends Error {}

export function read<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

export function faulty<F>(fault: F): { readonly ok: false; readonly fault: F } {
  return { ok: false, fault };
}
