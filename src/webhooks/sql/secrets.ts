/** SQL on the secrets with which an account's deliveries are signed. They are stored sealed (sealing.ts). */
import * as z from "zod";
import { SECRET_OVERLAP_MS } from "../../limits.ts";
import { type Database, NOW, type Sql, first, sql } from "../../platform/sql.ts";

const sealedSchema = z.object({
  sealed: z.string(),
  /** Null if there is none, or if its time is over. */
  previous: z.string().nullable(),
});

export type SealedSecrets = Readonly<z.infer<typeof sealedSchema>>;

export const secretStatements = {
  insert: (accountId: string, sealed: string) => sql`
    INSERT INTO signing_secrets (account_id, sealed) SELECT ${accountId}, ${sealed} WHERE TRUE ON CONFLICT DO NOTHING RETURNING account_id`,
  find: (accountId: string) => sql`
    SELECT sealed, iif(previous_until > ${NOW}, previous, NULL) AS previous FROM signing_secrets WHERE account_id = ${accountId}`,
  /** The newest is about to be shown. Returns a row the first time only. */
  show: (accountId: string) => sql`
    UPDATE signing_secrets SET shown_at = ${NOW} WHERE account_id = ${accountId} AND shown_at IS NULL RETURNING sealed`,
  rotate: (accountId: string, sealed: string) => sql`
    INSERT INTO signing_secrets (account_id, sealed, shown_at) SELECT ${accountId}, ${sealed}, ${NOW} WHERE TRUE
    ON CONFLICT DO UPDATE SET previous = sealed, previous_until = ${NOW} + ${SECRET_OVERLAP_MS}, sealed = excluded.sealed, shown_at = excluded.shown_at
    RETURNING previous_until AS previousUntil`,
  /** The same secrets under another seal, unless they were rotated meanwhile. */
  reseal: (accountId: string, was: string, { sealed, previous }: SealedSecrets) => sql`
    UPDATE signing_secrets SET sealed = ${sealed}, previous = ${previous} WHERE account_id = ${accountId} AND sealed = ${was} RETURNING account_id`,
} satisfies Record<string, (...args: never[]) => Sql>;

/** Stores an account's first secret. One that is there already stays. */
export async function insertSecret(db: Database, accountId: string, sealed: string): Promise<void> {
  await db.all(secretStatements.insert(accountId, sealed));
}

export async function findSecrets(db: Database, accountId: string): Promise<SealedSecrets | null> {
  const row = await first(db, secretStatements.find(accountId));
  return row && sealedSchema.parse(row);
}

/** Returns true the first time that it is called after a secret was minted. */
export async function markShown(db: Database, accountId: string): Promise<boolean> {
  return (await first(db, secretStatements.show(accountId))) !== null;
}

const rotatedSchema = z.object({ previousUntil: z.number().nullable() });

/** Replaces the newest secret. Returns until when (ms) the one before signs as well; null if there was none. */
export async function replaceSecret(db: Database, accountId: string, sealed: string): Promise<number | null> {
  return rotatedSchema.parse(await first(db, secretStatements.rotate(accountId, sealed))).previousUntil;
}

export async function resealSecrets(db: Database, accountId: string, was: string, resealed: SealedSecrets): Promise<void> {
  await db.all(secretStatements.reseal(accountId, was, resealed));
}
