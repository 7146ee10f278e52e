/** What a planted bug is, and how one is put into a statement on its way to the database. */
import type { Key } from "../../../src/keys/store.ts";
import type { Ports } from "../../../src/ports.ts";
import type { Actor } from "../rules/lives.ts";
import type { Schedule } from "../schedule.ts";

export interface Mutation {
  readonly name: string;
  /** What it makes of a statement, or of the schema. */
  readonly rewrite?: (text: string) => string;
  readonly ports?: (ports: Ports, schedule: Schedule, by: Actor["kind"]) => Ports;
  /** What becomes of the filter of who watches an account. */
  readonly query?: (query: URLSearchParams) => void;
  /** What the gate reads of a key. */
  readonly key?: (key: Key) => Key;
}

export const begins =
  (beginning: string, also = "") =>
  (text: string) =>
    text.trimStart().startsWith(beginning) && text.includes(also);
/** Replaces every `from` in those statements. A statement that no longer has it is an error: the bug would not be in. */
export function within(which: (text: string) => boolean, from: string, to: string): (text: string) => string {
  return (text) => {
    if (!which(text)) return text;
    if (!text.includes(from)) throw new Error(`The planted bug has nothing to change: no "${from}" in ${text}`);
    return text.replaceAll(from, to);
  };
}

export const both =
  (...changes: readonly ((text: string) => string)[]) =>
  (text: string) =>
    changes.reduce((changed, change) => change(changed), text);
