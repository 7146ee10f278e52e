/**
 * The log's line for each inference that has ended: who and where it was, how it ended and how long it took. It is written by
 * whatever reads the answer of the statement that ended it, so there is one for an end and none for an end that was another's.
 * None is written if the database's answer was lost after its effect: the log may miss an end, and never has one twice.
 */
import * as z from "zod";
import { observed } from "../metrics/observed.ts";
import { log } from "../platform/log.ts";
import type { Row } from "../platform/sql.ts";

const endSchema = z.object({
  inference: z.string(),
  account: z.string(),
  model: z.string(),
  /** Empty if the model has no versions. */
  version: z.string(),
  /** Of its last attempt; null if it had none. */
  backend: z.string().nullable(),
  attempt: z.number(),
  outcome: z.string(),
  /** Of its error; null if it has none. */
  class: z.string().nullable(),
  code: z.string().nullable(),
  /** Until its first start; null if it never started. */
  queue_ms: z.number().nullable(),
  run_ms: z.number(),
});

/** The account and id of each inference that has ended, among the rows that a statement returned. */
export function endedIn(rows: readonly Row[]): (readonly [accountId: string, id: string])[] {
  return rows.flatMap(({ endForLog }) => {
    if (typeof endForLog !== "string") return [];
    const { account, inference } = endSchema.parse(JSON.parse(endForLog));
    return [[account, inference] as const];
  });
}

/** Logs and counts the ends among the rows that a statement returned; rows of other statements say nothing of an end. */
export function logEnds(rows: readonly Row[]): void {
  for (const { endForLog } of rows) {
    if (typeof endForLog !== "string") continue;
    const end = endSchema.parse(JSON.parse(endForLog));
    log("inference_ended", end);
    const backend = end.backend ?? "";
    observed.count("ended", [end.model, end.version, end.outcome, end.class ?? "", backend, end.code ?? ""]);
    if (end.queue_ms !== null) observed.time("queued", [end.model, end.version, backend], end.queue_ms);
  }
}
