/** Inferences of a test: submitted by a client, or put into the database and claimed there. */
import { env } from "cloudflare:workers";
import { expect } from "vitest";
import { newInferenceId } from "../../../src/ids.ts";
import type { Lane } from "../../../src/models/lane.ts";
import type { Claim } from "../../../src/inferences/sql/record.ts";
import { claimOfWhole, recordAndClaim } from "../../../src/inferences/sql/claim.ts";
import type { Database } from "../../../src/platform/sql.ts";
import { type NewInference, insertInference, insertStatements } from "../../../src/inferences/sql/insert.ts";
import { sweep } from "../../../src/maintenance/sweep.ts";
import {
  DATABASE_QUOTA_BYTES,
  INITIAL_DELAY_MS,
  MAX_ATTEMPTS,
  MAX_DELAY_MS,
  MAX_TIME_IN_QUEUE_SECONDS,
  PRIORITY,
} from "../../../src/limits.ts";
import { as, object, until } from "./requests.ts";
import { ports, still } from "./ports.ts";

/** The id that a submission was given. */
export async function submitted(
  key: string,
  model: string,
  input: unknown = { text: "x" },
  more: Record<string, unknown> = {},
): Promise<string> {
  const answer = await as(key, "POST", "/v1/inferences", { model, input, ...more });
  if (answer.status !== 202) throw new Error(`not accepted: ${answer.status} ${await answer.text()}`);
  return String((await object(answer))["id"]);
}

/** The simulator's queue delivers one batch at a time, so an inference may wait for what earlier tests have left. */
const ENDED_SECONDS = 30;

/** The inference once its client need not wait any longer. */
export function ended(key: string, id: string): Promise<Record<string, unknown>> {
  return until(
    () => object(as(key, "GET", `/v1/inferences/${id}`)),
    (inference) => inference["is_final"] === true,
    ENDED_SECONDS,
  );
}

/** An inference that has waited for longer than it may, and a sweep that has seen it. */
export async function expire(id: string): Promise<void> {
  await env.DB.prepare("UPDATE inferences SET start_by = 1, noted = 0 WHERE id = ?").bind(id).run();
  await sweep(ports());
}

/** A model without versions has one lane. */
export const laneOf = (model: string): Lane => ({ model, version: "" });

let born = 0;

/** A complete submission for the store. Ids sort in the order in which they were made here. */
export function submission(model: string, more: Partial<NewInference> = {}): NewInference {
  const id = newInferenceId(Date.now() + born++, (count) => crypto.getRandomValues(new Uint8Array(count)));
  return {
    accountId: "account-a",
    id,
    keyId: "key",
    dialect: "claimcheck",
    model,
    version: null,
    priority: PRIORITY.default,
    retry: { maxAttempts: MAX_ATTEMPTS.default, initialDelayMs: INITIAL_DELAY_MS.default, maxDelayMs: MAX_DELAY_MS.default },
    maxTimeInQueueSeconds: MAX_TIME_IN_QUEUE_SECONDS.default,
    runWithinSeconds: null,
    cancelAfterSeconds: null,
    idempotencyKey: null,
    fingerprint: null,
    metadata: {},
    input: { at: "row", body: JSON.stringify({ id }), contentType: "application/json" },
    inputBytes: 44,
    inputItems: 1,
    capability: "",
    waiter: null,
    webhook: null,
    databaseQuotaBytes: DATABASE_QUOTA_BYTES.default,
    ...more,
  };
}

/** Submits many that are alike, each with room made for it in the head of its lane, as one that comes alone does. */
export async function queuedMany(count: number, model: string, more: Partial<NewInference> = {}): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    const each = Array.from({ length: Math.min(500, count - done) }, () => submission(model, more));
    const answers = await still().db.batch(each.flatMap((it) => [insertStatements.makeRoom(it, 1), insertStatements.insert(it)]));
    expect(answers.filter((rows, index) => index % 2 === 1 && rows.length === 1)).toHaveLength(each.length);
  }
}

/** Queues an inference in the store itself and tells nobody. Returns its id. */
export async function queued(model: string, more: Partial<NewInference> = {}): Promise<string> {
  const { inference } = await insertInference(still().db, submission(model, more));
  if (!inference) throw new Error(`not queued: ${model}`);
  return inference.id;
}

/** Claims a lane's next inference under a lease, as a runner would; null where nothing is claimable. */
export async function claim(db: Database, lane: Lane, lease: string): Promise<Claim | null> {
  const [given] = await recordAndClaim(db, [{ end: null, statements: [], claim: { lane, lease, count: 1 } }], Math.random);
  return given?.left === "whole" ? claimOfWhole(db, lane, lease) : (given?.claims[0] ?? null);
}

/** What a lane gives to a runner that asks, or an error where it gives nothing. */
export async function claimed(model: string, lease = "lease"): Promise<Claim> {
  const claim_ = await claim(still().db, laneOf(model), lease);
  if (!claim_) throw new Error(`nothing is claimable of ${model}`);
  return claim_;
}

/** An inference's row, as it is stored. */
export async function rowOf(id: string): Promise<Record<string, unknown>> {
  const row = await env.DB.prepare("SELECT * FROM inferences WHERE id = ?").bind(id).first();
  if (!row) throw new Error(`no row: ${id}`);
  return row;
}

/** A backend's row, as it is stored. */
export async function backendRow(id: string): Promise<Record<string, unknown>> {
  const row = await env.DB.prepare("SELECT * FROM backends WHERE id = ?").bind(id).first();
  if (!row) throw new Error(`no backend: ${id}`);
  return row;
}

/** Forgets every inference, for tests of the sweep, which looks at all of them. */
export async function forgetAll(): Promise<void> {
  await env.DB.batch([
    env.DB.prepare("DELETE FROM inferences"),
    env.DB.prepare("DELETE FROM due_notes"),
    env.DB.prepare("DELETE FROM backends"),
  ]);
}
