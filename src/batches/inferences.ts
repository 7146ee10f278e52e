/** SQL on the inferences of a batch: each is named by its line. */
import * as z from "zod";
import { FAILURE_CLASSES, upstreamSchema } from "../backends/outcome.ts";
import { logEnds } from "../inferences/ends.ts";
import { OPEN, among, endForLog, from, setCanceled } from "../inferences/sql/fragments.ts";
import { payload } from "../inferences/sql/record.ts";
import { toldTo } from "../inferences/sql/told.ts";
import { STATUSES } from "../inferences/status.ts";
import { type Database, type Sql, jsonColumn, rowsOf, sql } from "../platform/sql.ts";
import type { Step } from "./batch.ts";

type Name = Pick<Step, "accountId" | "id">;

const ofBatch = ({ accountId, id }: Name) => sql`account_id = ${accountId} AND batch_id = ${id}`;

const lineColumns = sql`batch_line AS line, id, model, status, metadata ->> 'custom_id' AS customId, output, output_object AS outputObject,
  output_type AS outputType, output_bytes AS outputBytes, error`;

export const lineStatements = {
  /** Which lines among some are there. */
  present: (batch: Name, first: number, last: number) => sql`
    SELECT batch_line AS line FROM inferences INDEXED BY inferences_of_batch WHERE ${ofBatch(batch)} AND batch_line BETWEEN ${first} AND ${last}`,
  /** Cancels those that are open among the lines from one on. */
  stop: (batch: Name, first: number, limit: number) => sql`
    UPDATE inferences SET ${setCanceled}
    WHERE (account_id, id) IN (SELECT account_id, id FROM inferences INDEXED BY inferences_of_batch
      WHERE ${ofBatch(batch)} AND batch_line >= ${first} AND ${among(OPEN)} ORDER BY batch_line LIMIT ${limit}) AND ${from(OPEN, "canceled")}
    RETURNING batch_line AS line, ${endForLog}, ${toldTo}`,
  /** What became of lines, in their order: of those that succeeded and were not refused for their output, or of all others. */
  ended: (batch: Name, succeeded: boolean, first: number, last: number, limit: number) => sql`
    SELECT ${lineColumns} FROM inferences INDEXED BY inferences_of_batch
    WHERE ${ofBatch(batch)} AND batch_line BETWEEN ${first} AND ${last} AND ${
      succeeded
        ? sql`status = 'succeeded' AND NOT EXISTS (SELECT 1 FROM batch_refusals AS refused WHERE refused.account_id = inferences.account_id
          AND refused.batch_id = inferences.batch_id AND refused.line = inferences.batch_line)`
        : sql`status <> 'succeeded'`
    }
    ORDER BY batch_line LIMIT ${limit}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const endedSchema = z
  .object({
    line: z.number(),
    id: z.string(),
    model: z.string(),
    status: z.enum(STATUSES),
    customId: z.string(),
    output: z.string().nullable(),
    outputObject: z.string().nullable(),
    outputType: z.string().nullable(),
    outputBytes: z.number().nullable(),
    error: jsonColumn(
      z.object({
        class: z.enum(FAILURE_CLASSES),
        code: z.string(),
        message: z.string(),
        status: z.number(),
        upstream: upstreamSchema.optional(),
      }),
    ).nullable(),
  })
  .transform(({ output, outputObject, outputType, outputBytes, ...row }) => ({
    ...row,
    bytes: outputBytes ?? 0,
    output: payload(output, outputObject, outputType, outputBytes),
  }));
/** A line that an inference was made of. */
export type EndedLine = z.infer<typeof endedSchema>;

const ended = rowsOf(endedSchema);

/** Which of a batch's lines have an inference, from one to another. */
export async function presentLines(db: Database, batch: Name, first: number, last: number): Promise<ReadonlySet<number>> {
  return new Set((await db.all(lineStatements.present(batch, first, last))).map(({ line }) => Number(line)));
}

/** Cancels a page of a batch's open inferences, from a line on; the last one's line, or null at the end. */
export async function stopLines(
  db: Database,
  batch: Name,
  first: number,
  limit: number,
): Promise<{ stopped: number; next: number | null }> {
  const rows = await db.all(lineStatements.stop(batch, first, limit));
  logEnds(rows);
  const last = Math.max(first, ...rows.map(({ line }) => Number(line)));
  return { stopped: rows.length, next: rows.length === limit ? last + 1 : null };
}

export async function endedLines(
  db: Database,
  batch: Name,
  which: { readonly succeeded: boolean; readonly first: number; readonly last: number },
  limit: number,
): Promise<EndedLine[]> {
  return ended.all(db, lineStatements.ended(batch, which.succeeded, which.first, which.last, limit));
}
