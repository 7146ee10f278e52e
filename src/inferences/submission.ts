/** A submission, and the row that it is to become. */
import { refersToFiles } from "../files/supply.ts";
import { INITIAL_DELAY_MS, MAX_ATTEMPTS, MAX_DELAY_MS, MAX_TIME_IN_QUEUE_SECONDS, PRIORITY } from "../limits.ts";
import { fillOf } from "../platform/fill.ts";
import type { Ports } from "../ports.ts";
import { type ModelSchemas, refusalOfInput, type Checked } from "../models/schemas.ts";
import { newInferenceId } from "../ids.ts";
import { type Stored, inlinePayload, isInline, storeInput } from "../payloads/payloads.ts";
import type { BatchLine, NewInference } from "./sql/insert.ts";
import { type After, bestEffort } from "./hints.ts";
import type { Content } from "../content/content.ts";
import type { Webhook } from "./webhook.ts";
import type { RetrySettings } from "./retry.ts";

/** What a dialect makes of a request. What is left out gets its default. */
export interface Submission extends Checked {
  accountId: string;
  keyId: string;
  dialect: string;
  input: Content;
  inputItems: number;
  priority?: number | undefined;
  retry?: { [Setting in keyof RetrySettings]?: RetrySettings[Setting] | undefined } | undefined;
  maxTimeInQueueSeconds?: number | undefined;
  runWithinSeconds?: number | undefined;
  cancelAfterSeconds?: number | undefined;
  /** See NewInference. */
  notBefore?: number | undefined;
  /** See NewInference. */
  retentionSeconds?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** See NewInference. */
  capability?: string | undefined;
  /** See NewInference. */
  resumable?: boolean | undefined;
  waiter?: string | undefined;
  /** The line of a batch that it is; its batch alone says so. */
  batch?: BatchLine | undefined;
  /** Judged already (http/vetted.ts). */
  webhook?: Webhook | undefined;
  /** The call that submits it, within its client's trace, as `storedTrace` has it; null if its client named none. */
  trace?: string | null | undefined;
  /** Of the `Idempotency-Key` header, with the fingerprint of the whole request. */
  idempotency?: { key: string; fingerprint: string } | null | undefined;
}

/** The row of a submission with nothing to ask or to store first; null if there is. */
export function rowAtOnce(ports: Ports, submission: Submission, schemas: ModelSchemas): NewInference | null {
  const { input } = submission;
  const isReady = fillOf(ports.db).state !== "full" && isInline(input) && !refersToFiles(input) && !refusalOfInput(schemas, submission);
  return isReady ? rowOf(ports, submission, schemas, newId(ports), inlinePayload(input)) : null;
}

export const wantedIn = ({ model, version, capability }: Submission) => ({ model, version: version ?? null, capability: capability ?? "" });

const newId = ({ clock, randomBytes }: Ports) => newInferenceId(clock.now(), randomBytes);

/** The row that a submission is to become, with its input stored. Each try has an id of its own. */
export async function prepared(ports: Ports, submission: Submission, schemas: ModelSchemas): Promise<NewInference> {
  const id = newId(ports);
  return rowOf(ports, submission, schemas, id, await storeInput(ports.payloads, submission.accountId, id, submission.input));
}

function rowOf(
  ports: Pick<Ports, "databaseQuotaBytes">,
  submission: Submission,
  schemas: ModelSchemas,
  id: string,
  { payload, bytes: inputBytes }: Stored,
): NewInference {
  const { retry } = submission;
  return {
    accountId: submission.accountId,
    id,
    keyId: submission.keyId,
    dialect: submission.dialect,
    ...wantedIn(submission),
    priority: submission.priority ?? PRIORITY.default,
    retry: {
      maxAttempts: retry?.maxAttempts ?? MAX_ATTEMPTS.default,
      initialDelayMs: retry?.initialDelayMs ?? INITIAL_DELAY_MS.default,
      maxDelayMs: retry?.maxDelayMs ?? MAX_DELAY_MS.default,
    },
    maxTimeInQueueSeconds: submission.maxTimeInQueueSeconds ?? MAX_TIME_IN_QUEUE_SECONDS.default,
    runWithinSeconds: submission.runWithinSeconds ?? null,
    cancelAfterSeconds: submission.cancelAfterSeconds ?? null,
    notBefore: submission.notBefore ?? null,
    idempotencyKey: submission.idempotency?.key ?? null,
    fingerprint: submission.idempotency?.fingerprint ?? null,
    metadata: submission.metadata ?? {},
    input: payload,
    inputBytes,
    inputItems: submission.inputItems,
    retentionSeconds: submission.retentionSeconds ?? null,
    waiter: submission.waiter ?? null,
    webhook: submission.webhook ?? null,
    resumable: submission.resumable ?? false,
    databaseQuotaBytes: ports.databaseQuotaBytes,
    schemas: schemas.revision,
    trace: submission.trace ?? null,
    batch: submission.batch ?? null,
  };
}

/** Takes back the input of what was not inserted, so that nothing of it stays. */
export function takeBack({ payloads }: Ports, { input }: NewInference, after: After): void {
  if (input.at === "object" && input.key !== null) after(bestEffort("input_not_taken_back", payloads.delete(input.key)));
}
