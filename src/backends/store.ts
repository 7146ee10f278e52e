/** All SQL on backends but the claim's, which picks one (inferences/sql/lane.ts). */
import * as z from "zod";
import { CIRCUIT_FAILURES, PROBE_MS, REST_MAX_MS, REST_MS, WITNESSES, WITNESS_MS, WITNESS_NOTED_MS } from "../limits.ts";
import type { Failure } from "./outcome.ts";
import { type Database, NOW, type Sql, type SqlValue, first, jsonColumn, rowsOf, sql } from "../platform/sql.ts";

export const PROTOCOL_NAMES = ["oip", "openai", "http", "cog"] as const;
export const BACKEND_STATES = ["active", "draining", "paused"] as const;
/** How a backend gets the files that an input refers to: by links, as data URLs, or as bare base64. */
export const FILE_FORMS = ["url", "inline", "base64"] as const;
export type FileForm = (typeof FILE_FORMS)[number];

/**
 * How we say who we are to a backend. `secret` names a secret of the deployment; the text itself is in no table and no
 * answer. For `basic` it holds `user:password`.
 */
export const credentialSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("bearer"), secret: secretName() }),
  z.strictObject({ kind: z.literal("basic"), secret: secretName() }),
  z.strictObject({
    kind: z.literal("header"),
    header: z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "must be a header's name"),
    secret: secretName(),
  }),
]);
export type Credential = z.infer<typeof credentialSchema>;

/** Only secrets that are meant for backends can be named, so that no other can be sent to one. */
function secretName() {
  return z
    .string()
    .regex(/^BACKEND_[A-Z0-9_]{1,56}$/, 'must be the name of a secret that begins with "BACKEND_"')
    .describe("The name of the deployment's secret that is sent.");
}

/** A backend as a claim hands it to a runner. */
export const claimedBackendSchema = z.object({
  id: z.string(),
  url: z.string(),
  protocol: z.enum(PROTOCOL_NAMES),
  remoteModel: z.string(),
  timeoutSeconds: z.number(),
  credential: credentialSchema.nullable(),
  /** What its readiness is asked at, of its host; null as its protocol has it. */
  readyPath: z.string().nullable(),
  files: z.enum(FILE_FORMS),
  /** In a row, before this claim. */
  failures: z.number(),
  /** Whether a run time is known of it. */
  sampled: z.number().transform(Boolean),
  /** Whether it had nothing else in progress when this claim was made. */
  alone: z.number().transform(Boolean),
  /** Whether inferences of other accounts have succeeded there lately. */
  othersSucceed: z.number().transform(Boolean),
  /** Whether a success of this account there was noted lately. */
  witnessed: z.number().transform(Boolean),
});
export type ClaimedBackend = z.infer<typeof claimedBackendSchema>;

/** A backend's circuit, as its failures and its rest tell. */
const CIRCUITS = ["closed", "open", "half_open"] as const;

/** What says how to call a backend. */
const addressSchema = z.object({
  id: z.string(),
  model: z.string(),
  /** Empty if the model has no versions. */
  version: z.string(),
  url: z.string(),
  protocol: z.enum(PROTOCOL_NAMES),
  /** The model's name on that server. */
  remoteModel: z.string(),
  credential: jsonColumn(credentialSchema).nullable(),
  readyPath: z.string().nullable(),
});

const backendSchema = addressSchema.extend({
  state: z.enum(BACKEND_STATES),
  maxConcurrency: z.number(),
  /** Of one attempt. */
  timeoutSeconds: z.number(),
  files: z.enum(FILE_FORMS),
  createdAt: z.number(),
  /** Inferences it has in progress. */
  inProgress: z.number(),
  circuit: z.enum(CIRCUITS),
  /** In a row. */
  failures: z.number(),
  /** The one account whose failures these are, unless its server says that it is not ready: to that one alone its circuit opens. */
  failuresOf: z.string().nullable(),
  /** It gets nothing until then; null if it isn't rested. */
  restedUntil: z.number().nullable(),
  /** When the failures in a row began; null without any. */
  failingSince: z.number().nullable(),
  /** What went wrong there last, and when. */
  lastError: jsonColumn(z.object({ class: z.string(), code: z.string(), message: z.string(), at: z.number() })).nullable(),
  meanRunMs: z.number().nullable(),
});
export type Backend = Readonly<z.infer<typeof backendSchema>>;

type State =
  | "createdAt"
  | "inProgress"
  | "circuit"
  | "failures"
  | "failuresOf"
  | "restedUntil"
  | "failingSince"
  | "lastError"
  | "meanRunMs";
export type NewBackend = Omit<Backend, "files" | "readyPath" | State> & {
  /** Links unless told. */
  readonly files?: FileForm;
  readonly readyPath?: string | null;
};
export type BackendChange = Partial<
  Pick<Backend, "url" | "remoteModel" | "credential" | "readyPath" | "state" | "maxConcurrency" | "timeoutSeconds" | "files">
>;

const address = sql`id, model, version, url, protocol, remote_model AS remoteModel, credential, ready_path AS readyPath`;
const columns = sql`${address}, state, max_concurrency AS maxConcurrency, timeout_seconds AS timeoutSeconds, files,
  created_at AS createdAt, failures, failures_of AS failuresOf, iif(rested_until > ${NOW}, rested_until, NULL) AS restedUntil, failing_since AS failingSince, last_error AS lastError, mean_run_ms AS meanRunMs,
  CASE WHEN rested_until > ${NOW} THEN 'open' WHEN failures >= ${CIRCUIT_FAILURES} THEN 'half_open' ELSE 'closed' END AS circuit,
  (SELECT count(*) FROM inferences INDEXED BY inferences_running WHERE inferences.backend_id = backends.id
    AND inferences.lease_until > ${NOW}) AS inProgress`;

/** Of an account in `witnesses`: when a success of its was last noted. */
const witnessOf = (accountId: SqlValue | Sql) => sql`'$."' || ${accountId} || '"'`;

/** Whether others than this account have succeeded at a row of `backends` lately. */
export const othersSucceed = (accountId: SqlValue | Sql) => sql`EXISTS (SELECT 1 FROM json_each(backends.witnesses) AS witness
  WHERE witness.key <> ${accountId} AND witness.value > ${NOW} - ${WITNESS_MS})`;

/**
 * Whether a success of this account at a row of `backends` need not be noted: one of its was lately, or of as many others as are kept.
 * Where many accounts take turns, each success would else push another account's out, and be a write of its own.
 */
export const isWitnessed = (
  accountId: SqlValue | Sql,
) => sql`(coalesce(backends.witnesses ->> (${witnessOf(accountId)}), 0) > ${NOW} - ${WITNESS_NOTED_MS}
  OR (SELECT count(*) FROM json_each(backends.witnesses) AS witness WHERE witness.value > ${NOW} - ${WITNESS_NOTED_MS}) >= ${WITNESSES})`;

/** Which attempt failed at a backend. */
interface Failed {
  readonly accountId: string;
  readonly id: string;
}

const lastError = ({ class: failureClass, code, message }: Failure) =>
  sql`json_object('class', ${failureClass}, 'code', ${code}, 'message', ${message}, 'at', ${NOW})`;

/** Whether the circuit of a row of `backends` is open, or half open, to another account alone: to this one it is closed. */
export const isAnothers = (accountId: SqlValue | Sql) =>
  sql`(backends.failures >= ${CIRCUIT_FAILURES} AND coalesce(backends.failures_of <> ${accountId}, 0))`;

/**
 * The circuit is half open, and this attempt was no probe: it began before the rest was over, so that it tells nothing new. Thus
 * many that fail at once open a circuit once, and lengthen no rest.
 */
const isStraggler = ({ accountId, id }: Failed) => sql`(failures >= ${CIRCUIT_FAILURES} AND rested_until IS NOT NULL
  AND NOT ${isAnothers(accountId)} AND (SELECT started_at FROM inferences WHERE account_id = ${accountId} AND inferences.id = ${id}) < rested_until)`;

/** Until when a backend is rested that has now failed so often in a row. */
const restAfter = (failures: Sql) => sql`${NOW} + min(${REST_MAX_MS}, ${REST_MS} << min(16, max(0, ${failures} - ${CIRCUIT_FAILURES})))`;

export const backendStatements = {
  /** No row comes back where the model or version is unknown. */
  insert: (it: NewBackend) => sql`
    INSERT INTO backends (model, version, id, url, protocol, remote_model, credential, state, max_concurrency,
      timeout_seconds, files, ready_path, created_at)
    SELECT name, ${it.version}, ${it.id}, ${it.url}, ${it.protocol}, ${it.remoteModel},
      ${it.credential ? JSON.stringify(it.credential) : null}, ${it.state}, ${it.maxConcurrency}, ${it.timeoutSeconds}, ${it.files ?? "url"}, ${it.readyPath ?? null}, ${NOW}
    FROM models WHERE name = ${it.model} AND (
      ${it.version} = '' AND versions = '[]' OR EXISTS (SELECT 1 FROM json_each(models.versions) WHERE json_each.value = ${it.version}))
    RETURNING ${columns}`,
  find: (id: string) => sql`SELECT ${columns} FROM backends WHERE id = ${id}`,
  list: (after: string, limit: number) => sql`SELECT ${columns} FROM backends WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
  ofModel: (model: string, after: string, limit: number) => sql`
    SELECT ${columns} FROM backends WHERE model = ${model} AND id > ${after} ORDER BY id LIMIT ${limit}`,
  /** Of a version of a model, its default where that is null. */
  activeProtocols: (model: string, version: string | null) => sql`
    SELECT DISTINCT protocol FROM backends
    WHERE model = ${model} AND version = coalesce(${version}, (SELECT default_version FROM models WHERE name = ${model})) AND state = 'active'`,
  change: (id: string, change: BackendChange) => sql`
    UPDATE backends SET url = coalesce(${change.url ?? null}, url), remote_model = coalesce(${change.remoteModel ?? null}, remote_model),
      credential = iif(${change.credential === undefined ? 0 : 1}, ${change.credential ? JSON.stringify(change.credential) : null}, credential),
      ready_path = iif(${change.readyPath === undefined ? 0 : 1}, ${change.readyPath ?? null}, ready_path),
      state = coalesce(${change.state ?? null}, state), max_concurrency = coalesce(${change.maxConcurrency ?? null}, max_concurrency),
      timeout_seconds = coalesce(${change.timeoutSeconds ?? null}, timeout_seconds), files = coalesce(${change.files ?? null}, files)
    WHERE id = ${id} RETURNING ${columns}`,
  /** It answered: closes the circuit. Writes nothing if nothing was in doubt. */
  answered: (id: string) => sql`
    UPDATE backends SET failures = 0, failures_of = NULL, blamed = NULL, failing_since = NULL, rested_until = NULL, probe_at = NULL
    WHERE id = ${id} AND failures > 0 RETURNING id`,
  /** A success: as an answer, and noted as this account's. */
  succeeded: (id: string, accountId: string) => sql`
    UPDATE backends SET failures = 0, failures_of = NULL, blamed = NULL, failing_since = NULL, rested_until = iif(failures > 0, NULL, rested_until),
      probe_at = iif(failures > 0, NULL, probe_at),
      witnesses = (SELECT json_group_object(key, value) FROM (
        SELECT key, value FROM json_each(json_set(coalesce(witnesses, '{}'), ${witnessOf(accountId)}, ${NOW})) ORDER BY value DESC LIMIT ${WITNESSES}))
    WHERE id = ${id} RETURNING id`,
  /**
   * A failure: one more in a row; enough of them open the circuit, for longer each time. It does not count
   * - if it is `perhaps` the inference's own doing, which was the last to count: so no single one can open a circuit;
   * - if the backend `isReady` all the same and others' inferences succeed there.
   * While all in a row are of one account, they are about that account: the circuit opens to it alone, unless the backend says
   * that it is not ready. The first of another account then begins a row of both, with one failure of each.
   * `isReady` is null where it was not asked.
   */
  failed: (
    id: string,
    by: Failed,
    error: Failure,
    { perhaps, isReady }: { readonly perhaps: boolean; readonly isReady: boolean | null },
  ) => {
    const blame = perhaps ? by.id : null;
    const counts = sql`(NOT ${isStraggler(by)} AND (${blame} IS NULL OR blamed IS NOT ${blame} OR failures >= ${CIRCUIT_FAILURES})
      AND NOT (${isReady === true ? 1 : 0} AND ${othersSucceed(by.accountId)}))`;
    const inRow = sql`iif(${isAnothers(by.accountId)}, 2, failures + 1)`;
    return sql`
      UPDATE backends SET last_error = ${lastError(error)}, witnesses = json_remove(witnesses, ${witnessOf(by.accountId)}),
        failures = iif(${counts}, ${inRow}, failures),
        failures_of = CASE WHEN NOT ${counts} THEN failures_of WHEN ${isReady === false ? 0 : 1} AND (failures = 0 OR failures_of = ${by.accountId}) THEN ${by.accountId} END,
        blamed = iif(${counts}, ${blame}, blamed),
        failing_since = iif(${counts}, coalesce(failing_since, ${NOW}), failing_since),
        probe_at = CASE WHEN NOT ${counts} THEN probe_at WHEN ${inRow} = ${CIRCUIT_FAILURES} THEN ${NOW} ELSE coalesce(probe_at, ${NOW} + ${PROBE_MS}) END,
        rested_until = CASE WHEN NOT ${counts} THEN rested_until WHEN ${inRow} >= ${CIRCUIT_FAILURES} THEN ${restAfter(inRow)}
          WHEN NOT ${isAnothers(by.accountId)} THEN rested_until END
      WHERE id = ${id} RETURNING id`;
  },
  /** No connection to it was made: its circuit opens at once, and whether it is ready is asked at once. */
  away: (id: string, by: Failed, error: Failure) => {
    const isKnown = sql`(failures_of IS NULL AND ${isStraggler(by)})`;
    const failures = sql`iif(failures_of IS NULL, max(failures + 1, ${CIRCUIT_FAILURES}), ${CIRCUIT_FAILURES})`;
    return sql`
      UPDATE backends SET last_error = ${lastError(error)}, failing_since = coalesce(failing_since, ${NOW}), probe_at = ${NOW}, failures_of = NULL,
        failures = iif(${isKnown}, failures, ${failures}), rested_until = iif(${isKnown}, rested_until, ${restAfter(failures)})
      WHERE id = ${id} RETURNING id`;
  },
  /** It can't work as it is registered. */
  misconfigured: (id: string, error: Failure) => sql`UPDATE backends SET last_error = ${lastError(error)} WHERE id = ${id} RETURNING id`,
  /** It asked to be left alone for a while: by all, so what one account's failures made of it is over. */
  asked: (id: string, ms: number, error: Failure) => sql`
    UPDATE backends SET last_error = ${lastError(error)}, failures = iif(failures_of IS NULL, failures, 0), failures_of = NULL,
      failing_since = iif(failures_of IS NULL, failing_since, NULL), probe_at = iif(failures_of IS NULL, probe_at, NULL),
      rested_until = max(coalesce(iif(failures_of IS NULL, rested_until, NULL), 0), ${NOW} + ${ms}) WHERE id = ${id} RETURNING id`,
  /** A run time, entered into the mean. */
  sample: (id: string, runMs: number) => sql`
    UPDATE backends SET mean_run_ms = CAST(coalesce(0.8 * mean_run_ms + 0.2 * ${runMs}, ${runMs}) AS INTEGER) WHERE id = ${id} RETURNING id`,
  /** Sweep: backends whose health is to be asked for now; each is put off, so that two passes don't ask twice. */
  takeProbes: () => sql`
    UPDATE backends SET probe_at = ${NOW} + ${PROBE_MS} WHERE probe_at <= ${NOW} AND state = 'active'
    RETURNING ${address}`,
  /** It says that it is ready: nothing is in doubt until it fails again, and a rest is over, so that one inference may prove it. */
  ready: (id: string) => sql`
    UPDATE backends SET probe_at = NULL,
      rested_until = iif(rested_until > ${NOW} AND failures >= ${CIRCUIT_FAILURES}, ${NOW}, rested_until)
    WHERE id = ${id} RETURNING failures >= ${CIRCUIT_FAILURES} AS is_probed`,
  /** It says that it is not ready: a circuit that one account's failures opened is open to all. */
  notReady: (id: string) => sql`
    UPDATE backends SET failures_of = NULL WHERE id = ${id} AND failures >= ${CIRCUIT_FAILURES} AND failures_of IS NOT NULL RETURNING id`,
  remove: (id: string) => sql`DELETE FROM backends WHERE id = ${id} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

const backends = rowsOf(backendSchema);
const addresses = rowsOf(addressSchema);

/** Null where the model or version is unknown. */
export async function insertBackend(db: Database, backend: NewBackend): Promise<Backend | null> {
  return backends.first(db, backendStatements.insert(backend));
}

export async function findBackend(db: Database, id: string): Promise<Backend | null> {
  return backends.first(db, backendStatements.find(id));
}

/** Of one model, or of all. */
export async function listBackends(db: Database, model: string | null, after: string, limit: number): Promise<Backend[]> {
  const statement = model === null ? backendStatements.list(after, limit) : backendStatements.ofModel(model, after, limit);
  return backends.all(db, statement);
}

/** The protocols of the active backends of a version of a model, its default where that is null. */
export async function activeProtocols(db: Database, model: string, version: string | null): Promise<string[]> {
  return (await db.all(backendStatements.activeProtocols(model, version))).map((row) => String(row["protocol"]));
}

export async function changeBackend(db: Database, id: string, change: BackendChange): Promise<Backend | null> {
  return backends.first(db, backendStatements.change(id, change));
}

/** Backends in doubt whose health is to be asked for now. */
export function takeProbes(db: Database): Promise<z.infer<typeof addressSchema>[]> {
  return addresses.all(db, backendStatements.takeProbes());
}

/** Notes that a backend in doubt says that it is ready; whether it waits for a probe. */
export async function backendIsReady(db: Database, id: string): Promise<boolean> {
  return (await first(db, backendStatements.ready(id)))?.["is_probed"] === 1;
}

/** Notes that a backend in doubt does not say that it is ready. */
export async function backendIsNotReady(db: Database, id: string): Promise<void> {
  await db.all(backendStatements.notReady(id));
}

export async function removeBackend(db: Database, id: string): Promise<boolean> {
  return (await first(db, backendStatements.remove(id))) !== null;
}
