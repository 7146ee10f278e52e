/**
 * Alerts: the operator's own webhook is told of what goes wrong and of its end, each once per change. What was told last stands in
 * a row for each thing that is wrong, so a restart repeats nothing; a row goes when its end was told. What begins and ends before it
 * could be told is told of by nobody. Invariants kept here: a change is written by one conditional statement, so of two passes one
 * makes it; a row is sent under a lease, under the same id at each try.
 */
import * as z from "zod";
import { randomBase62 } from "../ids.ts";
import { bestEffort } from "../inferences/hints.ts";
import { ALERTS_LOOK_MS, ALERTS_SENT, ALERT_LEASE_MS, WEBHOOK_DELAYS_SECONDS } from "../limits.ts";
import { log } from "../platform/log.ts";
import { type Database, NOW, type Sql, jsonColumn, sql } from "../platform/sql.ts";
import type { Ports } from "../ports.ts";
import { ALERT_TYPES, type Condition, type Conditions, conditionsWith, overOf } from "./alert-conditions.ts";
import { type OperatorWebhook, tellOperator } from "./operator-webhook.ts";

const alertSchema = z.object({
  subject: z.string(),
  /** What it is told of last, or is to be. */
  type: z.enum(ALERT_TYPES),
  id: z.string(),
  data: jsonColumn(z.record(z.string(), z.unknown())),
  changedAt: z.number(),
  /** Begun so far. */
  attempt: z.number(),
  /** Null once it was told, or given up. */
  dueAt: z.number().nullable(),
});
export type Alert = Readonly<z.infer<typeof alertSchema>>;

const columns = sql`subject, type, id, data, changed_at AS changedAt, attempt, due_at AS dueAt`;

/** What a changed row says anew: it is to be sent now. */
const anew = sql`changed_at = ${NOW}, attempt = 0, due_at = ${NOW}`;

const alertStatements = {
  all: () => sql`SELECT ${columns} FROM alerts WHERE subject > ''`,
  /** It has begun, or has become another thing. */
  begin: ({ subject, type, data }: Condition, id: string) => sql`
    INSERT INTO alerts (subject, type, id, data, changed_at, due_at)
    SELECT ${subject}, ${type}, ${id}, ${JSON.stringify(data)}, ${NOW}, ${NOW} WHERE TRUE
    ON CONFLICT DO UPDATE SET type = excluded.type, id = excluded.id, data = excluded.data, ${anew} WHERE alerts.type <> excluded.type RETURNING subject`,
  /** It is over: that is to be told, unless nobody was told that it had begun. */
  forget: ({ subject, id }: Alert) =>
    sql`DELETE FROM alerts WHERE subject = ${subject} AND id = ${id} AND attempt = 0 AND due_at IS NOT NULL RETURNING subject`,
  end: ({ subject, id }: Alert, type: string, nextId: string) => sql`
    UPDATE alerts SET type = ${type}, id = ${nextId}, ${anew} WHERE subject = ${subject} AND id = ${id} RETURNING subject`,
  claim: () => sql`
    UPDATE alerts SET attempt = attempt + 1, due_at = ${NOW} + ${ALERT_LEASE_MS}
    WHERE subject IN (SELECT subject FROM alerts WHERE due_at <= ${NOW} ORDER BY due_at LIMIT ${ALERTS_SENT}) RETURNING ${columns}`,
  /** It was told, or is given up: what has begun stands until it is over, what is over is nothing any more. */
  settle: ({ subject, id, type }: Alert) =>
    overOf(type) === null
      ? sql`DELETE FROM alerts WHERE subject = ${subject} AND id = ${id} RETURNING subject`
      : sql`UPDATE alerts SET due_at = NULL WHERE subject = ${subject} AND id = ${id} RETURNING subject`,
  postpone: ({ subject, id, attempt }: Alert, ms: number) => sql`
    UPDATE alerts SET due_at = ${NOW} + ${ms} WHERE subject = ${subject} AND id = ${id} AND attempt = ${attempt} RETURNING subject`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** When each isolate looked last, by its clock. */
const lookedAt = new WeakMap<Ports["clock"], number>();

/**
 * Looks for what has changed, once in ALERTS_LOOK_MS, and begins to tell what is due, which nobody waits for. Returns whether
 * there is something to come back for.
 */
export async function watchOver(ports: Ports, webhook: OperatorWebhook): Promise<boolean> {
  const { db, clock } = ports;
  if (clock.now() - (lookedAt.get(clock) ?? -Infinity) < ALERTS_LOOK_MS) return false;
  lookedAt.set(clock, clock.now());
  const changes = await changesOf(db, () => `msg_operator_${randomBase62(16, ports.randomBytes)}`);
  const [claimed = []] = (await db.batch([...changes, alertStatements.claim()])).slice(-1);
  const due = z.array(alertSchema).parse(claimed);
  void bestEffort("operator_not_told", Promise.all(due.map((alert) => tell(ports, webhook, alert))));
  return due.length > 0;
}

/** What is to be written, since things stand otherwise than was told last. */
async function changesOf(db: Database, newId: () => string): Promise<Sql[]> {
  const { answers, ...now } = await conditionsWith(db, [alertStatements.all()]);
  const known = new Map(
    z
      .array(alertSchema)
      .parse(answers[0] ?? [])
      .map((alert) => [alert.subject, alert]),
  );
  const begun = now.conditions.filter(({ subject, type }) => known.get(subject)?.type !== type);
  return [
    ...begun.map((condition) => alertStatements.begin(condition, newId())),
    ...[...known.values()].filter((alert) => isOver(alert, now)).flatMap((alert) => endOf(alert, newId)),
  ];
}

function isOver({ subject, type }: Alert, { conditions, cut }: Conditions): boolean {
  const [kind = ""] = subject.split("/");
  return overOf(type) !== null && !cut.has(kind) && conditions.every((condition) => condition.subject !== subject);
}

function endOf(alert: Alert, newId: () => string): Sql[] {
  const over = overOf(alert.type);
  return over === null ? [] : [alertStatements.forget(alert), alertStatements.end(alert, over, newId())];
}

/** One try to tell; what fails is tried again like any webhook, and then given up. */
async function tell(ports: Ports, webhook: OperatorWebhook, alert: Alert): Promise<void> {
  const { db } = ports;
  const { type, attempt, subject } = alert;
  const said = await tellOperator(ports, webhook, alert);
  log(said.taken ? "operator_told" : "operator_not_told", { type, attempt, status: said.status, why: said.why });
  const seconds = WEBHOOK_DELAYS_SECONDS[attempt - 1];
  if (said.taken || seconds === undefined) await db.all(alertStatements.settle(alert));
  else await db.all(alertStatements.postpone(alert, seconds * 1000));
  if (!said.taken && seconds === undefined) log("operator_given_up", { type, subject: subject.split("/")[0] });
}
