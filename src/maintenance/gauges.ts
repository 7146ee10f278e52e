/**
 * What stands at this moment: what waits in each lane, what each backend runs, deliveries, endpoints, leases, the database's size.
 * Read when metrics or the overview are asked for. Each statement reads a bounded number of rows, however much is stored or waits,
 * so what is counted is counted up to a bound.
 */
import * as z from "zod";
import { type Backend, listBackends } from "../backends/store.ts";
import { DEPTH_ALL, DEPTH_LEAST, DEPTH_MAX, GAUGED_BACKENDS, GAUGED_FRONT, GAUGED_LANES, GAUGED_ROWS, GAUGES_MS } from "../limits.ts";
import { observed } from "../metrics/observed.ts";
import { type Fill, fillOf } from "../platform/fill.ts";
import type { Ports } from "../ports.ts";
import { type Database, NOW, type Sql, sql } from "../platform/sql.ts";

const laneSchema = z.object({
  model: z.string(),
  version: z.string(),
  /** May be claimed. */
  ready: z.number(),
  /** Backs off after an attempt, or was submitted for later. */
  later: z.number(),
  oldestMs: z.number(),
});
/** What waits in a lane. */
export type LaneGauge = Readonly<z.infer<typeof laneSchema>>;

const restSchema = z.object({
  pending: z.number(),
  overdueMs: z.number(),
  failing: z.number(),
  rested: z.number(),
  gone: z.number(),
  disabled: z.number(),
  leaseOverMs: z.number(),
});

export interface Gauges {
  readonly lanes: readonly LaneGauge[];
  readonly backends: readonly Backend[];
  readonly deliveries: Readonly<z.infer<typeof restSchema>>;
  readonly database: Fill;
}

/** How deep a lane is counted: less where there are many, so that all together stay within DEPTH_ALL. */
const depth = sql`(SELECT max(${DEPTH_LEAST}, min(${DEPTH_MAX}, CAST(${DEPTH_ALL} / count(*) AS INTEGER))) FROM lanes)`;

const counted = (source: Sql) => sql`(SELECT count(*) FROM (SELECT 1 FROM ${source} LIMIT ${depth}))`;
const bounded = (source: Sql) => sql`(SELECT count(*) FROM (SELECT 1 FROM ${source} LIMIT ${GAUGED_ROWS}))`;

const stopped = (state: Sql) => bounded(sql`endpoints INDEXED BY endpoints_stopped WHERE state = ${state}`);

export const gaugeStatements = {
  lanes: () => sql`
    WITH lanes AS MATERIALIZED (SELECT models.name AS model, version.value AS version
      FROM models, json_each(iif(models.versions = '[]', '[""]', models.versions)) AS version ORDER BY models.name, version.key LIMIT ${GAUGED_LANES})
    SELECT model, version,
      ${counted(sql`inferences INDEXED BY inferences_claimable WHERE status = 'queued' AND not_before IS NULL
        AND inferences.model = lanes.model AND inferences.version = lanes.version`)} AS ready,
      ${counted(sql`inferences INDEXED BY inferences_backing_off WHERE status = 'queued' AND not_before IS NOT NULL
        AND inferences.model = lanes.model AND inferences.version = lanes.version`)} AS later,
      (SELECT max(0, coalesce(${NOW} - min(since), 0)) FROM (SELECT start_by - max_time_in_queue_seconds * 1000 AS since
        FROM inferences INDEXED BY inferences_claimable WHERE status = 'queued' AND not_before IS NULL
          AND inferences.model = lanes.model AND inferences.version = lanes.version ORDER BY level, turn, id LIMIT ${GAUGED_FRONT})) AS oldestMs
    FROM lanes`,
  rest: () => sql`
    SELECT due.pending, due.overdueMs,
      ${bounded(sql`endpoints INDEXED BY endpoints_failing WHERE state IS NULL AND failing_since > 0`)} AS failing,
      ${stopped(sql`'rested'`)} AS rested, ${stopped(sql`'gone'`)} AS gone, ${stopped(sql`'disabled'`)} AS disabled,
      (SELECT max(0, coalesce(${NOW} - min(lease_until), 0)) FROM (SELECT lease_until FROM inferences INDEXED BY inferences_running
        WHERE lease_until IS NOT NULL LIMIT ${GAUGED_ROWS})) AS leaseOverMs
    FROM (SELECT count(*) AS pending, max(0, coalesce(${NOW} - min(due_at), 0)) AS overdueMs
      FROM (SELECT due_at FROM deliveries INDEXED BY deliveries_due WHERE due_at IS NOT NULL LIMIT ${GAUGED_ROWS})) AS due`,
} satisfies Record<string, () => Sql>;

/** What was read last of each database, and until when it is good enough. */
const lately = new WeakMap<Database, { readonly gauges: Gauges; readonly until: number }>();

/** All of it, as it was GAUGES_MS ago at most: however many look on, it is read once in that time. */
export async function gaugesOf({ db, clock }: Pick<Ports, "db" | "clock">): Promise<Gauges> {
  const known = lately.get(db);
  if (known && known.until > clock.now()) return known.gauges;
  const gauges = await read(db);
  lately.set(db, { gauges, until: clock.now() + GAUGES_MS });
  return gauges;
}

/** Notes for the overview's charts how much waits. What is not noted counts as 0. */
export async function noteDepths(ports: Pick<Ports, "db" | "clock">): Promise<void> {
  const { lanes } = await gaugesOf(ports);
  const note = (model: string, version: string, waiting: number) => {
    if (waiting > 0) observed.set("sampledDepth", [model, version], waiting);
  };
  for (const { model, version, ready, later } of lanes) note(model, version, ready + later);
  note(
    "",
    "",
    lanes.reduce((sum, { ready, later }) => sum + ready + later, 0),
  );
}

async function read(db: Database): Promise<Gauges> {
  const [backends, [lanes = [], [rest] = []]] = await Promise.all([
    listBackends(db, null, "", GAUGED_BACKENDS),
    db.batch([gaugeStatements.lanes(), gaugeStatements.rest()]),
  ]);
  return {
    lanes: lanes.map((row) => laneSchema.parse(row)),
    backends,
    deliveries: restSchema.parse(rest),
    database: fillOf(db),
  };
}
