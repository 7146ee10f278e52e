/**
 * Submit: one durable write, then the answer. The wake-up and the arming of the sweep come after the answer and may
 * fail: both only hurry what the sweep would find anyway. An input too large for the row is stored before the row that
 * names it; when the row is not written, the object is taken back.
 */
import { logError } from "../log.ts";
import { INITIAL_DELAY_MS, INLINE_BYTES, MAX_ATTEMPTS, MAX_DELAY_MS, MAX_TIME_IN_QUEUE_SECONDS, PRIORITY } from "../numbers.ts";
import { findModel } from "../models/store.ts";
import type { Ports } from "../ports.ts";
import { type Problem, problem } from "../problem.ts";
import { type Inference, type RetrySettings, newInferenceId } from "./inference.ts";
import { byteLength, storeInput } from "./payloads.ts";
import { insertInference } from "./store.ts";

/** What a dialect makes of a request. What is left out gets its default. */
export interface Submission {
  accountId: string;
  keyId: string;
  dialect: string;
  model: string;
  version?: string | undefined;
  /** JSON text. */
  input: string;
  inputItems: number;
  priority?: number | undefined;
  retry?: { [Setting in keyof RetrySettings]?: RetrySettings[Setting] | undefined } | undefined;
  maxTimeInQueueSeconds?: number | undefined;
  runWithinSeconds?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
}

/** Work to be done after the answer, as `ExecutionContext.waitUntil` takes it. */
export type After = (work: Promise<unknown>) => void;

/** Accepts a submission; throws `model_not_found` where nothing serves it under that name and version. */
export async function submit(ports: Ports, submission: Submission, after: After): Promise<Inference> {
  const { accountId, input } = submission;
  const id = newInferenceId(ports.clock.now(), ports.randomBytes);
  const inputBytes = byteLength(input);
  if (inputBytes > INLINE_BYTES) await assertServed(ports, submission);
  const payload = await storeInput(ports.payloads, accountId, id, input, inputBytes);
  const inference = await insertInference(ports.db, {
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
    metadata: submission.metadata ?? {},
    input: payload,
    inputBytes,
    inputItems: submission.inputItems,
  });
  if (!inference) {
    if (payload.at === "object") after(ports.payloads.delete(payload.key));
    throw modelNotFound(submission);
  }
  const { model, version } = inference;
  after(hurry("wake_up_not_sent", ports.wake([{ model, version }])));
  after(hurry("sweep_not_armed", ports.armSweep()));
  return inference;
}

async function assertServed(ports: Ports, submission: Submission): Promise<void> {
  const model = await findModel(ports.db, submission.model);
  const { version } = submission;
  if (!model || (version !== undefined && !model.versions.includes(version))) throw modelNotFound(submission);
}

function modelNotFound({ model, version }: Submission): Problem {
  return problem("model_not_found", {
    detail: version === undefined ? `There is no model "${model}".` : `There is no version "${version}" of a model "${model}".`,
  });
}

async function hurry(event: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    logError(event, error);
  }
}
