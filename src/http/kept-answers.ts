/**
 * PURE, except for what it remembers. Answers that can never change, kept by an isolate for a while: who polls on after the
 * end is answered without asking anybody. They are kept by account and URL, within a number of entries and of bytes; the
 * oldest makes room. An inference that is deleted meanwhile is gone here at once where it was deleted, and elsewhere within
 * KEPT_ANSWER_MS.
 */
import { KEPT_ANSWERS, KEPT_ANSWERS_CHARACTERS, KEPT_ANSWER_CHARACTERS, KEPT_ANSWER_MS } from "../limits.ts";
import type { Scope } from "../keys/key.ts";

/** `Wire` is the dialect that it was made in. */
export interface KeptAnswer<Wire> {
  readonly dialect: Wire;
  readonly access: Scope;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly until: number;
}

export class KeptAnswers<Wire> {
  readonly #kept = new Map<string, KeptAnswer<Wire>>();
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
    const characters = answer.text.length + url.length;
    if (characters > KEPT_ANSWER_CHARACTERS) return;
    const name = nameOf(accountId, url);
    this.#forget(name);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < KEPT_ANSWERS && this.#characters + characters <= KEPT_ANSWERS_CHARACTERS) break;
      this.#forget(oldest);
    }
    this.#kept.set(name, { ...answer, until: now + KEPT_ANSWER_MS });
    this.#characters += characters;
  }

  /** What an account's URLs with this text in them answer has changed. */
  forget(accountId: string, part: string): void {
    this.#changes++;
    for (const name of this.#kept.keys()) if (name.startsWith(accountId) && name.includes(part)) this.#forget(name);
  }

  #forget(name: string): void {
    const kept = this.#kept.get(name);
    if (!kept) return;
    this.#kept.delete(name);
    this.#characters -= kept.text.length + name.length - name.indexOf(" ") - 1;
  }
}

function nameOf(accountId: string, url: string): string {
  return `${accountId} ${url}`;
}
