/**
 * SQL that ends attempts for good: one statement for all that end together, alike whether they succeed or fail, and so far less
 * to send, to run and to answer than one for each. Each is fenced by itself: what another has ended or taken over stays as it
 * is, and spoils nothing for those beside it. Their usage is counted by a second statement, once for each account, day, model and
 * key; what ends alone is counted by the trigger `inferences_used`, as every other end is.
 */
import type { Failure, KeptPart, Usage } from "../../backends/outcome.ts";
import { GROUP_CHARACTERS } from "../../limits.ts";
import type { Payload } from "../../payloads/payload.ts";
import { NOW, type Row, type Sql, type SqlValue, join, sql } from "../../platform/sql.ts";
import type { Timing } from "../inference.ts";
import type { Status } from "../status.ts";
import { endForLog, ended, from, ranFor, releaseLease, withLine } from "./fragments.ts";
import { type Fence, digestOf, textOf, typeOf } from "./record.ts";
import { toldTo } from "./told.ts";

/** What an end sets in its row beside what every end does, if it does not say otherwise. */
const NOTHING = {
  output: null,
  output_object: null,
  output_type: null,
  output_bytes: null,
  output_items: null,
  output_sha256: null,
  output_parts: null,
  parts_bytes: 0,
  usage: null,
  error: null,
} satisfies Record<string, SqlValue>;

type Column = keyof typeof NOTHING;
const COLUMNS = Object.keys(NOTHING) as Column[]; // of a literal

/** How an attempt ended, and its inference with it. */
export interface End {
  readonly fence: Fence;
  /** What its row is to say, as JSON: the fence, the status, the columns, and the line of its log, of which the database says when. */
  readonly text: string;
}

function endOf(
  fence: Fence,
  status: Extract<Status, "succeeded" | "failed">,
  columns: Readonly<Partial<Record<Column, SqlValue>>>,
  members: { readonly error?: Failure },
  timing: Timing | null,
): End {
  const { accountId, id, attempt, lease } = fence;
  const all = { ...NOTHING, ...columns };
  const line = { at: 0, event: status, attempt, ...members, ...(timing === null ? {} : { timing }) };
  return { fence, text: JSON.stringify([accountId, id, attempt, lease, status, ...COLUMNS.map((column) => all[column]), line]) };
}

export function success(
  fence: Fence,
  output: Payload,
  bytes: number,
  items: number,
  usage: Usage | null = null,
  parts: readonly KeptPart[] = [],
  timing: Timing | null = null,
): End {
  const columns = {
    output: textOf(output),
    output_object: output.at === "object" ? output.key : null,
    output_type: typeOf(output),
    output_bytes: bytes,
    output_items: items,
    output_sha256: digestOf(output),
    output_parts: parts.length === 0 ? null : JSON.stringify(parts),
    parts_bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    usage: usage === null ? null : JSON.stringify(usage),
  };
  return endOf(fence, "succeeded", columns, {}, timing);
}

export function failure(fence: Fence, error: Failure, timing: Timing | null = null): End {
  return endOf(fence, "failed", { error: JSON.stringify(error) }, { error: loggedError(error) }, timing);
}

/** The log tells what happened in our own words. */
export const loggedError = ({ class: failureClass, code, message, status }: Failure): Failure => ({
  class: failureClass,
  code,
  message,
  status,
});

/** What an end says, by its place in the statement's text. */
const said = (place: number): Sql => ({ text: `(asked.it ->> ${place})`, params: [] });
const FIRST_COLUMN = 5;
const LINE: Sql = { text: `asked.it -> ${FIRST_COLUMN + COLUMNS.length}`, params: [] };
const setColumns = join(
  COLUMNS.map((column, index) => sql`${{ text: column, params: [] }} = ${said(FIRST_COLUMN + index)}`),
  ",",
);

/** In the ledger, of a row as of a sum: more counts as that, as the trigger has it (schema.sql). */
const COST_MOST: Sql = { text: String(Number.MAX_SAFE_INTEGER), params: [] };

/**
 * Sums that the usage of a row is made of, as the trigger `inferences_used` has them of one. That of the costs is a float, which is
 * exact below COST_MOST and does not overflow beyond.
 */
const SUMS = sql`
    sum(status = 'succeeded'), sum(status = 'failed'), 0, 0, sum(attempt - attempts_before), sum(run_ms - run_ms_before), sum(input_items),
    sum(coalesce(usage ->> 'promptTokens', 0)), sum(coalesce(usage ->> 'completionTokens', 0)), sum(input_bytes), sum(coalesce(output_bytes, 0) + parts_bytes),
    CAST(min(${COST_MOST}, total((SELECT CAST((run_ms - run_ms_before) * second_micros / 1000
        + coalesce((usage ->> 'promptTokens') + (usage ->> 'completionTokens'), 0) * token_micros
        + (status = 'succeeded') * inference_micros AS INTEGER) FROM models WHERE name = inferences.model))) AS INTEGER)`;

export const endStatements = {
  /** `together` names those whose usage is counted by the next statement: no two that are sent have the same. Null leaves it to the trigger. */
  end: (ends: readonly End[], together: number | null) => sql`
    UPDATE inferences SET status = ${said(4)}, ${ended}, ${ranFor}, ${releaseLease}, ${setColumns},
      log = ${withLine(sql`json_set(${LINE}, '$.at', ${NOW})`, NOW)}, ended_with = coalesce(${together}, ended_with)
    FROM (SELECT value AS it FROM json_each(${`[${ends.map(({ text }) => text).join(",")}]`})) AS asked
    WHERE account_id = ${said(0)} AND id = ${said(1)} AND attempt = ${said(2)} AND lease = ${said(3)} AND ${from(["in_progress"], "succeeded", "failed")}
    RETURNING account_id AS accountId, id, attempt, status, ${endForLog}, ${toldTo}`,
  /** Counts the usage of those that the statement right before it has ended. */
  count: (ends: readonly End[], together: number) => sql`
    INSERT INTO usage
    SELECT inferences.account_id, updated_at / 86400000, model, key_id, ${SUMS}
    FROM json_each(${JSON.stringify(ends.map(({ fence: { accountId, id, attempt } }) => [accountId, id, attempt]))}) AS asked
    CROSS JOIN inferences ON inferences.account_id = asked.value ->> 0 AND inferences.id = asked.value ->> 1
    WHERE inferences.attempt = asked.value ->> 2 AND ended_with = ${together} AND changes() > 0 GROUP BY 1, 2, 3, 4
    ON CONFLICT DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed, attempts = attempts + excluded.attempts,
      run_ms = run_ms + excluded.run_ms, input_items = input_items + excluded.input_items, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
      completion_tokens = completion_tokens + excluded.completion_tokens, input_bytes = input_bytes + excluded.input_bytes,
      output_bytes = output_bytes + excluded.output_bytes, cost_micros = min(${COST_MOST}, cost_micros + excluded.cost_micros)`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Those that may go in one statement, since no value of D1 may have more than 2 MB. */
function groupsOf(ends: readonly End[]): End[][] {
  const groups: { ends: End[]; characters: number }[] = [];
  for (const end of ends) {
    const last = groups.at(-1);
    if (last && last.characters + end.text.length <= GROUP_CHARACTERS) {
      last.ends.push(end);
      last.characters += end.text.length;
    } else groups.push({ ends: [end], characters: end.text.length });
  }
  return groups.map((group) => group.ends);
}

/** The statements that end attempts in one transaction, and which of them these have ended, by their answers. `random` is in [0, 1). */
export function endTogether(
  ends: readonly End[],
  random: () => number,
): { readonly statements: readonly Sql[]; readonly endedBy: (answers: readonly (readonly Row[])[]) => ReadonlySet<End> } {
  const statements = groupsOf(ends).flatMap((group) => {
    if (group.length === 1) return [endStatements.end(group, null)];
    const together = Math.floor(random() * TOGETHER_NAMES);
    return [endStatements.end(group, together), endStatements.count(group, together)];
  });
  return {
    statements,
    endedBy(answers) {
      const those = new Set(answers.flat().map(({ accountId, id, attempt }) => JSON.stringify([accountId, id, attempt])));
      return new Set(ends.filter(({ fence: { accountId, id, attempt } }) => those.has(JSON.stringify([accountId, id, attempt]))));
    },
  };
}

/** So many names that no two groups that a row may have ended with have the same. */
const TOGETHER_NAMES = 2 ** 48;
