/** SQL on what a model says while it runs: how far its attempt has come, and lines of its own for the log. */
import { LOG_CHARACTERS, PROGRESS_MS } from "../../limits.ts";
import { type Database, NOW, type Sql, join, sql } from "../../platform/sql.ts";
import type { AttemptName } from "../progress-token.ts";
import { toldTo } from "./told.ts";

/** What a model has said; null and none where it said nothing of it. */
export interface Said {
  readonly progress: number | null;
  readonly message: string | null;
  readonly previewUrl: string | null;
  readonly lines: readonly string[];
}

const isRunning = ({ accountId, id, attempt }: AttemptName) =>
  sql`account_id = ${accountId} AND id = ${id} AND attempt = ${attempt} AND status = 'in_progress'`;

/** What was noted of this attempt before. */
const before = (member: "progress" | "message" | "previewUrl") =>
  sql`iif(progress ->> 'attempt' = attempt, progress ->> ${`$.${member}`}, NULL)`;

/** The log with lines of the model's; it takes half of the log's room at most, so that it drops none of ours. */
const withLines = (lines: readonly string[]): Sql => {
  if (lines.length === 0) return sql`log`;
  const entries = lines.map((line) => sql`'$[#]', json_object('at', ${NOW}, 'event', 'log', 'attempt', attempt, 'message', ${line})`);
  return sql`iif(length(log) > ${LOG_CHARACTERS / 2}, log, json_insert(log, ${join(entries, ",")}))`;
};

export const progressStatements = {
  /** While the attempt runs, and once in PROGRESS_MS. Progress never falls within an attempt. */
  note: (name: AttemptName, { progress, message, previewUrl, lines }: Said) => sql`
    UPDATE inferences SET progress = json_object('attempt', attempt, 'at', ${NOW},
      'progress', nullif(max(coalesce(${before("progress")}, -1), coalesce(${progress}, -1)), -1),
      'message', coalesce(${message}, ${before("message")}), 'previewUrl', coalesce(${previewUrl}, ${before("previewUrl")})),
      log = ${withLines(lines)}
    WHERE ${isRunning(name)} AND coalesce(iif(progress ->> 'attempt' = attempt, progress ->> 'at', 0), 0) <= ${NOW} - ${PROGRESS_MS}
    RETURNING id, ${toldTo}`,
  /** Whether a webhook is to be told of it now: of a note that is told later, the sweep sees to that. */
  toTell: ({ accountId, id }: AttemptName) => sql`
    SELECT 1 AS due FROM deliveries WHERE account_id = ${accountId} AND inference_id = ${id} AND hint = 1 AND lease IS NULL AND due_at <= ${NOW}`,
  running: (name: AttemptName) => sql`SELECT 1 AS running FROM inferences WHERE ${isRunning(name)}`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** What came of a note. */
interface Noted {
  readonly noted: boolean;
  /** Whether the attempt runs at all. */
  readonly running: boolean;
  /** Whether the account's webhooks are to be told of it now. */
  readonly isDue: boolean;
}

/** Notes what was said, if PROGRESS_MS are over since the last. */
export async function noteProgress(db: Database, name: AttemptName, said: Said): Promise<Noted> {
  const { note, running, toTell } = progressStatements;
  const [noted = [], runs = [], due = []] = await db.batch([note(name, said), running(name), toTell(name)]);
  return { noted: noted.length > 0, running: runs.length > 0, isDue: due.length > 0 };
}
