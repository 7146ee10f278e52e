/**
 * OpenAI's Batch API over ordinary inferences: each line of a file is one, found by the metadata `batch_id` and `custom_id`, and goes
 * after all that a client waits for.
 * Source: openai/openai-openapi 2.3.0, `/batches`; OpenAI's guide "Batch API" for the lines.
 * Decided here:
 * - a batch's id is a UUID, as a file's is; `completion_window` may be any from 1h to 72h;
 * - lines may ask different models, and a line's body that its endpoint would refuse fails that line alone;
 * - a batch that is `finalizing` or has ended can't be canceled: 409, and no client tries again;
 * - the error file has all lines that are not in the output file, those too that were never submitted.
 */
import * as z from "zod";
import { type Batch, BATCH_STATUSES } from "../../batches/batch.ts";
import { type NewBatch, cancelBatch, findBatch, findBatchByKey, insertBatch, listBatches, openBatches } from "../../batches/store.ts";
import { storageOf, findFile } from "../../files/store.ts";
import { overQuota } from "../../files/quota.ts";
import { json, replayHeaders } from "../../http/answer.ts";
import { badCursor, limitSchema } from "../../http/page.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../../http/route.ts";
import { idempotencyOf, storedOrigin } from "../../http/vetted.ts";
import { isUuid, newInferenceId } from "../../ids.ts";
import { hintSweep } from "../../inferences/hints.ts";
import {
  ADMIN_BODY_BYTES,
  BATCHES_OPEN,
  BATCH_FILE_BYTES,
  BATCH_WINDOW_HOURS,
  CURSOR_CHARACTERS,
  METADATA,
  ROW_CHARGE_BYTES,
} from "../../limits.ts";
import { problem } from "../../problem.ts";
import { BATCH_ENDPOINTS } from "./lines.ts";

/** How long the files of a batch may be asked to be kept, and how many batches a list has: as OpenAI has it. */
const OUTPUT_SECONDS = [3_600, 2_592_000] as const;
const LISTED = 20;

const [LEAST_HOURS, MOST_HOURS] = BATCH_WINDOW_HOURS.range;
const HOUR_MS = 3_600_000;
const hoursOf = (text: string) => Number(/^([1-9]\d?)h$/.exec(text)?.[1] ?? Number.NaN);

const seconds = z.int().nullable();
const batchSchema = z.lazy(() =>
  z.object({
    id: z.string().describe("The batch's id."),
    object: z.literal("batch"),
    endpoint: z.string().describe("What each line asks."),
    errors: z
      .object({
        object: z.literal("list"),
        data: z.array(
          z.object({
            code: z.string().describe("What is wrong, for programs."),
            message: z.string().describe("The same for people."),
            param: z.string().nullable().describe("The member at fault."),
            line: z.int().nullable().describe("The line, from 1 on; null if it is the whole file."),
          }),
        ),
      })
      .nullable()
      .describe("What is wrong with the input file, if the batch `failed`."),
    input_file_id: z.string().describe("The file whose lines are submitted."),
    completion_window: z.string().describe("How long it may take."),
    status: z.enum(BATCH_STATUSES).describe("How it stands."),
    output_file_id: z
      .string()
      .nullable()
      .describe("The file with the lines that succeeded, once the batch has ended; null if there are none."),
    error_file_id: z.string().nullable().describe("The same with all other lines."),
    created_at: z.int().describe("Seconds since 1970, as all times."),
    in_progress_at: seconds.describe("When its file was found right."),
    expires_at: z.int().describe("When its window ends."),
    finalizing_at: seconds.describe("When the writing of its files began."),
    completed_at: seconds.describe("When it was completed."),
    failed_at: seconds.describe("When its file was found wrong."),
    expired_at: seconds.describe("When it had expired, and its files were there."),
    cancelling_at: seconds.describe("When it was canceled."),
    cancelled_at: seconds.describe("When that was done, and its files were there."),
    request_counts: z
      .object({
        total: z.int().describe("Lines."),
        completed: z.int().describe("Lines that have succeeded."),
        failed: z.int().describe("Lines that have ended otherwise."),
      })
      .describe("How far its lines have come; a poll reads one row."),
    metadata: z.record(z.string(), z.string()).nullable().describe("Its client's own words."),
  }),
);

const metadataSchema = z
  .record(z.string().min(1).max(METADATA.nameCharacters), z.string().max(METADATA.textCharacters))
  .refine((metadata) => Object.keys(metadata).length <= METADATA.entries, `must have at most ${METADATA.entries} members`);

const createSchema = z.lazy(() =>
  z.looseObject({
    input_file_id: z.string().min(1).describe("A file of JSON Lines, such as one uploaded with the purpose `batch`."),
    endpoint: z.enum(BATCH_ENDPOINTS).describe("What each line asks: its `url`."),
    completion_window: z
      .string()
      .refine(
        (text) => hoursOf(text) >= LEAST_HOURS && hoursOf(text) <= MOST_HOURS,
        `must be from "${LEAST_HOURS}h" to "${MOST_HOURS}h", such as "24h"`,
      )
      .describe("What has not ended by then is canceled."),
    metadata: metadataSchema.nullish().describe("The client's own words, shown again."),
    output_expires_after: z
      .object({
        anchor: z.literal("created_at").describe("What it counts from."),
        seconds: z.int().min(OUTPUT_SECONDS[0]).max(OUTPUT_SECONDS[1]).describe("After the batch was created."),
      })
      .nullish()
      .describe("How long its files are kept; as long as the account's others by default."),
  }),
);

const params = z.object({ id: z.string().describe("The batch's id.") });
const BATCH = { description: "The batch.", json: batchSchema } as const;

const CREATE = {
  summary: "Create a batch: submit the lines of a file as inferences.",
  body: { json: createSchema, limitBytes: ADMIN_BODY_BYTES },
  answers: { 200: BATCH },
} as const satisfies RouteShape;

const GET = { summary: "Get a batch.", params, answers: { 200: BATCH } } as const satisfies RouteShape;

const CANCEL = {
  summary: "Cancel a batch: what has not ended is canceled, and its files have what has.",
  params,
  answers: { 200: BATCH },
} as const satisfies RouteShape;

const LIST = {
  summary: "List batches, newest first.",
  query: z.object({
    after: z.string().max(CURSOR_CHARACTERS).default("").describe("The id of the last batch of the page before."),
    limit: limitSchema(LISTED),
  }),
  answers: {
    200: {
      description: "A page of batches.",
      json: z.lazy(() =>
        z.object({
          object: z.literal("list"),
          data: z.array(batchSchema),
          first_id: z.string().nullable().describe("Of the page."),
          last_id: z.string().nullable().describe("Of the page."),
          has_more: z.boolean().describe("Whether there are older ones."),
        }),
      ),
    },
  },
} as const satisfies RouteShape;

export const batchRoutes = [
  route("submit", "POST", "/v1/batches", CREATE, create),
  route("read", "GET", "/v1/batches", LIST, list),
  route("read", "GET", "/v1/batches/:id", GET, async (call) => json(present(await found(call)))),
  route("cancel", "POST", "/v1/batches/:id/cancel", CANCEL, cancel),
];

async function create(call: KeyCall, { body, text }: Input<typeof CREATE>): Promise<Response> {
  const { ports, caller } = call;
  const idempotency = await idempotencyOf(call, text);
  const fileId = body.input_file_id.toLowerCase();
  const file = isUuid(fileId) ? await findFile(ports.db, caller.accountId, fileId) : null;
  const earlier = idempotency && (await findBatchByKey(ports.db, caller.accountId, idempotency.key));
  if (earlier) return replayed(earlier, idempotency.fingerprint);
  const fault = (detail: string) => problem("invalid_input", { faults: [{ path: ["input_file_id"], detail }] });
  if (!file) throw problem("file_not_found", { detail: `There is no file "${body.input_file_id.slice(0, 64)}".` });
  if (file.state !== "ready") throw fault("is the file of an upload that has not been completed");
  if (file.bytes > BATCH_FILE_BYTES) throw fault(`is a file of ${file.bytes} bytes, and may have ${BATCH_FILE_BYTES}`);
  const it: NewBatch = {
    accountId: caller.accountId,
    keyId: caller.keyId,
    id: newInferenceId(ports.clock.now(), ports.randomBytes),
    endpoint: body.endpoint,
    inputFileId: fileId,
    completionWindow: body.completion_window,
    windowMs: hoursOf(body.completion_window) * HOUR_MS,
    metadata: body.metadata ?? null,
    outputSeconds: body.output_expires_after?.seconds ?? null,
    origin: storedOrigin(call),
    idempotencyKey: idempotency?.key ?? null,
    fingerprint: idempotency?.fingerprint ?? null,
    databaseQuotaBytes: ports.databaseQuotaBytes,
  };
  const batch = await insertBatch(ports.db, it);
  if (!batch) {
    const other = idempotency && (await findBatchByKey(ports.db, caller.accountId, idempotency.key));
    if (other) return replayed(other, idempotency.fingerprint);
    throw await refusalOf(call);
  }
  hintSweep(ports, call.after);
  return json(present(batch));
}

/** What is said to a request whose key was used. */
function replayed(earlier: Batch, fingerprint: string): Response {
  if (earlier.fingerprint !== fingerprint) {
    throw problem("idempotency_key_reused", {
      detail: "The Idempotency-Key was used for another request. Use a key of its own for each batch.",
    });
  }
  return json(present(earlier), { headers: replayHeaders({ replayed: true }) });
}

/** Why a batch was not made whose file is there. */
async function refusalOf({ ports, caller }: KeyCall) {
  const over = overQuota(await storageOf(ports, caller.accountId), 0, ROW_CHARGE_BYTES);
  if (over) return over;
  const open = await openBatches(ports.db, caller.accountId);
  if (open < BATCHES_OPEN) return problem("unavailable", { headers: { "Retry-After": "1" } });
  return problem("too_many_open", {
    detail: `The account has ${open} batches under way and may have ${BATCHES_OPEN}. Wait until some have ended, or cancel some.`,
    headers: { "Retry-After": "60" },
  });
}

async function list(call: KeyCall, { query }: Input<typeof LIST>): Promise<Response> {
  const { limit } = query;
  const after = query.after.toLowerCase();
  if (after !== "" && !isUuid(after)) throw badCursor();
  const batches = await listBatches(call.ports.db, call.caller.accountId, after || null, limit + 1);
  const shown = batches.slice(0, limit);
  return json({
    object: "list",
    data: shown.map(present),
    first_id: shown[0]?.id ?? null,
    last_id: shown.at(-1)?.id ?? null,
    has_more: batches.length > limit,
  });
}

async function cancel(call: KeyCall): Promise<Response> {
  const batch = await found(call);
  const canceled = await cancelBatch(call.ports.db, batch.accountId, batch.id);
  if (canceled) {
    hintSweep(call.ports, call.after);
    return json(present(canceled));
  }
  const now = await found(call);
  if (now.status === "cancelling" || now.status === "cancelled") return json(present(now));
  throw problem("conflict", {
    detail: `Cannot cancel a batch with status "${now.status}".`,
    headers: { "x-should-retry": "false" },
  });
}

/** The batch in the path. Throws if the caller has none of that id. */
async function found({ params: { id = "" }, ports, caller }: KeyCall): Promise<Batch> {
  const batch = isUuid(id) ? await findBatch(ports.db, caller.accountId, id.toLowerCase()) : null;
  if (!batch) throw problem("not_found", { detail: `There is no batch "${id.slice(0, 64)}".` });
  return batch;
}

function present(batch: Batch): z.infer<typeof batchSchema> {
  const { status, endedAt } = batch;
  const at = (ms: number | null) => (ms === null ? null : Math.floor(ms / 1000));
  const endedAs = (one: Batch["status"]) => (status === one ? at(endedAt) : null);
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.endpoint,
    errors: batch.errors.length === 0 ? null : { object: "list", data: batch.errors },
    input_file_id: batch.inputFileId,
    completion_window: batch.completionWindow,
    status,
    output_file_id: endedAt === null ? null : batch.outputFileId,
    error_file_id: endedAt === null ? null : batch.errorFileId,
    created_at: Math.floor(batch.createdAt / 1000),
    in_progress_at: at(batch.inProgressAt),
    expires_at: Math.floor(batch.expiresAt / 1000),
    finalizing_at: at(batch.finalizingAt),
    completed_at: endedAs("completed"),
    failed_at: endedAs("failed"),
    expired_at: endedAs("expired"),
    cancelling_at: at(batch.cancellingAt),
    cancelled_at: endedAs("cancelled"),
    // While it is checked it is not known how many lines there are.
    request_counts: { total: batch.inProgressAt === null ? 0 : batch.total, completed: batch.completed, failed: batch.failed },
    metadata: batch.metadata,
  };
}
