/**
 * `X-D1-Bookmark`: what a call has changed is seen by a later one that sends back the bookmark of its answer, though reads are
 * answered by copies of the database that may lag. The name is the one that Cloudflare uses for it.
 */
import { MEMORY_THINGS, WROTE_MS } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import { later } from "../platform/sql.ts";
import { problem, shown } from "../problem.ts";

export const BOOKMARK = "X-D1-Bookmark";

const FORM = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/;

/** The bookmark that a request sends; null if it sends none. Throws 400 for a text that is none. */
export function bookmarkIn(headers: Headers): string | null {
  const bookmark = headers.get(BOOKMARK);
  if (bookmark === null || FORM.test(bookmark)) return bookmark;
  throw problem("bad_request", { detail: `The header ${BOOKMARK} must be as an answer gave it, and is ${shown(bookmark)}.` });
}

/** What an isolate knows of the changes that accounts have made through it: who sends no bookmark sees those as well. */
export class Wrote {
  readonly #bookmarks = new Memory<string>(MEMORY_THINGS);

  note(accountId: string, bookmark: string, now: number): void {
    this.#bookmarks.set(accountId, later(this.last(accountId, now), bookmark) ?? bookmark, now + WROTE_MS);
  }

  last(accountId: string, now: number): string | null {
    return this.#bookmarks.get(accountId, now) ?? null;
  }
}
