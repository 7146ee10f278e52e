/**
 * The ends that an inference has had: one, or one more after each redrive. Who is told of an end, is told of one of these, as it was, and
 * of none that was over before they asked. The rules have them from the rows in the database, and not from an answer.
 */
import type { Status } from "../../../src/inferences/status.ts";
import type { InferenceRow } from "../platform/rows.ts";

export interface End {
  /** As the database had it. */
  readonly row: InferenceRow;
  /** When a redrive undid it; null while it stands. */
  undoneAt: number | null;
}

/** An end as the API tells of it. */
export interface ToldEnd {
  readonly status: Status;
  readonly finished_at: string | null;
  readonly attempts: number;
  readonly error: { readonly class: string; readonly code: string; readonly message: string } | null;
}

/** The end that was told, of those that there were since somebody asked; null if it was none of them. */
export function toldOf(ends: readonly End[], told: ToldEnd, askedAt: number): End | null {
  return ends.find(({ row, undoneAt }) => (undoneAt ?? Infinity) >= askedAt && textOf(shownOf(row)) === textOf(told)) ?? null;
}

function shownOf({ status, finishedAt, attempt, error }: InferenceRow): ToldEnd {
  return {
    status,
    finished_at: finishedAt === null ? null : new Date(finishedAt).toISOString(),
    attempts: attempt,
    error: error === null ? null : (JSON.parse(error) as ToldEnd["error"]), // as our statements write it
  };
}

const textOf = ({ status, finished_at, attempts, error }: ToldEnd) =>
  JSON.stringify([status, finished_at, attempts, error && [error.class, error.code, error.message]]);
