/**
 * Progress: what a model says while it runs counts while its attempt does, and never falls within it; it is written once a second at
 * most, and in the end; and nothing is written that no model has said.
 */
import type { AttemptName } from "../../../src/inferences/progress-token.ts";
import type { InferenceRow } from "../platform/rows.ts";
import type { Actor } from "./lives.ts";

/** What a model says. */
export interface Words {
  readonly progress: number;
  readonly message: string | null;
}

interface Said extends Words {
  readonly name: AttemptName;
  takenAt: number | null;
}

interface Noted extends Words {
  readonly attempt: number;
  readonly at: number;
}

export interface ProgressWorld {
  now(): number;
  /** When the faults ended; Infinity while there are any. */
  calmSince(): number;
  rowOf(accountId: string, id: string): InferenceRow | null;
  violate(rule: string, detail: string): void;
}

const LEAST_MS = 1_000;
/** What was taken with no fault left is written within the time for which words are gathered, and what a write takes. */
const WRITTEN_WITHIN_MS = 10_000;

export class ProgressRules {
  readonly #world: ProgressWorld;
  readonly #said = new Map<string, Said[]>();
  readonly #rows = new Map<string, InferenceRow>();
  readonly #taken = new Set<Said>();

  constructor(world: ProgressWorld) {
    this.#world = world;
  }

  says(name: AttemptName, words: Words): Said {
    const said: Said = { ...words, name, takenAt: null };
    const key = attemptKey(name);
    this.#said.set(key, [...(this.#said.get(key) ?? []), said]);
    return said;
  }

  /** Its model was told that it is taken. */
  wasTaken(said: Said): void {
    said.takenAt = this.#world.now();
    this.#taken.add(said);
  }

  see(row: InferenceRow, isGone: boolean, by: Actor): void {
    const key = `${row.accountId}/${row.id}`;
    const old = this.#rows.get(key);
    if (isGone) this.#rows.delete(key);
    else this.#rows.set(key, row);
    if (!isGone && row.progress !== (old?.progress ?? null)) this.#judgeNote(old ?? null, row, by);
  }

  #judgeNote(old: InferenceRow | null, row: InferenceRow, by: Actor): void {
    if (row.progress === null) return;
    const broken = (what: string) =>
      this.#world.violate("progress is a running model's word", `${row.id}, attempt ${row.attempt}, ${what}`);
    const noted = notedIn(row.progress);
    const before = old?.progress ? notedIn(old.progress) : null;
    if (by.kind !== "model") broken(`was written by ${by.kind}`);
    if (row.status !== "in_progress" || old?.status !== "in_progress") broken(`is ${row.status}`);
    if (noted.attempt !== row.attempt) broken(`has the word of attempt ${noted.attempt}`);
    const said = this.#said.get(attemptKey({ accountId: row.accountId, id: row.id, attempt: noted.attempt })) ?? [];
    if (!said.some(({ progress }) => progress === noted.progress)) broken(`never said ${noted.progress}`);
    if (noted.message !== null && !said.some(({ message }) => message === noted.message)) broken(`never said ${noted.message}`);
    if (before?.attempt !== noted.attempt) return;
    if (noted.progress < before.progress) broken(`went from ${before.progress} back to ${noted.progress}`);
    if (noted.at < before.at + LEAST_MS) broken(`was written again after ${noted.at - before.at} ms`);
  }

  /** With no fault left, what was taken is written while the attempt runs. */
  judge(): void {
    for (const said of this.#taken) {
      const { name, progress, takenAt } = said;
      if (this.#world.now() - (takenAt ?? 0) < WRITTEN_WITHIN_MS) continue;
      this.#taken.delete(said);
      const row = this.#world.rowOf(name.accountId, name.id);
      if ((takenAt ?? 0) < this.#world.calmSince() || row?.status !== "in_progress" || row.attempt !== name.attempt) continue;
      const noted = row.progress === null ? null : notedIn(row.progress);
      if (noted?.attempt !== name.attempt || noted.progress < progress)
        this.#world.violate("progress is written in the end", `${name.id} said ${progress}, and has ${row.progress}`);
    }
  }
}

const attemptKey = ({ accountId, id, attempt }: AttemptName) => `${accountId}/${id}/${attempt}`;

const notedIn = (text: string) => JSON.parse(text) as Noted; // as our statement writes it
