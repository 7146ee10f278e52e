/** Asks the database for all that is due, in one pass, and makes it so. */
import * as z from "zod";
import type { Failure } from "../backends/outcome.ts";
import { logError } from "../platform/log.ts";
import { Unavailable } from "../platform/unavailable.ts";
import type { Database, Row, Sql } from "../platform/sql.ts";
import { deliveryStatements, waitingFrom } from "../webhooks/sql/deliveries.ts";
import { type Lane, laneSchema } from "../models/lane.ts";
import { inferenceStatements } from "../inferences/statements.ts";

export interface SweepPass {
  canceled: number;
  expired: number;
  aged: number;
  lost: number;
  /** A lane for each inference that became claimable. */
  ready: Lane[];
  /** Lanes whose wake-ups were lost, with their free slots. */
  neglected: (Lane & { slots: number })[];
  /** Accounts with deliveries that are due. */
  deliveries: string[];
  /** Whether there is a row to come back for. */
  dated: boolean;
}

/** All statements in one transaction; where the database refuses one of them for good, each by itself. */
async function batchOrEach(db: Database, statements: readonly Sql[]): Promise<Row[][]> {
  try {
    return await db.batch(statements);
  } catch (error) {
    if (error instanceof Unavailable) throw error;
    logError("sweep_statement_refused", error);
  }
  const answers: Row[][] = [];
  for (const statement of statements) {
    answers.push(
      await db.all(statement).catch((error: unknown) => {
        if (error instanceof Unavailable) throw error;
        logError("sweep_statement_refused", error);
        return [];
      }),
    );
  }
  return answers;
}

/** One pass over all that is due, in one transaction and round trip. */
export async function sweepDue(db: Database, limit: number, lost: Failure, waited: Failure): Promise<SweepPass> {
  const statements = [
    inferenceStatements.cancelDue(limit),
    inferenceStatements.expireDue(limit, waited),
    inferenceStatements.failLapsed(limit, lost),
    inferenceStatements.requeueLapsed(limit, lost),
    inferenceStatements.readyDue(limit),
    inferenceStatements.ageDue(limit),
    inferenceStatements.lostWakeUps(),
    inferenceStatements.anyDated(),
    deliveryStatements.waiting(),
  ];
  const [canceled = [], expired = [], failed = [], requeued = [], ready = [], aged = [], neglected = [], dated = [], waiting = []] =
    await batchOrEach(db, statements);
  const deliveries = waitingFrom(waiting);
  return {
    canceled: canceled.length,
    expired: expired.length,
    aged: aged.length,
    lost: failed.length + requeued.length,
    ready: z.array(laneSchema).parse([...requeued, ...ready]),
    neglected: z.array(laneSchema.extend({ slots: z.number() })).parse(neglected),
    deliveries: deliveries.accounts,
    dated: dated.length > 0 || deliveries.soon,
  };
}

/** Makes what began before then due at once: for an operator who knows that no runner of that time is alive. */
export async function lapseLeases(db: Database, startedBefore: number): Promise<number> {
  return (await db.all(inferenceStatements.lapse(startedBefore))).length;
}
