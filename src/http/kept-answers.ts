/**
 * PURE, except for what it remembers. Answers that can never change, kept by an isolate for a while: who polls on after the
 * end is answered without asking anybody. They are kept by account and URL, within a number of entries and of bytes; the
 * oldest makes room. What is said of an inference is found by its id, so only answers to URLs that name one are kept. An inference that is deleted meanwhile is gone here at once where it was deleted, and elsewhere within
 * KEPT_ANSWER_MS.
 */
import { KEPT_ANSWERS, KEPT_ANSWERS_CHARACTERS, KEPT_ANSWER_CHARACTERS, KEPT_ANSWER_MS } from "../limits.ts";
import type { Scope } from "../keys/key.ts";
import { Oldest } from "../platform/memory.ts";
import type { FinalAnswer } from "./answer.ts";
import type { CallCounts } from "./calls.ts";

/** `Wire` is the dialect that it was made in. */
export interface KeptAnswer<Wire> extends FinalAnswer {
  readonly dialect: Wire;
  readonly access: Scope;
  readonly counts: CallCounts;
  readonly until: number;
}

export class KeptAnswers<Wire> {
  readonly #kept = new Map<string, KeptAnswer<Wire>>();
  readonly #oldest = new Oldest(this.#kept);
  /** The names of what is kept of each account's ids. */
  readonly #about = new Map<string, Set<string>>();
  #characters = 0;
  #changes = 0;

  /** Counts the changes that were said: an answer that was begun before one may show what there was before. */
  get changes(): number {
    return this.#changes;
  }

  get(accountId: string, url: string, now: number): KeptAnswer<Wire> | null {
    const kept = this.#kept.get(nameOf(accountId, url));
    return kept && kept.until > now ? kept : null;
  }

  /** Keeps an answer that was begun when `changes` was so many. */
  keep(accountId: string, url: string, answer: Omit<KeptAnswer<Wire>, "until">, now: number, changes: number): void {
    if (changes !== this.#changes) return;
    const characters = answer.characters + url.length;
    const ids = idsIn(url);
    if (characters > KEPT_ANSWER_CHARACTERS || ids.length === 0) return;
    const name = nameOf(accountId, url);
    this.#forget(name);
    const isRoom = () => this.#kept.size < KEPT_ANSWERS && this.#characters + characters <= KEPT_ANSWERS_CHARACTERS;
    if (isRoom()) this.#oldest.forget();
    else while (!isRoom()) this.#forget(this.#oldest.next() ?? name);
    this.#kept.set(name, { ...answer, until: now + KEPT_ANSWER_MS });
    this.#characters += characters;
    for (const id of ids) {
      const about = nameOf(accountId, id);
      const names = this.#about.get(about) ?? new Set();
      this.#about.set(about, names.add(name));
    }
  }

  /** What an account's URLs that name this id answer has changed. */
  forget(accountId: string, id: string): void {
    this.#changes++;
    for (const its of idsIn(id)) for (const name of this.#about.get(nameOf(accountId, its)) ?? []) this.#forget(name);
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    const space = name.indexOf(" ");
    const url = name.slice(space + 1);
    this.#characters -= kept.characters + url.length;
    for (const id of idsIn(url)) {
      const about = nameOf(name.slice(0, space), id);
      const names = this.#about.get(about);
      names?.delete(name);
      if (names?.size === 0) this.#about.delete(about);
    }
  }
}

function nameOf(accountId: string, url: string): string {
  return `${accountId} ${url}`;
}

const UUIDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** In small letters: a client may write an id in either. */
function idsIn(text: string): string[] {
  return (text.match(UUIDS) ?? []).map((id) => id.toLowerCase());
}
