/** Ending what was begun and beginning again what has ended: cancel, cancel by filter, redrive; races included. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Failure } from "../../src/backends/outcome.ts";
import { run } from "../../src/inferences/run.ts";
import { cancelInference, changeStatements } from "../../src/inferences/sql/change.ts";
import { claimStatements } from "../../src/inferences/sql/claim.ts";
import { dueStatements } from "../../src/maintenance/due.ts";
import { BULK_ROWS, CANCEL_LOOK_MS, LEASE_MS, LEASE_RENEW_MS } from "../../src/limits.ts";
import type { Sql } from "../../src/platform/sql.ts";
import { claim, claimed, forgetAll, laneOf, queued, queuedMany, rowOf } from "./support/inferences.ts";
import { held, standingClock, timePasses } from "./support/clock.ts";
import { still, stillAs, stillEnv } from "./support/ports.ts";
import { gpu } from "./support/outside.ts";
import { newBackend, newModel, newTenant, served } from "./support/tenants.ts";
import { as, object, operator, until } from "./support/requests.ts";

const { db } = still();
const BROKEN: Failure = { class: "infrastructure", code: "backend_cut", message: "The backend's answer broke off.", status: 502 };
const WRONG: Failure = { class: "input", code: "backend_rejected", message: "The backend answered 422.", status: 422 };

beforeEach(forgetAll);

async function counts(model: string): Promise<Record<string, unknown>> {
  const { results } = await env.DB.prepare("SELECT status, count(*) AS count FROM inferences WHERE model = ? GROUP BY status")
    .bind(model)
    .all();
  return Object.fromEntries(results.map(({ status, count }) => [status, count]));
}

describe("a cancel that races", () => {
  const finishes: [string, string, (hold: Parameters<typeof changeStatements.fail>[0]) => Sql][] = [
    [
      "a success",
      "succeeded",
      (hold) => changeStatements.succeed(hold, { at: "row", body: '{"done":true}', contentType: "application/json" }, 13, 1),
    ],
    ["a failure", "failed", (hold) => changeStatements.fail(hold, BROKEN)],
  ];

  test.each(finishes)("%s, 250 rounds: one of the two happens, and stays", { timeout: 60_000 }, async (_what, end, finish) => {
    const model = await served(250);
    await queuedMany(250, model, { accountId: "account-a" });
    const tally: Record<string, number> = {};
    for (let round = 0; round < 250; round++) {
      const hold = await claimed(model, `lease-${round}`);
      const cancel = () => cancelInference(db, hold.accountId, hold.id);
      const record = () => db.batch([finish(hold)]);
      const [canceled, recorded] =
        round % 2 === 0 ? await Promise.all([cancel(), record()]) : (await Promise.all([record(), cancel()])).toReversed();
      const row = await rowOf(hold.id);
      const won = [canceled === null ? [] : ["canceled"], (recorded as unknown[][])[0]?.length === 1 ? [end] : []].flat();
      expect(won).toEqual([row["status"]]);
      if (row["status"] === "canceled") {
        expect(row).toMatchObject({ output: null, output_object: null, output_bytes: null, error: null });
      }
      const log = JSON.parse(String(row["log"])) as { event: string }[];
      expect(log.map(({ event }) => event)).toEqual(["queued", "claimed", row["status"]]);
      expect(await Promise.all([cancel(), db.all(finish(hold))])).toEqual([null, []]);
      expect(await rowOf(hold.id)).toEqual(row);
      tally[String(row["status"])] = (tally[String(row["status"])] ?? 0) + 1;
    }
    expect(Object.values(tally).reduce((sum, count) => sum + count, 0)).toBe(250);
    expect(tally["canceled"]).toBeGreaterThan(0);
    expect(tally[end]).toBeGreaterThan(0);
  });

  test("the backend's answer, through the API: what was answered is what stays", { timeout: 60_000 }, async () => {
    const { key, accountId } = await newTenant();
    const model = await served(40);
    for (let round = 0; round < 40; round++) {
      const id = await queued(model, { accountId });
      const called = held<true>();
      const answer = held<true>();
      const fetch = gpu(async () => {
        called.release(true);
        await answer.promise;
        return Response.json({ done: true });
      });
      const running = run(still({ fetch }), [laneOf(model)], `lease-${round}`);
      await called.promise;
      if (round % 2 === 0) answer.release(true);
      const canceling = stillAs(key, "POST", `/v1/inferences/${id}/cancel`);
      answer.release(true);
      const canceled = await canceling;
      await running;
      const inference = await object(stillAs(key, "GET", `/v1/inferences/${id}`));
      if (canceled.status === 200) expect(inference).toMatchObject({ status: "canceled", output: null, stopped: "best_effort" });
      else {
        expect([canceled.status, inference["status"], inference["output"]]).toEqual([409, "succeeded", { done: true }]);
        expect(await object(canceled)).toMatchObject({ code: "already_final", inference_status: "succeeded" });
      }
      expect((await stillAs(key, "GET", `/v1/inferences/${id}/result`)).status).toBe(canceled.status === 200 ? 409 : 200);
    }
  });

  test("a claim leaves the inference canceled, claimed or not", { timeout: 60_000 }, async () => {
    const model = await served(100);
    for (let round = 0; round < 100; round++) {
      const id = await queued(model);
      const claiming = db.all(claimStatements.claim(laneOf(model), `lease-${round}`));
      const [rows, canceled] = await Promise.all([claiming, cancelInference(db, "account-a", id)]);
      expect(canceled).toMatchObject({ status: "canceled", stopped: rows.length === 1 ? "best_effort" : "confirmed" });
      expect(await rowOf(id)).toMatchObject({
        status: "canceled",
        attempt: rows.length,
        lease: rows.length === 1 ? `lease-${round}` : null,
      });
    }
  });

  test("another cancel answers both with the same inference", async () => {
    const { key, accountId } = await newTenant();
    const id = await queued(await served(), { accountId });
    const answers = await Promise.all(Array.from({ length: 10 }, () => stillAs(key, "POST", `/v1/inferences/${id}/cancel`)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(bodies).size).toBe(1);
  });
});

describe("a cancel of a running inference", () => {
  test("closes the connection to its backend within a second, and its output is dropped", async () => {
    const model = await served();
    const id = await queued(model);
    const clock = standingClock();
    const called = held<AbortSignal>();
    const fetch = (_url: string, init: RequestInit) => {
      if (init.signal) called.release(init.signal);
      return new Promise<Response>((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("closed"))));
    };
    const running = run(still({ fetch, clock }), [laneOf(model)], "lease");
    const signal = await called.promise;
    expect((await cancelInference(db, "account-a", id))?.status).toBe("canceled");
    const lookIn = Math.min(...clock.asked);
    expect(lookIn).toBe(CANCEL_LOOK_MS);
    expect(CANCEL_LOOK_MS).toBeLessThan(1_000);
    clock.advance(lookIn - 1);
    expect(signal.aborted).toBe(false);
    clock.advance(1);
    await running;
    expect(signal.aborted).toBe(true);
    expect(await rowOf(id)).toMatchObject({ status: "canceled", stopped: "best_effort", attempt: 1, output: null });
  });

  test("closes no other connection of the same runner invocation", async () => {
    const model = await served(2);
    const ids = [await queued(model), await queued(model)];
    const clock = standingClock();
    const signals = new Map<string, AbortSignal>();
    const both = held<true>();
    const finish = held<true>();
    const fetch = async (_url: string, init: RequestInit) => {
      const { id } = JSON.parse(typeof init.body === "string" ? init.body : "") as { id: string };
      if (init.signal) signals.set(id, init.signal);
      if (signals.size === 2) both.release(true);
      const closed = new Promise<never>((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("closed"))));
      await Promise.race([finish.promise, closed]);
      return Response.json({ done: true });
    };
    const running = run(still({ fetch, clock }), [laneOf(model), laneOf(model)], "lease");
    await both.promise;
    await cancelInference(db, "account-a", ids[0] ?? "");
    clock.advance(LEASE_RENEW_MS);
    await until(
      async () => signals.get(ids[0] ?? "")?.aborted,
      (aborted) => aborted === true,
    );
    expect(signals.get(ids[1] ?? "")?.aborted).toBe(false);
    finish.release(true);
    await running;
    expect(await Promise.all(ids.map(async (id) => (await rowOf(id))["status"]))).toEqual(["canceled", "succeeded"]);
  });

  test.each([
    ["its runner was told to let go", true],
    ["its call had come to its end before that", false],
  ])("gives its slot to the next at once where %s", async (_when, isTold) => {
    const model = await served(1);
    const id = await queued(model);
    const next = await queued(model);
    const clock = standingClock();
    const called = held<true>();
    const finish = held<true>();
    const fetch = async (_url: string, init: RequestInit) => {
      const closed = new Promise<never>((_, reject) => init.signal?.addEventListener("abort", () => reject(new Error("closed"))));
      called.release(true);
      await Promise.race([finish.promise, closed]);
      return Response.json({ done: true });
    };
    const running = run(still({ fetch, clock }), [laneOf(model)], "lease");
    await called.promise;
    await cancelInference(db, "account-a", id);
    if (isTold) {
      clock.advance(LEASE_RENEW_MS);
      await until(
        () => rowOf(next).then((row) => row["status"]),
        (status) => status === "in_progress",
      );
    }
    finish.release(true);
    await running;
    expect([(await rowOf(id))["status"], (await rowOf(next))["status"]]).toEqual(["canceled", "succeeded"]);
    expect(await rowOf(id)).toMatchObject({ lease: null, output: null });
  });

  test("wakes another runner for its slot where the one that let go of it has already been given another", async () => {
    const model = await served(2);
    const id = await queued(model);
    const called = held<true>();
    const finish = held<true>();
    const woken: unknown[] = [];
    const fetch = async () => {
      called.release(true);
      await finish.promise;
      return Response.json({ done: true });
    };
    const running = run(still({ fetch, wake: async (lanes) => void woken.push(...lanes) }), [laneOf(model)], "lease");
    await called.promise;
    await cancelInference(db, "account-a", id);
    const next = await queued(model);
    finish.release(true);
    await running;
    expect([(await rowOf(next))["status"], (await rowOf(id))["lease"]]).toEqual(["succeeded", null]);
    expect(woken).toEqual([laneOf(model)]);
  });

  test("frees its slot when its runner lets go of it, and no sooner: the call may still run", async () => {
    const model = await served(1);
    const id = await queued(model);
    const next = await queued(model);
    const hold = await claimed(model);
    await cancelInference(db, "account-a", id);
    expect(await claim(db, laneOf(model), "another")).toBeNull();
    await db.all(claimStatements.release(hold));
    expect((await claimed(model)).id).toBe(next);
  });

  test("frees its slot when its lease lapses, should its runner be lost", async () => {
    const model = await served(1);
    const id = await queued(model);
    const next = await queued(model);
    await claimed(model);
    await cancelInference(db, "account-a", id);
    await timePasses(model, LEASE_MS);
    expect((await claimed(model)).id).toBe(next);
  });
});

describe("what an answer says was stopped", () => {
  test.each([
    [false, "confirmed"],
    [true, "best_effort"],
  ])("of one that runs (%s) is %s, in the cancel's answer and ever after", async (runs, stopped) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    expect(await object(stillAs(key, "GET", `/v1/inferences/${id}`))).not.toHaveProperty("stopped");
    if (runs) await claimed(model);
    const answer = await object(stillAs(key, "POST", `/v1/inferences/${id}/cancel`));
    expect(answer).toMatchObject({ status: "canceled", is_final: true, stopped, waiting_on: null, poll_after: null });
    expect(await object(stillAs(key, "GET", `/v1/inferences/${id}`))).toEqual(answer);
    expect(await object(stillAs(key, "POST", `/v1/inferences/${id}/cancel`))).toEqual(answer);
  });
});

describe("a cancel by filter", () => {
  const cancelMany = (key: string, body: unknown) => stillAs(key, "POST", "/v1/inferences/cancel", body);

  test.each([
    ["nothing at all", {}],
    ["only a dry run", { dry_run: true }],
    ["only a place to go on", { after: "0190a5a0-0000-7000-8000-000000000000" }],
    ["an empty metadata", { metadata: {} }],
  ])("that names %s is refused, and cancels nothing", async (_what, body) => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await queued(model, { accountId });
    const answer = await cancelMany(key, body);
    expect([answer.status, (await object(answer))["code"]]).toEqual([422, "invalid_input"]);
    expect(await counts(model)).toEqual({ queued: 1 });
  });

  test("takes a place to go on that a call before gave, and no longer text", async () => {
    const { key } = await newTenant();
    const answer = await cancelMany(key, { status: "queued", after: "x".repeat(65) });
    expect([answer.status, JSON.stringify(await answer.json())]).toEqual([422, expect.stringContaining('"after\\" must be the')]);
  });

  test("cancels what it matches, of its own account alone, and leaves what is final", async () => {
    const { key, accountId } = await newTenant();
    const model = await served(2);
    const other = await newModel();
    const running = await queued(model, { accountId });
    await claimed(model);
    const done = await queued(model, { accountId });
    const hold = await claimed(model);
    await db.all(changeStatements.fail(hold, WRONG));
    await queuedMany(3, model, { accountId });
    await queued(other, { accountId });
    await queued(model, { accountId: "account-b" });
    expect(await object(cancelMany(key, { model, dry_run: true }))).toMatchObject({ dry_run: true, matched: 4, next: null });
    expect(await counts(model)).toEqual({ failed: 1, in_progress: 1, queued: 4 });
    expect(await object(cancelMany(key, { model }))).toMatchObject({ dry_run: false, canceled: 4, next: null });
    expect(await counts(model)).toEqual({ canceled: 4, failed: 1, queued: 1 });
    expect(await counts(other)).toEqual({ queued: 1 });
    expect((await rowOf(running))["stopped"]).toBe("best_effort");
    expect((await rowOf(done))["status"]).toBe("failed");
  });

  test("by the operator is of one account, also of one that is deleted", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await queuedMany(3, model, { accountId });
    await queued(model, { accountId: "account-b" });
    const cancel = (body: unknown) => stillAs(env.ADMIN_TOKEN, "POST", "/admin/v1/cancel", body);
    expect((await as(key, "POST", "/admin/v1/cancel", { account_id: accountId })).status).toBe(401);
    expect((await operator("DELETE", `/accounts/${accountId}`)).status).toBe(200);
    expect([(await cancel({})).status, (await cancel({ model })).status, (await cancel({ account_id: "none" })).status]).toEqual([
      422, 422, 404,
    ]);
    expect(await object(cancel({ account_id: accountId, model: "another" }))).toMatchObject({ canceled: 0 });
    expect(await object(cancel({ account_id: accountId, dry_run: true }))).toMatchObject({ dry_run: true, matched: 3, next: null });
    expect(await counts(model)).toEqual({ queued: 4 });
    expect(await object(cancel({ account_id: accountId }))).toMatchObject({ dry_run: false, canceled: 3, next: null });
    expect(await counts(model)).toEqual({ canceled: 3, queued: 1 });
  });

  test("narrows by status, by metadata and by time", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    await queued(model, { accountId, metadata: { order: "7" } });
    await claimed(model);
    const mine = await queued(model, { accountId, metadata: { order: "7", region: "eu" } });
    const early = await queued(model, { accountId, metadata: { order: "8" } });
    const late = await queued(model, { accountId, metadata: { order: "9" } });
    await env.DB.prepare("UPDATE inferences SET created_at = 1000 WHERE id = ?").bind(early).run();
    const cut = "2001-01-01T00:00:00Z";
    expect(await object(cancelMany(key, { metadata: { order: "6" } }))).toMatchObject({ canceled: 0 });
    expect(await object(cancelMany(key, { status: "queued", metadata: { order: "7" } }))).toMatchObject({ canceled: 1 });
    expect(await object(cancelMany(key, { model, created_before: cut }))).toMatchObject({ canceled: 1 });
    expect(await object(cancelMany(key, { status: "queued", created_after: cut }))).toMatchObject({ canceled: 1 });
    expect(await Promise.all([mine, early, late].map(async (id) => (await rowOf(id))["status"]))).toEqual([
      "canceled",
      "canceled",
      "canceled",
    ]);
    expect(await counts(model)).toEqual({ canceled: 3, in_progress: 1 });
  });

  test("goes on page by page until there is no next", { timeout: 60_000 }, async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const total = 2 * BULK_ROWS + 100;
    await queuedMany(total, model, { accountId });
    for (const dryRun of [true, false]) {
      const pages: number[] = [];
      let after: unknown;
      do {
        const page = await object(cancelMany(key, { model, dry_run: dryRun, ...(after ? { after } : {}) }));
        pages.push(Number(page[dryRun ? "matched" : "canceled"]));
        expect(page["looked_at"]).toBe(pages.at(-1));
        after = page["next"];
      } while (after);
      expect(pages).toEqual([BULK_ROWS, BULK_ROWS, 100]);
      expect(await counts(model)).toEqual(dryRun ? { queued: total } : { canceled: total });
    }
  });
});

describe("a redrive", () => {
  /** One that has failed at its only attempt. */
  async function failed(model: string, accountId: string, error: Failure = BROKEN): Promise<string> {
    const id = await queued(model, {
      accountId,
      priority: 2,
      maxTimeInQueueSeconds: 60,
      retry: { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 },
    });
    await db.all(changeStatements.fail(await claimed(model), error));
    return id;
  }

  test("queues a failed one again under its id, with its attempts and its time in the queue anew", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await failed(model, accountId);
    await env.DB.prepare("UPDATE inferences SET start_by = 1, level = 0, takedowns = 1 WHERE id = ?").bind(id).run();
    const answer = await stillAs(key, "POST", `/v1/inferences/${id}/redrive`);
    expect(answer.status).toBe(202);
    expect(await object(answer)).toMatchObject({ id, status: "queued", is_final: false, error: null, finished_at: null, attempts: 1 });
    const row = await rowOf(id);
    expect(row).toMatchObject({ level: 2, takedowns: 0, attempts_before: 1, idempotency_key: null });
    expect(Number(row["start_by"]) - Number(row["updated_at"])).toBe(60_000);
    const it = await claimed(model);
    expect([it.attempt, it.attemptsSince]).toEqual([2, 1]);
    await db.all(changeStatements.succeed(it, { at: "row", body: "{}", contentType: "application/json" }, 2, 1));
    const { logs } = await object(stillAs(key, "GET", `/v1/inferences/${id}?logs=1`));
    expect(logs).toMatchObject(["queued", "claimed", "failed", "redriven", "claimed", "succeeded"].map((event) => ({ event })));
  });

  test("gives an expired one its time in the queue again", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    await env.DB.prepare("UPDATE inferences SET start_by = 1 WHERE id = ?").bind(id).run();
    await db.all(dueStatements.expireDue(10, BROKEN));
    expect((await stillAs(key, "POST", `/v1/inferences/${id}/redrive`)).status).toBe(202);
    expect((await claimed(model)).id).toBe(id);
  });

  test("sends a wake-up for it", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    const id = await failed(model, accountId);
    const sent: unknown[] = [];
    const queue = {
      async sendBatch(messages: Iterable<MessageSendRequest>) {
        sent.push(...[...messages].map(({ body }) => body));
      },
    };

    await stillAs(key, "POST", `/v1/inferences/${id}/redrive`, undefined, {}, stillEnv({ WAKE_UPS: queue }));
    expect(sent).toEqual([laneOf(model)]);
  });

  test.each(["queued", "in_progress", "succeeded", "canceled"])("of one that is %s is refused and changes nothing", async (status) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    if (status === "in_progress" || status === "succeeded") {
      const hold = await claimed(model);
      if (status === "succeeded") {
        await db.all(changeStatements.succeed(hold, { at: "row", body: "{}", contentType: "application/json" }, 2, 1));
      }
    }
    if (status === "canceled") await cancelInference(db, accountId, id);
    const before = await rowOf(id);
    const answer = await stillAs(key, "POST", `/v1/inferences/${id}/redrive`);
    expect([answer.status, await object(answer)]).toEqual([409, expect.objectContaining({ code: "conflict", inference_status: status })]);
    expect(await rowOf(id)).toEqual(before);
  });

  test("of another account's is not found", async () => {
    const { key } = await newTenant();
    const model = await served();
    const id = await failed(model, "account-b");
    expect((await stillAs(key, "POST", `/v1/inferences/${id}/redrive`)).status).toBe(404);
    expect((await rowOf(id))["status"]).toBe("failed");
  });

  test("happens once, however many ask at the same time", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await failed(model, accountId);
    const answers = await Promise.all(Array.from({ length: 10 }, () => stillAs(key, "POST", `/v1/inferences/${id}/redrive`)));
    const statuses = answers.map(({ status }) => status).toSorted((a, b) => a - b);
    expect(statuses).toEqual([202, ...Array.from({ length: 9 }, () => 409)]);
  });

  describe("of one whose lane is gone", () => {
    const deleted = async (model: string) => {
      await env.DB.prepare("DELETE FROM backends WHERE model = ?").bind(model).run();
      expect((await operator("DELETE", `/models/${model}`)).status).toBe(200);
    };

    test("is refused as a submit to it is, by its account and by the operator", async () => {
      const { key, accountId } = await newTenant();
      const model = await served();
      const id = await failed(model, accountId);
      await deleted(model);
      const before = await rowOf(id);
      const detail = `There is no model "${model}".`;
      expect(await object(as(key, "POST", "/v1/inferences", { model, input: {} }))).toMatchObject({
        status: 404,
        code: "model_not_found",
        detail,
      });
      for (const answer of [
        stillAs(key, "POST", `/v1/inferences/${id}/redrive`),
        operator("POST", `/inferences/${accountId}/${id}/redrive`),
      ]) {
        expect(await object(answer)).toMatchObject({ status: 404, code: "model_not_found", detail });
      }
      expect(await rowOf(id)).toEqual(before);
    });

    test("is refused if only its version is gone", async () => {
      const { key, accountId } = await newTenant();
      const model = await newModel({ versions: ["v1", "v2"] });
      const id = await queued(model, { accountId, version: "v1" });
      await env.DB.prepare("UPDATE inferences SET status = 'failed', error = ?, finished_at = 1 WHERE id = ?")
        .bind(JSON.stringify(BROKEN), id)
        .run();
      expect((await operator("PATCH", `/models/${model}`, { versions: ["v2"] })).status).toBe(200);
      const refused = await object(stillAs(key, "POST", `/v1/inferences/${id}/redrive`));
      expect(refused).toMatchObject({
        status: 404,
        code: "model_not_found",
        detail: `The model "${model}" has no version "v1". It has "v2".`,
      });
      const many = { model, account_id: accountId };
      expect(await object(operator("POST", "/redrive", many))).toMatchObject({
        redriven: 0,
        refused: [{ code: "model_not_found", count: 1 }],
      });
      await operator("PATCH", `/models/${model}`, { versions: ["v1", "v2"] });
      expect(await object(operator("POST", "/redrive", many))).toMatchObject({ redriven: 1, refused: [] });
    });

    test("is counted by a redrive by filter as refused, beside others that can't run again, and in a dry run too", async () => {
      const { key, accountId } = await newTenant();
      const [gone, model] = [await served(), await served()];
      const ids: string[] = [];
      for (const one of [gone, gone, model, model, model]) ids.push(await failed(one, accountId));
      await deleted(gone);
      await env.DB.prepare("UPDATE inferences SET data_removed_at = 1 WHERE id = ?").bind(ids[2]).run();
      await env.DB.prepare("UPDATE inferences SET attempt = 1000 WHERE id = ?").bind(ids[3]).run();
      const redriveMany = (body: unknown) => object(stillAs(key, "POST", "/v1/inferences/redrive", body));
      const refused = expect.arrayContaining([
        { code: "model_not_found", count: 2 },
        { code: "payload_gone", count: 1 },
        { code: "conflict", count: 1 },
      ]);
      const broken = { error_code: BROKEN.code };
      const dry = await redriveMany({ ...broken, dry_run: true });
      expect(dry).toMatchObject({ looked_at: 5, matched: 1, by_error: [{ code: BROKEN.code, count: 1 }], refused });
      expect(await redriveMany(broken)).toMatchObject({ looked_at: 5, redriven: 1, refused });
      expect(await Promise.all(ids.map(async (id) => (await rowOf(id))["status"]))).toEqual([
        "failed",
        "failed",
        "failed",
        "failed",
        "queued",
      ]);
    });
  });

  describe("by the operator", () => {
    const redriveMany = (body: unknown) => stillAs(env.ADMIN_TOKEN, "POST", "/admin/v1/redrive", body);

    test("is by filter, over all accounts, after a dry run that only counts", async () => {
      const model = await served();
      const ids = [await failed(model, "account-a"), await failed(model, "account-b"), await failed(model, "account-b", WRONG)];
      const other = await served();
      await failed(other, "account-a");
      const infrastructure = { model, error_class: "infrastructure" };
      expect(await object(redriveMany({ ...infrastructure, dry_run: true }))).toMatchObject({ dry_run: true, matched: 2, next: null });
      expect(await counts(model)).toEqual({ failed: 3 });
      expect(await object(redriveMany(infrastructure))).toMatchObject({ dry_run: false, redriven: 2, next: null });
      expect(await object(redriveMany(infrastructure))).toMatchObject({ redriven: 0 });
      expect(await Promise.all(ids.map(async (id) => (await rowOf(id))["status"]))).toEqual(["queued", "queued", "failed"]);
      expect(await counts(other)).toEqual({ failed: 1 });
      expect(await object(redriveMany({ model, account_id: "account-b", status: "failed" }))).toMatchObject({ redriven: 1 });
    });

    test("goes on page by page, over accounts, until there is no next", { timeout: 60_000 }, async () => {
      const model = await newModel();
      await queuedMany(BULK_ROWS - 300, model, { accountId: "account-a" });
      await queuedMany(BULK_ROWS, model, { accountId: "account-b" });
      await env.DB.prepare("UPDATE inferences SET status = 'failed', error = ?, start_by = 1 WHERE model = ?")
        .bind(JSON.stringify(BROKEN), model)
        .run();
      for (const dryRun of [true, false]) {
        const pages: number[] = [];
        let after: unknown;
        do {
          const page = await object(redriveMany({ model, dry_run: dryRun, ...(after ? { after } : {}) }));
          pages.push(Number(page[dryRun ? "matched" : "redriven"]));
          after = page["next"];
        } while (after);
        expect(pages).toEqual([BULK_ROWS, BULK_ROWS - 300]);
      }
      expect(await counts(model)).toEqual({ queued: 2 * BULK_ROWS - 300 });
    });

    test.each([
      ["nothing at all", {}],
      ["only a dry run", { dry_run: true }],
      ["a status that can't be redriven", { status: "succeeded" }],
      ["a member that is unknown", { model: "m", everything: true }],
    ])("that names %s is refused", async (_what, body) => {
      const model = await served();
      await failed(model, "account-a");
      expect((await redriveMany(body)).status).toBe(422);
      expect(await counts(model)).toEqual({ failed: 1 });
    });

    test("is the operator's alone", async () => {
      const { key } = await newTenant();
      expect((await as(key, "POST", "/admin/v1/redrive", { model: "m" })).status).toBe(401);
      expect((await operator("POST", "/redrive", { model: "no-such-model" })).status).toBe(200);
    });
  });
});
