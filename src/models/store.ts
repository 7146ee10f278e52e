/** All SQL on models: the catalogue of what clients may ask for. */
import * as z from "zod";
import type { FileField } from "../content/file-fields.ts";
import { nextRevision } from "./schemas.ts";
import { type Database, NOW, type Sql, first, jsonColumn, rowsOf, sql } from "../platform/sql.ts";

export const fileFieldsSchema = z.array(
  z.object({ field: z.string(), encoding: z.enum(["base64", "text"]), contentType: z.string().nullable() }),
);

const modelSchema = z.object({
  name: z.string(),
  description: z.string(),
  /** Empty if the model has no versions. */
  versions: jsonColumn(z.array(z.string())),
  defaultVersion: z.string(),
  /** How many of one account's inferences may run at once; null: as many as there are slots. */
  accountConcurrency: z.number().nullable(),
  /** What may be asked of it, such as `text-to-image`; empty: anything. */
  capabilities: jsonColumn(z.array(z.string())),
  /** The fields of its outputs that are kept as files. */
  outputFiles: jsonColumn(fileFieldsSchema),
  /** What an output of it may be, as it comes out decoded; null: the default. */
  maxOutputBytes: z.number().nullable(),
  /** In millionths: of a second of an attempt, of a token in or out, of a success. */
  secondMicros: z.number(),
  tokenMicros: z.number(),
  inferenceMicros: z.number(),
  createdAt: z.number(),
});
export type Model = Readonly<z.infer<typeof modelSchema>>;

export interface NewModel {
  name: string;
  description: string;
  versions: readonly string[];
  defaultVersion: string;
  accountConcurrency: number | null;
  capabilities: readonly string[];
  outputFiles: readonly FileField[];
  maxOutputBytes: number | null;
  secondMicros: number;
  tokenMicros: number;
  inferenceMicros: number;
}

/** What is left out stays as it is. */
export interface ModelChange extends Partial<Omit<NewModel, "name" | "versions" | "defaultVersion">> {
  readonly versions?: {
    readonly to: readonly string[];
    readonly byDefault: string;
    readonly from: readonly string[];
    readonly fromDefault: string;
  };
}

const columns = sql`name, description, versions, default_version AS defaultVersion, account_concurrency AS accountConcurrency, capabilities,
  output_files AS outputFiles, max_output_bytes AS maxOutputBytes, second_micros AS secondMicros, token_micros AS tokenMicros, inference_micros AS inferenceMicros, created_at AS createdAt`;

export const modelStatements = {
  insert: (model: NewModel) => sql`
    INSERT INTO models (name, description, versions, default_version, account_concurrency, capabilities, output_files, max_output_bytes,
      second_micros, token_micros, inference_micros, created_at)
    VALUES (${model.name}, ${model.description}, ${JSON.stringify(model.versions)}, ${model.defaultVersion},
      ${model.accountConcurrency}, ${JSON.stringify(model.capabilities)}, ${JSON.stringify(model.outputFiles)}, ${model.maxOutputBytes},
      ${model.secondMicros}, ${model.tokenMicros}, ${model.inferenceMicros}, ${NOW})
    ON CONFLICT DO NOTHING RETURNING ${columns}`,
  find: (name: string) => sql`SELECT ${columns} FROM models WHERE name = ${name}`,
  list: (after: string, limit: number) => sql`SELECT ${columns} FROM models WHERE name > ${after} ORDER BY name LIMIT ${limit}`,
  withVersion: (version: string, limit: number) => sql`
    SELECT name FROM models WHERE name > '' AND EXISTS (SELECT 1 FROM json_each(versions) WHERE json_each.value = ${version}) ORDER BY name LIMIT ${limit}`,
  /** Models that have backends, of which none takes work in the default version now: it is paused, or its circuit is open. */
  notReady: (limit: number) => sql`
    SELECT name FROM models
    WHERE name > '' AND EXISTS (SELECT 1 FROM backends WHERE backends.model = models.name) AND NOT EXISTS (
      SELECT 1 FROM backends WHERE backends.model = models.name AND backends.version = models.default_version
        AND backends.state = 'active' AND coalesce(backends.rested_until, 0) <= ${NOW})
    ORDER BY name LIMIT ${limit}`,
  /** Its versions only if they are still as they were before: their default has to be one of them. */
  change: (name: string, change: ModelChange) => sql`
    UPDATE models SET description = coalesce(${change.description ?? null}, description),
      versions = coalesce(${change.versions ? JSON.stringify(change.versions.to) : null}, versions),
      default_version = coalesce(${change.versions?.byDefault ?? null}, default_version),
      account_concurrency = iif(${change.accountConcurrency === undefined ? 0 : 1}, ${change.accountConcurrency ?? null}, account_concurrency),
      capabilities = coalesce(${change.capabilities ? JSON.stringify(change.capabilities) : null}, capabilities),
      output_files = coalesce(${change.outputFiles ? JSON.stringify(change.outputFiles) : null}, output_files),
      max_output_bytes = iif(${change.maxOutputBytes === undefined ? 0 : 1}, ${change.maxOutputBytes ?? null}, max_output_bytes),
      second_micros = coalesce(${change.secondMicros ?? null}, second_micros), token_micros = coalesce(${change.tokenMicros ?? null}, token_micros),
      inference_micros = coalesce(${change.inferenceMicros ?? null}, inference_micros),
      schemas_revision = iif(schemas_revision = 0, 0, ${nextRevision})
    WHERE name = ${name} AND ${
      change.versions
        ? sql`json(versions) = json(${JSON.stringify(change.versions.from)}) AND default_version = ${change.versions.fromDefault}`
        : sql`TRUE`
    }
    RETURNING ${columns}`,
  /** Not while a backend serves it. */
  remove: (name: string) => sql`
    DELETE FROM models WHERE name = ${name} AND NOT EXISTS (SELECT 1 FROM backends WHERE backends.model = models.name) RETURNING name`,
} satisfies Record<string, (...args: never[]) => Sql>;

const models = rowsOf(modelSchema);

/** Null where the name is taken. */
export async function insertModel(db: Database, model: NewModel): Promise<Model | null> {
  return models.first(db, modelStatements.insert(model));
}

export async function findModel(db: Database, name: string): Promise<Model | null> {
  return models.first(db, modelStatements.find(name));
}

export async function listModels(db: Database, after: string, limit: number): Promise<Model[]> {
  return models.all(db, modelStatements.list(after, limit));
}

/** The names of models that have a version of that name. Looks at every model. */
export async function modelsWithVersion(db: Database, version: string, limit: number): Promise<string[]> {
  return (await db.all(modelStatements.withVersion(version, limit))).map((row) => String(row["name"]));
}

/** The names of models that backends are there for, but of which nobody takes work now. */
export async function modelsNotReady(db: Database, limit: number): Promise<string[]> {
  return (await db.all(modelStatements.notReady(limit))).map((row) => String(row["name"]));
}

/** Null if it is gone, or its versions are to change and are not as they were before. */
export async function changeModel(db: Database, name: string, change: ModelChange): Promise<Model | null> {
  return models.first(db, modelStatements.change(name, change));
}

/** False where there is no such model, or a backend serves it. */
export async function removeModel(db: Database, name: string): Promise<boolean> {
  return (await first(db, modelStatements.remove(name))) !== null;
}
