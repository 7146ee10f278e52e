/** The ledger of usage equals a recount, to the unit and after each transaction: every end is counted once, whatever ended it. */
import { isFinal } from "../../../src/inferences/status.ts";
import type { Change, InferenceRow, UsageRow } from "../platform/rows.ts";

type Sums = Omit<UsageRow, "accountId" | "day" | "model" | "keyId">;

const NOTHING: Sums = { succeeded: 0, failed: 0, canceled: 0, expired: 0, attempts: 0, runMs: 0, inputBytes: 0, outputBytes: 0 };

export class Usage {
  readonly #violate: (rule: string, detail: string) => void;
  readonly #rows = new Map<string, InferenceRow>();
  /** What was spent before the run that goes on. */
  readonly #before = new Map<string, { attempts: number; runMs: number }>();
  readonly #recounts = new Map<string, Sums>();
  readonly #counted = new Map<string, Sums>();

  constructor(violate: (rule: string, detail: string) => void) {
    this.#violate = violate;
  }

  /** What one transaction changed. */
  see(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.of === "usage") this.#counted.set(nameOf(change.row), change.row);
      else if (change.of === "inferences") this.#seeInference(change.row, change.isGone);
    }
    for (const [name, recount] of this.#recounts) {
      const { succeeded, failed, canceled, expired, attempts, runMs, inputBytes, outputBytes } = this.#counted.get(name) ?? NOTHING;
      const counted: Sums = { succeeded, failed, canceled, expired, attempts, runMs, inputBytes, outputBytes };
      if (JSON.stringify(counted) !== JSON.stringify(recount))
        this.#violate("usage equals a recount", `${name}: ${JSON.stringify(recount)}, and ${JSON.stringify(counted)} is counted`);
    }
  }

  #seeInference(row: InferenceRow, isGone: boolean): void {
    const id = `${row.accountId} ${row.id}`;
    const old = this.#rows.get(id);
    if (isGone) {
      this.#rows.delete(id);
      this.#before.delete(id);
      return;
    }
    this.#rows.set(id, row);
    if (old && isFinal(old.status) && !isFinal(row.status)) this.#before.set(id, { attempts: old.attempt, runMs: old.runMs });
    if (!old || isFinal(old.status) || !isFinal(row.status)) return;
    const before = this.#before.get(id) ?? { attempts: 0, runMs: 0 };
    const name = nameOf({ ...row, day: Math.floor((row.finishedAt ?? 0) / 86_400_000) });
    const sums = { ...(this.#recounts.get(name) ?? NOTHING) };
    if (row.status === "succeeded" || row.status === "failed" || row.status === "canceled" || row.status === "expired") sums[row.status]++;
    sums.attempts += row.attempt - before.attempts;
    sums.runMs += row.runMs - before.runMs;
    sums.inputBytes += row.inputBytes;
    sums.outputBytes += (row.outputBytes ?? 0) + row.partsBytes;
    this.#recounts.set(name, sums);
  }
}

function nameOf({ accountId, day, model, keyId }: Pick<UsageRow, "accountId" | "day" | "model" | "keyId">): string {
  return `${accountId} ${day} ${model} ${keyId}`;
}
