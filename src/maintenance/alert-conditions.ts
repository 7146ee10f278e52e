/**
 * SQL on what an operator is to be told of: backends whose circuit is open, lanes that stand still, endpoints that rest, budgets
 * that are spent. Each statement reads what is wrong and little else, so it may be asked often; of a kind, ALERTS_OF_A_KIND
 * are seen at most.
 */
import * as z from "zod";
import { ALERTS_OF_A_KIND, CIRCUIT_FAILURES, GAUGED_LANES, LANE_STUCK_FRONT, LANE_STUCK_MS } from "../limits.ts";
import { live } from "../inferences/sql/lane.ts";
import { fillOf } from "../platform/fill.ts";
import { type Database, NOW, type Row, type Sql, jsonColumn, sql } from "../platform/sql.ts";

/** What something is at this moment that it should not be. */
export interface Condition {
  /** What it is about: the same for as long as it is about the same thing. */
  readonly subject: string;
  readonly type: AlertType;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What begins, by kind, and what is told when it is over. */
const OVER = {
  "circuit.opened": "circuit.closed",
  "lane.stuck": "lane.moving",
  "database.filling": "database.ok",
  "database.full": "database.ok",
  "endpoint.resting": "endpoint.resumed",
  "budget.warned": "budget.renewed",
  "budget.spent": "budget.renewed",
} as const;
export type AlertType = keyof typeof OVER;
export type OverType = (typeof OVER)[AlertType];
export const ALERT_TYPES = [...new Set([...Object.keys(OVER), ...Object.values(OVER)])] as (AlertType | OverType)[]; // its own

/** What is told when that is over; null of what tells that something is over. */
export function overOf(type: AlertType | OverType): OverType | null {
  return type in OVER ? OVER[type as AlertType] : null; // the line before has seen to it
}

const KINDS = ["circuit", "lane", "endpoint", "budget"] as const;

const conditionStatements = {
  circuit: () => sql`
    SELECT id, model, version, url, failing_since AS since, last_error AS lastError, failures_of AS accountId
    FROM backends WHERE failures >= ${CIRCUIT_FAILURES} AND state = 'active' ORDER BY id LIMIT ${ALERTS_OF_A_KIND}`,
  /** Something has waited long near the front, and nothing runs. */
  lane: () => sql`
    WITH lanes AS MATERIALIZED (SELECT models.name AS model, version.value AS version
      FROM models, json_each(iif(models.versions = '[]', '[""]', models.versions)) AS version ORDER BY models.name, version.key LIMIT ${GAUGED_LANES})
    SELECT model, version, since FROM (
      SELECT model, version, (SELECT min(since) FROM (SELECT start_by - max_time_in_queue_seconds * 1000 AS since
        FROM inferences INDEXED BY inferences_claimable WHERE status = 'queued' AND not_before IS NULL
          AND inferences.model = lanes.model AND inferences.version = lanes.version ORDER BY level, turn, id LIMIT ${LANE_STUCK_FRONT})) AS since
      FROM lanes) AS lane
    WHERE since <= ${NOW} - ${LANE_STUCK_MS} AND NOT EXISTS (SELECT 1 FROM backends JOIN inferences AS running INDEXED BY inferences_running
        ON running.backend_id = backends.id AND ${live(sql`running`)}
      WHERE backends.model = lane.model AND backends.version = lane.version)
    LIMIT ${ALERTS_OF_A_KIND}`,
  endpoint: () => sql`
    SELECT account_id AS accountId, url, state_at AS since FROM endpoints INDEXED BY endpoints_stopped WHERE state = 'rested'
    ORDER BY account_id, url LIMIT ${ALERTS_OF_A_KIND}`,
  budget: () => sql`
    SELECT id AS accountId, name, budget_state AS state, budget_micros AS micros FROM accounts INDEXED BY accounts_over_budget
    WHERE budget_state <> 'ok' ORDER BY id LIMIT ${ALERTS_OF_A_KIND}`,
} satisfies Record<(typeof KINDS)[number], () => Sql>;

const timeOf = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

const errorSchema = jsonColumn(z.object({ class: z.string(), code: z.string(), message: z.string(), at: z.number() })).nullable();
const circuitSchema = z
  .object({
    id: z.string(),
    model: z.string(),
    version: z.string(),
    url: z.string(),
    since: z.number().nullable(),
    lastError: errorSchema,
    accountId: z.string().nullable(),
  })
  .transform(({ id, model, version, url, since, lastError, accountId }): Condition => ({
    subject: `circuit/${id}`,
    type: "circuit.opened",
    data: {
      backend_id: id,
      model,
      version: version || null,
      url,
      account_id: accountId,
      since: timeOf(since),
      last_error: lastError && { ...lastError, at: timeOf(lastError.at) },
    },
  }));

const laneSchema = z
  .object({ model: z.string(), version: z.string(), since: z.number() })
  .transform(({ model, version, since }): Condition => ({
    subject: `lane/${JSON.stringify([model, version])}`,
    type: "lane.stuck",
    data: { model, version: version || null, oldest_queued_at: timeOf(since) },
  }));

/** Of a URL only its origin is told: the rest may be a secret of the account. */
const endpointSchema = z
  .object({ accountId: z.string(), url: z.string(), since: z.number().nullable() })
  .transform(({ accountId, url, since }): Condition => ({
    subject: `endpoint/${accountId}/${url}`,
    type: "endpoint.resting",
    data: { account_id: accountId, origin: new URL(url).origin, since: timeOf(since) },
  }));

const budgetSchema = z
  .object({ accountId: z.string(), name: z.string(), state: z.enum(["warned", "spent"]), micros: z.number().nullable() })
  .transform(({ accountId, name, state, micros }): Condition => ({
    subject: `budget/${accountId}`,
    type: `budget.${state}`,
    data: { account_id: accountId, name, monthly_budget: micros === null ? null : micros / 1_000_000 },
  }));

const SCHEMAS = { circuit: circuitSchema, lane: laneSchema, endpoint: endpointSchema, budget: budgetSchema };

export interface Conditions {
  readonly conditions: readonly Condition[];
  /** Kinds of which there may be more than were seen: of those, nothing that was not seen is over. */
  readonly cut: ReadonlySet<string>;
}

/** All that is wrong, and the answers to more statements of the same round trip. */
export async function conditionsWith(db: Database, more: readonly Sql[]): Promise<Conditions & { readonly answers: readonly Row[][] }> {
  const all = await db.batch([...KINDS.map((kind) => conditionStatements[kind]()), ...more]);
  const conditions = KINDS.flatMap((kind, index) => z.array(SCHEMAS[kind]).parse(all[index] ?? []));
  const { state, bytes, limitBytes } = fillOf(db);
  const database: Condition[] =
    state === "ok" ? [] : [{ subject: "database", type: `database.${state}`, data: { bytes, limit_bytes: limitBytes } }];
  const cut = new Set<string>(KINDS.filter((_, index) => (all[index]?.length ?? 0) >= ALERTS_OF_A_KIND));
  return { conditions: [...conditions, ...database], cut, answers: all.slice(KINDS.length) };
}
