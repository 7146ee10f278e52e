/**
 * An account's signing secrets: the first is minted when it is first needed, each is shown once, and two are valid for a
 * day after a rotation. They are stored sealed. Their text leaves here only to sign, or in the one answer that shows it.
 */
import { log } from "../platform/log.ts";
import { WEBHOOK_SECRET_BYTES } from "../limits.ts";
import type { Ports } from "../ports.ts";
import { open, seal } from "./sealing.ts";
import { mintSecret } from "./signature.ts";
import { type SealedSecrets, findSecrets, insertSecret, markShown, replaceSecret, resealSecrets } from "./sql/secrets.ts";

type SecretPorts = Pick<Ports, "db" | "randomBytes">;

/**
 * The secrets that sign the account's deliveries now, the newest first. Empty if none can be opened because the
 * deployment's secret was lost: then deliveries carry the public-key signature alone until the account rotates.
 */
export async function secretsOf(ports: SecretPorts, accountId: string, keySecrets: readonly string[]): Promise<string[]> {
  const stored = (await findSecrets(ports.db, accountId)) ?? (await mint(ports, accountId, keySecrets));
  const newest = await open(stored.sealed, accountId, keySecrets);
  const previous = stored.previous === null ? null : await open(stored.previous, accountId, keySecrets);
  if (!newest) log("signing_secret_not_opened", { account: accountId });
  if (newest?.stale || previous?.stale) {
    const reseal = async (opened: typeof newest) => opened && seal(opened.text, accountId, keySecrets, ports.randomBytes);
    const resealed = { sealed: (await reseal(newest)) ?? stored.sealed, previous: (await reseal(previous)) ?? stored.previous };
    await resealSecrets(ports.db, accountId, stored.sealed, resealed);
  }
  return [newest, previous].flatMap((opened) => (opened ? [opened.text] : []));
}

/** The newest secret, if the account has never seen it; null from then on. */
export async function showSecret(ports: SecretPorts, accountId: string, keySecrets: readonly string[]): Promise<string | null> {
  const [newest] = await secretsOf(ports, accountId, keySecrets);
  if (newest === undefined) return null;
  return (await markShown(ports.db, accountId)) ? newest : null;
}

/** A new secret, to be shown; the one before signs as well until `previousUntil` (ms), if there was one. */
export async function rotateSecret(
  ports: SecretPorts,
  accountId: string,
  keySecrets: readonly string[],
): Promise<{ secret: string; previousUntil: number | null }> {
  const secret = mintSecret(ports.randomBytes(WEBHOOK_SECRET_BYTES.minted));
  const sealed = await seal(secret, accountId, keySecrets, ports.randomBytes);
  return { secret, previousUntil: await replaceSecret(ports.db, accountId, sealed) };
}

/** Of two that mint at once one is stored, and both get that one. */
async function mint(ports: SecretPorts, accountId: string, keySecrets: readonly string[]): Promise<SealedSecrets> {
  const secret = mintSecret(ports.randomBytes(WEBHOOK_SECRET_BYTES.minted));
  await insertSecret(ports.db, accountId, await seal(secret, accountId, keySecrets, ports.randomBytes));
  const stored = await findSecrets(ports.db, accountId);
  if (!stored) throw new Error("a signing secret that was stored is not there");
  return stored;
}
