/**
 * All SQL on what models take. A change of it, or of the default version, gives the model another revision; a submit names
 * the revision that it was checked against, and is written only while that is the model's.
 */
import * as z from "zod";
import { SCHEMAS_CHARACTERS } from "../limits.ts";
import { type Database, NOW, type Sql, rowsOf, sql } from "../platform/sql.ts";
import { EVERY_VERSION, type ModelSchemas, type Signature, signaturesColumn } from "./schemas.ts";

const schemasSchema = z.object({ revision: z.number(), defaultVersion: z.string(), signatures: signaturesColumn });

const columns = sql`schemas_revision AS revision, default_version AS defaultVersion, schemas AS signatures`;

/** Of a model that has no schema it stays 0, so that a submit to it needs to know nothing. */
export const nextRevision = sql`max(${NOW}, schemas_revision + 1)`;

/** A version's name has no quote in it. */
const pathOf = (version: string) => `$."${version}"`;

export const schemaStatements = {
  find: (model: string) => sql`SELECT ${columns} FROM models WHERE name = ${model}`,
  /** No row if there is no such model or version, or all schemas of the model are too large together. */
  set: (model: string, version: string, signature: Signature) => sql`
    UPDATE models SET schemas = json_set(schemas, ${pathOf(version)}, json(${JSON.stringify(signature)})), schemas_revision = ${nextRevision}
    WHERE name = ${model} AND (${version} = ${EVERY_VERSION} OR EXISTS (SELECT 1 FROM json_each(versions) WHERE json_each.value = ${version}))
      AND length(json_set(schemas, ${pathOf(version)}, json(${JSON.stringify(signature)}))) <= ${SCHEMAS_CHARACTERS}
    RETURNING ${columns}`,
  remove: (model: string, version: string) => sql`
    UPDATE models SET schemas = json_remove(schemas, ${pathOf(version)}),
      schemas_revision = iif(json_remove(schemas, ${pathOf(version)}) = '{}', 0, ${nextRevision})
    WHERE name = ${model} RETURNING ${columns}`,
} satisfies Record<string, (...args: never[]) => Sql>;

const schemas = rowsOf(schemasSchema);

/** Null if there is no such model. */
export async function findSchemas(db: Database, model: string): Promise<ModelSchemas | null> {
  return schemas.first(db, schemaStatements.find(model));
}

/** Null if there is no such model or version, or its schemas are too large together. */
export async function setSchema(db: Database, model: string, version: string, signature: Signature): Promise<ModelSchemas | null> {
  return schemas.first(db, schemaStatements.set(model, version, signature));
}

/** Null if there is no such model. */
export async function removeSchema(db: Database, model: string, version: string): Promise<ModelSchemas | null> {
  return schemas.first(db, schemaStatements.remove(model, version));
}
