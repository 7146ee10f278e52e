/** All SQL on backends but the claim's, which picks one (inferences/store.ts). */
import * as z from "zod";
import { type Database, NOW, type Row, type Sql, first, sql } from "../sql.ts";

export const PROTOCOL_NAMES = ["oip"] as const;
export const BACKEND_STATES = ["active", "draining", "paused"] as const;

export interface Backend {
  readonly id: string;
  readonly model: string;
  /** Empty where the model has no versions. */
  readonly version: string;
  readonly url: string;
  readonly protocol: (typeof PROTOCOL_NAMES)[number];
  /** The model's name on that server. */
  readonly remoteModel: string;
  readonly state: (typeof BACKEND_STATES)[number];
  readonly maxConcurrency: number;
  /** Of one attempt. */
  readonly timeoutSeconds: number;
  readonly createdAt: number;
  /** Inferences it has in progress. */
  readonly inProgress: number;
}

export type NewBackend = Omit<Backend, "createdAt" | "inProgress">;
export type BackendChange = Partial<Pick<Backend, "url" | "remoteModel" | "state" | "maxConcurrency" | "timeoutSeconds">>;

const columns = sql`id, model, version, url, protocol, remote_model, state, max_concurrency, timeout_seconds, created_at,
  (SELECT count(*) FROM inferences WHERE inferences.backend_id = backends.id AND inferences.status = 'in_progress') AS in_progress`;

export const backendStatements = {
  /** No row comes back where the model or version is unknown. */
  insert: (it: NewBackend) => sql`
    INSERT INTO backends (model, version, id, url, protocol, remote_model, state, max_concurrency, timeout_seconds, created_at)
    SELECT name, ${it.version}, ${it.id}, ${it.url}, ${it.protocol}, ${it.remoteModel}, ${it.state}, ${it.maxConcurrency}, ${it.timeoutSeconds}, ${NOW}
    FROM models WHERE name = ${it.model} AND (
      ${it.version} = '' AND versions = '[]' OR EXISTS (SELECT 1 FROM json_each(models.versions) WHERE json_each.value = ${it.version}))
    RETURNING ${columns}`,
  find: (id: string) => sql`SELECT ${columns} FROM backends WHERE id = ${id}`,
  list: (after: string, limit: number) => sql`SELECT ${columns} FROM backends WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
  ofModel: (model: string, after: string, limit: number) => sql`
    SELECT ${columns} FROM backends WHERE model = ${model} AND id > ${after} ORDER BY id LIMIT ${limit}`,
  change: (id: string, change: BackendChange) => sql`
    UPDATE backends SET url = coalesce(${change.url ?? null}, url), remote_model = coalesce(${change.remoteModel ?? null}, remote_model),
      state = coalesce(${change.state ?? null}, state), max_concurrency = coalesce(${change.maxConcurrency ?? null}, max_concurrency),
      timeout_seconds = coalesce(${change.timeoutSeconds ?? null}, timeout_seconds)
    WHERE id = ${id} RETURNING ${columns}`,
  remove: (id: string) => sql`DELETE FROM backends WHERE id = ${id} RETURNING id`,
} satisfies Record<string, (...args: never[]) => Sql>;

const rowSchema = z.object({
  id: z.string(),
  model: z.string(),
  version: z.string(),
  url: z.string(),
  protocol: z.enum(PROTOCOL_NAMES),
  remote_model: z.string(),
  state: z.enum(BACKEND_STATES),
  max_concurrency: z.number(),
  timeout_seconds: z.number(),
  created_at: z.number(),
  in_progress: z.number(),
});

function fromRow(row: Row): Backend {
  const known = rowSchema.parse(row);
  return {
    id: known.id,
    model: known.model,
    version: known.version,
    url: known.url,
    protocol: known.protocol,
    remoteModel: known.remote_model,
    state: known.state,
    maxConcurrency: known.max_concurrency,
    timeoutSeconds: known.timeout_seconds,
    createdAt: known.created_at,
    inProgress: known.in_progress,
  };
}

const orNull = (row: Row | null): Backend | null => (row ? fromRow(row) : null);

/** Null where the model or version is unknown. */
export async function insertBackend(db: Database, backend: NewBackend): Promise<Backend | null> {
  return orNull(await first(db, backendStatements.insert(backend)));
}

export async function findBackend(db: Database, id: string): Promise<Backend | null> {
  return orNull(await first(db, backendStatements.find(id)));
}

/** Of one model, or of all. */
export async function listBackends(db: Database, model: string | null, after: string, limit: number): Promise<Backend[]> {
  const statement = model === null ? backendStatements.list(after, limit) : backendStatements.ofModel(model, after, limit);
  return (await db.all(statement)).map(fromRow);
}

export async function changeBackend(db: Database, id: string, change: BackendChange): Promise<Backend | null> {
  return orNull(await first(db, backendStatements.change(id, change)));
}

export async function removeBackend(db: Database, id: string): Promise<boolean> {
  return (await first(db, backendStatements.remove(id))) !== null;
}
