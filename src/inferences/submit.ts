/**
 * Submit: one durable write, then the answer. The wake-up and the arming of the sweep come after the answer and may
 * fail: both only hasten what the sweep would find anyway. An input too large for the row is stored before the row that
 * names it; when the row is not written, the object is taken back.
 */
import { type Content, sizeOf } from "../content/content.ts";
import { mustHaveFiles } from "../files/supply.ts";
import { mustHaveRoom } from "../files/quota.ts";
import { INITIAL_DELAY_MS, MAX_ATTEMPTS, MAX_DELAY_MS, MAX_TIME_IN_QUEUE_SECONDS, PRIORITY } from "../limits.ts";
import { findModel } from "../models/store.ts";
import { askAgain } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { type Fault, Problem, problem } from "../problem.ts";
import type { Webhook } from "./webhook.ts";
import { type Inference, asSubmitted } from "./inference.ts";
import type { RetrySettings } from "./retry.ts";
import { newInferenceId } from "../ids.ts";
import { isInline, storeInput } from "../payloads/payloads.ts";
import type { Claim } from "./sql/record.ts";
import { type Inserted, type NewInference, insertInference } from "./sql/insert.ts";
import { findByIdempotencyKey, findInference } from "./sql/read.ts";
import { type After, bestEffort, hintSweep, hintWork } from "./hints.ts";

/** What a dialect makes of a request. What is left out gets its default. */
export interface Submission {
  accountId: string;
  keyId: string;
  dialect: string;
  model: string;
  version?: string | undefined;
  input: Content;
  /** Where the input is in the request's body; its root unless told. */
  inputPath?: Fault["path"] | undefined;
  inputItems: number;
  priority?: number | undefined;
  retry?: { [Setting in keyof RetrySettings]?: RetrySettings[Setting] | undefined } | undefined;
  maxTimeInQueueSeconds?: number | undefined;
  runWithinSeconds?: number | undefined;
  cancelAfterSeconds?: number | undefined;
  /** See NewInference. */
  retentionSeconds?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  /** See NewInference. */
  capability?: string | undefined;
  waiter?: string | undefined;
  /** Judged already (api/target.ts). */
  webhook?: Webhook | undefined;
  /** Of the `Idempotency-Key` header, with the fingerprint of the whole request. */
  idempotency?: { key: string; fingerprint: string } | null | undefined;
}

/** The inference, and whether it was there already: a replay of an earlier submit. */
export interface Submitted {
  readonly inference: Inference;
  readonly replayed: boolean;
  /** Where a request waits for it and its turn came at once: what it needs to run it. */
  readonly claimed: Claim | null;
  /** When that was asked for, by the isolate's clock: its lease counts from there. */
  readonly askedAt: number;
}

/**
 * Accepts a submission. Throws `model_not_found` where no model of that name and version offers the capability, and
 * `idempotency_key_reused` where the key stands for another body.
 */
export async function submit(ports: Ports, submission: Submission, after: After): Promise<Submitted> {
  const { accountId, input } = submission;
  const id = newInferenceId(ports.clock.now(), ports.randomBytes);
  try {
    await mustHaveFiles(ports, accountId, input, submission.inputPath ?? []);
    if (!isInline(input)) await Promise.all([assertServed(ports, submission), mustHaveRoom(ports.db, accountId, sizeOf(input.body))]);
  } catch (error) {
    // What was accepted is answered again, though it would not be accepted now.
    const earlier = error instanceof Problem ? await replayOf(ports, submission) : null;
    if (earlier) return earlier;
    throw error;
  }
  const { payload, bytes: inputBytes } = await storeInput(ports.payloads, accountId, id, input);
  const askedAt = ports.clock.now();
  const { inference, claimed, hasSlot } = await insertOnce(ports, {
    accountId,
    id,
    keyId: submission.keyId,
    dialect: submission.dialect,
    model: submission.model,
    version: submission.version ?? null,
    priority: submission.priority ?? PRIORITY.default,
    retry: {
      maxAttempts: submission.retry?.maxAttempts ?? MAX_ATTEMPTS.default,
      initialDelayMs: submission.retry?.initialDelayMs ?? INITIAL_DELAY_MS.default,
      maxDelayMs: submission.retry?.maxDelayMs ?? MAX_DELAY_MS.default,
    },
    maxTimeInQueueSeconds: submission.maxTimeInQueueSeconds ?? MAX_TIME_IN_QUEUE_SECONDS.default,
    runWithinSeconds: submission.runWithinSeconds ?? null,
    cancelAfterSeconds: submission.cancelAfterSeconds ?? null,
    idempotencyKey: submission.idempotency?.key ?? null,
    fingerprint: submission.idempotency?.fingerprint ?? null,
    metadata: submission.metadata ?? {},
    input: payload,
    inputBytes,
    inputItems: submission.inputItems,
    retentionSeconds: submission.retentionSeconds ?? null,
    capability: submission.capability ?? "",
    waiter: submission.waiter ?? null,
    webhook: submission.webhook ?? null,
  });
  if (inference) {
    const { model, version } = inference;
    if (submission.waiter === undefined && hasSlot) after(hintWork(ports, [{ model, version }]));
    after(hintSweep(ports));
    return { inference, replayed: false, claimed, askedAt };
  }
  if (payload.at === "object" && payload.key !== null) after(bestEffort("input_not_taken_back", ports.payloads.delete(payload.key)));
  const earlier = await replayOf(ports, submission);
  if (!earlier) throw modelNotFound(submission);
  return earlier;
}

/** The answer to an earlier submit under the same key; null where there was none. Throws where it was another submit. */
async function replayOf(ports: Ports, { accountId, idempotency }: Submission): Promise<Submitted | null> {
  if (!idempotency) return null;
  const earlier = await findByIdempotencyKey(ports.db, accountId, idempotency.key);
  if (!earlier) return null;
  if (earlier.fingerprint !== idempotency.fingerprint) throw problem("idempotency_key_reused");
  return { inference: asSubmitted(earlier.inference), replayed: true, claimed: null, askedAt: ports.clock.now() };
}

/** Inserts, and once more where the first answer was lost: the same id can't be written twice. */
async function insertOnce(ports: Ports, it: NewInference): Promise<Inserted> {
  let tries = 0;
  return askAgain(async () => {
    tries++;
    const inserted = await insertInference(ports.db, it);
    if (inserted.inference || tries === 1) return inserted;
    return { inference: await findInference(ports.db, it.accountId, it.id), claimed: null, hasSlot: true };
  });
}

async function assertServed(ports: Ports, submission: Submission): Promise<void> {
  const model = await findModel(ports.db, submission.model);
  const { version, capability = "" } = submission;
  const isOffered = capability === "" || model?.capabilities.length === 0 || model?.capabilities.includes(capability);
  if (!model || !isOffered || (version !== undefined && !model.versions.includes(version))) throw modelNotFound(submission);
}

function modelNotFound({ model, version, capability = "" }: Submission): Problem {
  const what = version === undefined ? `no model "${model}"` : `no version "${version}" of a model "${model}"`;
  return problem("model_not_found", { detail: `There is ${what}${capability === "" ? "" : ` that offers "${capability}"`}.` });
}
