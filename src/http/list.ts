/**
 * Lists of inferences: their query, in which a filter comes with a place to go on from, and what follows a page. A cursor is
 * bound to the filter that it was given out with, so that no page of another list is taken for the next one.
 */
import * as z from "zod";
import type { Cursor, Filter } from "../inferences/sql/filter.ts";
import { STATUSES, type Status } from "../inferences/status.ts";
import { CURSOR_CHARACTERS, IDS_ASKED, PAGE } from "../limits.ts";
import { problem } from "../problem.ts";
import { filterOf, filterShape } from "./filter.ts";
import { cursorOf, hashOf, keyIn, limitSchema } from "./page.ts";

/** Of so many words a pattern is published; one of more could not be read. */
const WORDS_IN_PATTERN = 8;

/** A list of words with commas between, each one of those. */
export function wordsOf<const Word extends string>(words: readonly Word[]) {
  const one = ` *(?:${words.join("|")}) *`;
  return z
    .string()
    .meta(words.length > WORDS_IN_PATTERN ? {} : { pattern: `^${one}(?:,${one})*$` })
    .transform((text) => text.split(",").map((word) => word.trim()))
    .pipe(z.array(z.enum(words)).min(1));
}

/** What picks inferences, of a list or a count. */
export const pickShape = {
  status: wordsOf(STATUSES)
    .optional()
    .describe(`One or several with commas between: ${STATUSES.join(", ")}.`),
  ...filterShape,
  order: z.enum(["desc", "asc"]).default("desc").describe("`desc`: newest first."),
  after: z.string().min(1).max(CURSOR_CHARACTERS).optional().describe("The `next` of the page before."),
} as const;

export const listShape = {
  ...pickShape,
  before: z.string().min(1).max(CURSOR_CHARACTERS).optional().describe("The `previous` of the page after."),
  limit: limitSchema(PAGE.default),
} as const;

/** The ids in `?ids=`. */
export const idsSchema = z
  .string()
  .transform((text) => text.split(",").map((id) => id.trim()))
  .pipe(
    z.array(z.uuid()).max(IDS_ASKED, { error: ({ input }) => `must be at most ${IDS_ASKED} ids, and are ${(input as unknown[]).length}` }),
  );

type Picked = z.infer<z.ZodObject<typeof pickShape>>;
type Listed = Picked & { readonly before?: string | undefined };

/** Only what failed or expired has an error. */
const WITH_ERROR = ["failed", "expired"] as const;

export function filterIn(query: Picked): Filter {
  const hasError = query.error_class !== undefined || query.error_code !== undefined;
  return { ...filterOf(query), statuses: query.status ?? (hasError ? WITH_ERROR : STATUSES) };
}

/** Where a page begins, and which way it is read: the page before one is read backwards. */
export interface Place {
  readonly from: Cursor | null;
  /** With the one that the cursor names: it stands for a page that was empty. */
  readonly including: boolean;
  readonly newestFirst: boolean;
  readonly backwards: boolean;
}

/** Throws 422 for a cursor that is none of this list. */
export function placeOf(query: Listed, accountId: string | null): Place {
  const { after, before, order } = query;
  if (after !== undefined && before !== undefined) throw fault("before", 'must not come with "after"');
  const backwards = before !== undefined;
  const cursor = before ?? after;
  const { from, including } =
    cursor === undefined ? { from: null, including: false } : placeIn(cursor, backwards ? "before" : "after", tagOf(query, accountId));
  return { from, including, newestFirst: (order === "desc") !== backwards, backwards };
}

/** The cursor that names a place in the list of this query: behind an inference, or with it. */
export function cursorAt({ accountId, id }: Cursor, query: Listed, account: string | null, including = false): string {
  return cursorOf(`${tagOf(query, account)} ${accountId} ${id}${including ? " +" : ""}`);
}

function placeIn(cursor: string, member: string, tag: string): { readonly from: Cursor; readonly including: boolean } {
  const [told, accountId, id, including, ...more] = keyIn(cursor, member).split(" ");
  if (!accountId || !id || more.length > 0) throw fault(member, "must be the cursor of another page of this list");
  if (told !== tag) throw fault(member, "must be a cursor of a list with the same filters and order");
  return { from: { accountId, id }, including: including === "+" };
}

const fault = (member: string, detail: string) => problem("invalid_input", { faults: [{ path: [member], detail }] });

/** Tells lists apart: 32 bits of what picks their members. */
function tagOf(query: Listed, accountId: string | null): string {
  const picks = Object.entries(query).filter(([name, value]) => name in pickShape && name !== "after" && value !== undefined);
  return hashOf(JSON.stringify([accountId, picks.toSorted(([one], [other]) => (one < other ? -1 : 1))]));
}

/** How many of each status. */
export function countsOf(counts: readonly { readonly status: Status; readonly count: number }[]): Record<Status, number> {
  const sums = { queued: 0, in_progress: 0, succeeded: 0, failed: 0, canceled: 0, expired: 0 };
  for (const { status, count } of counts) sums[status] += count;
  return sums;
}
