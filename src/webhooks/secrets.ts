/**
 * An account's signing secrets: minted when one is first needed, shown once, two valid for a day after a rotation. They
 * are stored sealed and leave here as text only to sign, or in the one answer that shows them.
 */
import { log } from "../platform/log.ts";
import { WEBHOOK_SECRET_BYTES } from "../limits.ts";
import type { Ports } from "../ports.ts";
import { first } from "../platform/sql.ts";
import { open, seal } from "./sealing.ts";
import { mintSecret } from "./signature.ts";
import { type SealedSecrets, findSecrets, secretStatements } from "./store.ts";

type SecretPorts = Pick<Ports, "db" | "randomBytes">;

/**
 * What the account's deliveries are signed with now, the newest first. Empty where the deployment's secret was lost, so
 * that none can be opened: then the deployment's public key alone vouches for a delivery until the account rotates.
 */
export async function secretsOf(ports: SecretPorts, accountId: string, keySecrets: readonly string[]): Promise<string[]> {
  const stored = (await findSecrets(ports.db, accountId)) ?? (await mint(ports, accountId, keySecrets));
  const newest = await open(stored.sealed, accountId, keySecrets);
  const previous = stored.previous === null ? null : await open(stored.previous, accountId, keySecrets);
  if (!newest) log("signing_secret_not_opened", { account: accountId });
  if (newest?.stale || previous?.stale) {
    const anew = async (opened: typeof newest) => opened && seal(opened.text, accountId, keySecrets, ports.randomBytes);
    const sealed = (await anew(newest)) ?? stored.sealed;
    await ports.db.all(secretStatements.reseal(accountId, stored.sealed, sealed, (await anew(previous)) ?? stored.previous));
  }
  return [newest, previous].flatMap((opened) => (opened ? [opened.text] : []));
}

/** The newest secret, if the account has never seen it; null from then on. */
export async function showSecret(ports: SecretPorts, accountId: string, keySecrets: readonly string[]): Promise<string | null> {
  const [newest] = await secretsOf(ports, accountId, keySecrets);
  if (newest === undefined) return null;
  return (await first(ports.db, secretStatements.show(accountId))) ? newest : null;
}

/** A new secret, to be shown; the one before signs as well until `previousUntil` (ms), if there was one. */
export async function rotateSecret(
  ports: SecretPorts,
  accountId: string,
  keySecrets: readonly string[],
): Promise<{ secret: string; previousUntil: number | null }> {
  const secret = mintSecret(ports.randomBytes(WEBHOOK_SECRET_BYTES.minted));
  const row = await first(ports.db, secretStatements.rotate(accountId, await seal(secret, accountId, keySecrets, ports.randomBytes)));
  const until = row?.["previous_until"];
  return { secret, previousUntil: typeof until === "number" ? until : null };
}

/** Of two that mint at once one is stored, and both get that one. */
async function mint(ports: SecretPorts, accountId: string, keySecrets: readonly string[]): Promise<SealedSecrets> {
  const secret = mintSecret(ports.randomBytes(WEBHOOK_SECRET_BYTES.minted));
  await ports.db.all(secretStatements.insert(accountId, await seal(secret, accountId, keySecrets, ports.randomBytes)));
  const stored = await findSecrets(ports.db, accountId);
  if (!stored) throw new Error("a signing secret that was stored is not there");
  return stored;
}
