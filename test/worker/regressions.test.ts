/** How other queues have lost, doubled or starved jobs: each known bug, proved not to be here. */
import { createExecutionContext, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import type { Failure } from "../../src/backends/outcome.ts";
import { RUNNER_LOST, WAITED_TOO_LONG } from "../../src/inferences/retry.ts";
import { TRANSITIONS, type Status } from "../../src/inferences/status.ts";
import { run } from "../../src/inferences/run.ts";
import type { Claim } from "../../src/inferences/sql/record.ts";
import { cancelInference, changeStatements, redriveInference } from "../../src/inferences/sql/change.ts";
import { claimStatements } from "../../src/inferences/sql/claim.ts";
import { dueStatements } from "../../src/maintenance/due.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { AGEING_MS, LEASE_MS, LEASE_RENEW_MS, SWEEP_PASS_MS, SWEEP_ROWS, SWEEP_TICK_MS, WAKE_UP_LOST_MS } from "../../src/limits.ts";
import type { Sql } from "../../src/platform/sql.ts";
import { claim, claimed, forgetAll, laneOf, queued, queuedMany, rowOf } from "./support/inferences.ts";
import { databaseNow, held, standingClock, timePasses } from "./support/clock.ts";
import { asDatabase, still, stillAs, stillEnv, swept } from "./support/ports.ts";
import { gpu } from "./support/outside.ts";
import { newModel, newTenant, served } from "./support/tenants.ts";
import { ORIGIN, object, until } from "./support/requests.ts";

const { db } = still();
const BROKEN: Failure = { class: "infrastructure", code: "backend_cut", message: "The backend's answer broke off.", status: 502 };
const OUTPUT = { at: "row", body: '{"done":true}', contentType: "application/json" } as const;

beforeEach(forgetAll);
afterEach(() => {
  vi.useRealTimers();
});

/** Puts everything of a model into `in_progress`, held by runners of which nothing has been heard since. */
async function abandon(model: string): Promise<void> {
  await env.DB.prepare(
    `UPDATE inferences SET status = 'in_progress', attempt = 1, lease = 'dead', lease_until = 1, started_at = 1,
      backend_id = (SELECT id FROM backends WHERE model = ?1) WHERE model = ?1`,
  )
    .bind(model)
    .run();
}

const statusOf = async (id: string) => (await rowOf(id))["status"];
const countOf = async (model: string, status: Status) =>
  Number(
    await env.DB.prepare("SELECT count(*) AS count FROM inferences WHERE model = ? AND status = ?").bind(model, status).first("count"),
  );

describe("River #1302: a rescuer overwrote a completed job", () => {
  test(
    "an inference whose runner finishes while the sweep takes it for lost is either, and a success stays",
    { timeout: 60_000 },
    async () => {
      const model = await served(100);
      const ends = new Set<unknown>();
      for (let round = 0; round < 100; round++) {
        const id = await queued(model);
        const hold = await claimed(model, `lease-${round}`);
        await env.DB.prepare("UPDATE inferences SET lease_until = 1 WHERE id = ?").bind(id).run();
        const finish = () => db.batch([changeStatements.succeed(hold, OUTPUT, 13, 1)]);
        const rescue = () => db.batch([dueStatements.requeueLapsed(10, RUNNER_LOST)]);
        const both = round % 2 === 0 ? [finish(), rescue()] : [rescue(), finish()];
        const rows = (await Promise.all(both)).map(([changed = []]) => changed.length);
        expect(rows.toSorted((a, b) => a - b)).toEqual([0, 1]);
        const row = await rowOf(id);
        expect(row["output"]).toBe(row["status"] === "succeeded" ? OUTPUT.body : null);
        ends.add(row["status"]);
        await rescue();
        expect(await statusOf(id)).toBe(row["status"]);
        await cancelInference(db, "account-a", id);
      }
      expect(ends).toEqual(new Set(["succeeded", "queued"]));
    },
  );

  test("a lease that was renewed in the meantime is none of the sweep's business", async () => {
    const model = await served();
    const id = await queued(model);
    const hold = await claimed(model);
    await timePasses(model, LEASE_MS - 5_000);
    expect(await db.all(claimStatements.renew(hold.lease, [hold]))).toHaveLength(1);
    await timePasses(model, LEASE_MS - 5_000);
    await swept();
    expect(await rowOf(id)).toMatchObject({ status: "in_progress", attempt: 1, lease: hold.lease });
  });
});

test("River #1105: the sweep discards nothing of a model that it does not know", async () => {
  const model = await served();
  const waiting = await queued(model);
  const running = await queued(model);
  await claimed(model);
  await env.DB.batch([
    env.DB.prepare("DELETE FROM backends WHERE model = ?").bind(model),
    env.DB.prepare("DELETE FROM models WHERE name = ?").bind(model),
  ]);
  await timePasses(model, LEASE_MS + WAKE_UP_LOST_MS);
  await swept();
  await swept();
  expect(await Promise.all([waiting, running].map(statusOf))).toEqual(["queued", "queued"]);
  expect((await rowOf(waiting))["error"]).toBeNull();
});

describe("River #1318: a full page of rows that can't be rescued starved the rest", () => {
  test.each([
    ["age", "ages_at = 2"],
    ["expire", "start_by = 2"],
    ["are cancelled", "cancel_at = 2"],
    ["are ready again", "not_before = 2"],
  ])("a lapsed lease is acted on within two passes, although 1,000 others %s first", { timeout: 60_000 }, async (_what, due) => {
    const crowd = await newModel();
    await queuedMany(1_000, crowd, { priority: 2 });
    await env.DB.prepare(`UPDATE inferences SET ${due} WHERE model = ?`).bind(crowd).run();
    const model = await served();
    const id = await queued(model);
    await claimed(model);
    await env.DB.prepare("UPDATE inferences SET lease_until = 3 WHERE id = ?").bind(id).run();
    await swept();
    await swept();
    expect(await statusOf(id)).toBe("queued");
  });

  test.each([
    ["age", "ages_at = 2", 2],
    ["are ready again", "not_before = 2", 0],
  ])("an expiry is acted on within two passes, although 1,000 others %s first", { timeout: 60_000 }, async (_what, due, priority) => {
    const crowd = await newModel();
    await queuedMany(1_000, crowd, { priority });
    await env.DB.prepare(`UPDATE inferences SET ${due} WHERE model = ?`).bind(crowd).run();
    const id = await queued(await newModel());
    await env.DB.prepare("UPDATE inferences SET start_by = 3 WHERE id = ?").bind(id).run();
    await swept();
    await swept();
    expect(await statusOf(id)).toBe("expired");
  });
});

describe("River #1251: one hung database call stopped all periodic work", () => {
  test("a sweep that hangs has set its next alarm before, and ends within its time limit", async () => {
    const stub = env.SWEEP.getByName(`sweep-${crypto.randomUUID()}`);
    await runInDurableObject(stub, async (instance, state) => {
      const hung = { prepare: () => ({ bind: () => ({ all: () => new Promise(() => {}) }) }), batch: () => new Promise(() => {}) };
      Object.assign(instance, { env: { ...env, DB: asDatabase(hung) } });
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      let over = false;
      const alarm = instance.alarm().finally(() => {
        over = true;
      });
      const next = await state.storage.getAlarm();
      expect(next).not.toBeNull();
      expect(Math.abs((next ?? 0) - Date.now())).toBeLessThanOrEqual(SWEEP_TICK_MS + 500);
      await vi.advanceTimersByTimeAsync(SWEEP_PASS_MS - 1);
      expect(over).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await alarm;
      expect(await state.storage.getAlarm()).not.toBeNull();
      await state.storage.deleteAlarm();
    });
  });
});

test("River #1258: of 5,133 that run with nobody behind them, none is left running", { timeout: 120_000 }, async () => {
  const model = await served(1);
  await queuedMany(5_133, model);
  await abandon(model);
  let left = 5_133;
  while (left > 0) {
    await swept();
    const now = await countOf(model, "in_progress");
    expect(now).toBeLessThanOrEqual(Math.max(0, left - SWEEP_ROWS));
    left = now;
  }
  expect(await countOf(model, "queued")).toBe(5_133);
});

describe("Bull #1355: under load, jobs that ran were judged stalled and ran again", () => {
  test("a runner's leases are renewed on a task of their own, however long and large its work is", { timeout: 30_000 }, async () => {
    const model = await served(5);
    const ids: string[] = [];
    const large = "x".repeat(250_000);
    for (let count = 0; count < 5; count++) {
      const text = JSON.stringify({ large, count });
      ids.push(await queued(model, { input: { at: "row", body: text, contentType: "application/json" }, inputBytes: text.length }));
    }
    const clock = standingClock();
    const finish = held<true>();
    let called = 0;
    const fetch = gpu(async () => {
      called++;
      await finish.promise;
      return Response.json({ large });
    });
    const running = run(
      still({ fetch, clock }),
      ids.map(() => laneOf(model)),
      "lease",
    );
    await until(
      async () => called,
      (count) => count === 5,
    );
    for (let renewal = 0; renewal < 30; renewal++) {
      await timePasses(model, LEASE_RENEW_MS);
      clock.advance(LEASE_RENEW_MS);
      const shortest = "SELECT min(lease_until) - CAST(unixepoch('subsec') * 1000 AS INTEGER) AS left FROM inferences WHERE model = ?";
      const left = () => env.DB.prepare(shortest).bind(model).first<number>("left");
      expect(await until(left, (ms) => (ms ?? 0) > LEASE_MS - 5_000)).toBeGreaterThan(LEASE_MS - 5_000);
      await swept();
    }
    finish.release(true);
    await running;
    expect(called).toBe(5);
    expect(await Promise.all(ids.map(async (id) => [await statusOf(id), (await rowOf(id))["attempt"]]))).toEqual(
      ids.map(() => ["succeeded", 1]),
    );
  });
});

test("Bull #91: a runner that joins late gets nothing that another works on, and a late result is refused", async () => {
  const model = await served(10);
  const id = await queued(model);
  const first = await claimed(model, "first");
  expect(await claim(db, laneOf(model), "joins late")).toBeNull();
  await timePasses(model, LEASE_MS);
  await swept();
  const second = await claimed(model, "second");
  await db.all(changeStatements.succeed(second, OUTPUT, 13, 1));
  const row = await rowOf(id);
  expect(await db.all(changeStatements.succeed(first, { ...OUTPUT, body: '{"late":true}' }, 13, 1))).toEqual([]);
  expect(await db.all(changeStatements.retry(first, BROKEN, 0, false))).toEqual([]);
  expect(await db.all(changeStatements.fail(first, BROKEN))).toEqual([]);
  expect(await rowOf(id)).toEqual(row);
});

describe("BullMQ #648: workers had stopped, submits still succeeded, and nothing told", () => {
  test("a model's queue tells how long its oldest has waited, and the sweep wakes runners until one comes", async () => {
    const { key } = await newTenant();
    const model = await served(1);
    await stillAs(key, "POST", "/v1/inferences", { model, input: {} });
    const ages: unknown[] = [];
    for (let minute = 0; minute < 3; minute++) {
      await timePasses(model, 60_000);
      ages.push(Math.floor(Number((await object(stillAs(key, "GET", `/v1/models/${model}/queue`)))["oldest_wait_ms"]) / 60_000));
      expect(await swept()).toEqual([laneOf(model)]);
    }
    expect(ages).toEqual([1, 2, 3]);
    await claimed(model);
    expect(await swept()).toEqual([]);
  });
});

test("BullMQ #2151: a sweep that failed comes again all the same", async () => {
  const stub = env.SWEEP.getByName(`sweep-${crypto.randomUUID()}`);
  const model = await newModel();
  const id = await queued(model);
  await env.DB.prepare("UPDATE inferences SET start_by = 1 WHERE id = ?").bind(id).run();
  await runInDurableObject(stub, async (instance, state) => {
    const lost = () => {
      throw new Error("D1_ERROR: connection lost");
    };
    Object.assign(instance, { env: { ...env, DB: asDatabase({ prepare: () => ({ bind: () => ({ all: lost }) }), batch: lost }) } });
    await instance.alarm();
    expect(await state.storage.getAlarm()).not.toBeNull();
    expect(await statusOf(id)).toBe("queued");
    Object.assign(instance, { env: stillEnv() });
    await instance.alarm();
    expect(await statusOf(id)).toBe("expired");
    await state.storage.deleteAlarm();
  });
});

test(
  "Graphile #449: whatever happens to it, an inference that is not final is claimable, leased or dated",
  { timeout: 60_000 },
  async () => {
    const model = await served(4);
    const ids: string[] = [];
    for (let count = 0; count < 8; count++) ids.push(await queued(model, { priority: count % 3 }));
    const holds: Claim[] = [];
    let seed = 7;
    const random = (below: number) => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const held_ = () => holds[random(holds.length)];
    const record = async (statement: (hold: Claim) => Sql) => {
      const hold = held_();
      if (hold) await db.all(statement(hold));
    };
    const steps: (() => Promise<unknown>)[] = [
      async () => {
        const it = await claim(db, laneOf(model), `lease-${seed}`);
        if (it) holds.push(it);
      },
      () => record((hold) => changeStatements.retry(hold, BROKEN, random(2) * 5_000, false)),
      () => record((hold) => changeStatements.fail(hold, BROKEN)),
      () => cancelInference(db, "account-a", ids[random(ids.length)] ?? ""),
      () => redriveInference(db, "account-a", ids[random(ids.length)] ?? ""),
      () => timePasses(model, random(3) * 40_000),
      () => db.all(dueStatements.expireDue(1, WAITED_TOO_LONG)),
      swept,
      async () => ids.push(await queued(model, { priority: random(3), cancelAfterSeconds: 100 })),
    ];
    const before = new Map<string, Status>();
    for (let step = 0; step < 400; step++) {
      await steps[random(steps.length)]?.();
      const { results } = await env.DB.prepare("SELECT id, status, due_at, lease, lease_until FROM inferences WHERE model = ?")
        .bind(model)
        .all<{ id: string; status: Status; due_at: number | null; lease: string | null; lease_until: number | null }>();
      for (const row of results) {
        const waits = row.status === "queued" || row.status === "in_progress";
        expect([step, row, row.due_at !== null]).toEqual([step, row, waits]);
        if (row.status !== "canceled") {
          expect([step, row, row.lease !== null && row.lease_until !== null]).toEqual([step, row, row.status === "in_progress"]);
        }
        const was = before.get(row.id);
        if (was && TRANSITIONS[was].length === 0) expect(row.status).toBe(was);
        before.set(row.id, row.status);
      }
    }
    expect(new Set(before.values()).size).toBeGreaterThanOrEqual(3);
  },
);

test("awa: ageing fires: a low priority runs in the end, although higher ones never cease to come", { timeout: 60_000 }, async () => {
  const model = await served(1);
  const low = await queued(model, { priority: 2 });
  const step = 15_000;
  const rounds = (2 * AGEING_MS) / step;
  let ranAfter: number | null = null;
  for (let round = 0; round < 3 * rounds && ranAfter === null; round++) {
    await queued(model);
    await queued(model);
    const it = await claimed(model);
    if (it.id === low) ranAfter = round;
    await db.all(changeStatements.succeed(it, OUTPUT, 13, 1));
    await timePasses(model, step);
    await swept();
  }
  expect(ranAfter).not.toBeNull();
  // As many as came until it had aged to their level go first, and not one of those that came later.
  expect(ranAfter).toBeLessThanOrEqual(2 * rounds + 1);
});

describe("workerd #6053 and #1483: the queue hung, or failed", () => {
  test.each([
    ["hangs", () => new Promise<void>(() => {})],
    ["fails", () => Promise.reject(new Error("Queue is overloaded"))],
    [
      "throws",
      () => {
        throw new Error("500");
      },
    ],
  ])("a submit is accepted while the queue %s, and the sweep wakes a runner later", async (_what, sendBatch) => {
    const { key } = await newTenant();
    const model = await served(1);
    const request = new Request(`${ORIGIN}/v1/inferences`, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model, input: {} }),
    });
    const answer = await handle(request, stillEnv({ WAKE_UPS: { sendBatch } }), createExecutionContext());
    expect(answer.status).toBe(202);
    const id = String((await object(answer))["id"]);
    expect(await statusOf(id)).toBe("queued");
    await timePasses(model, WAKE_UP_LOST_MS);
    expect(await swept()).toEqual([laneOf(model)]);
  });
});

test("workerd #6053: a queue that refuses does not keep the sweep from what else is due", { timeout: 60_000 }, async () => {
  const crowd = await newModel();
  await queuedMany(1_000, crowd);
  await env.DB.prepare("UPDATE inferences SET not_before = 2 WHERE model = ?").bind(crowd).run();
  const model = await served();
  const id = await queued(model);
  await claimed(model);
  await env.DB.prepare("UPDATE inferences SET lease_until = 3 WHERE id = ?").bind(id).run();
  const refusing = still({ wake: () => Promise.reject(new Error("Queue is overloaded")) });
  await Promise.allSettled([sweep(refusing)]);
  await Promise.allSettled([sweep(refusing)]);
  expect(await statusOf(id)).toBe("queued");
});

test("D1, all queries failing for a minute: submits get 503 with Retry-After, nothing is half done, and a retry works", async () => {
  const { key, accountId } = await newTenant();
  const model = await served(1);
  const lost = () => Promise.reject(new Error("D1_ERROR: Network connection lost."));
  const statement = { bind: () => ({ all: lost }) };
  const down = stillEnv({ DB: asDatabase({ prepare: () => statement, batch: lost }) });
  const submit = (environment: Env) =>
    stillAs(key, "POST", "/v1/inferences", { model, input: { text: "x".repeat(40_000) } }, { "Idempotency-Key": "order-7" }, environment);
  for (let time = 0; time < 3; time++) {
    const refused = await submit(down);
    expect([refused.status, Number(refused.headers.get("retry-after")) > 0]).toEqual([503, true]);
  }
  expect(await countOf(model, "queued")).toBe(0);
  expect((await env.PAYLOADS.list({ prefix: `inputs/${accountId}/` })).objects).toEqual([]);
  expect((await submit(stillEnv())).status).toBe(202);
  expect((await submit(stillEnv())).headers.get("idempotency-replayed")).toBe("true");
  expect(await countOf(model, "queued")).toBe(1);
});

test.each([-30_000, 30_000, -3_600_000])(
  "DO clock: with an isolate's clock off by %i ms, leases and times are the database's",
  async (off) => {
    const model = await served(1);
    const id = await queued(model);
    const clock = { ...still().clock, now: () => Date.now() + off };
    let during: Record<string, unknown> = {};
    const fetch = gpu(async () => {
      await swept();
      during = { ...(await rowOf(id)), now: await databaseNow() };
      return Response.json({});
    });
    await run(still({ fetch, clock }), [laneOf(model)], "lease");
    expect(during["status"]).toBe("in_progress");
    const left = Number(during["lease_until"]) - Number(during["now"]);
    expect(left).toBeGreaterThan(LEASE_MS - 5_000);
    expect(left).toBeLessThanOrEqual(LEASE_MS);
    const row = await rowOf(id);
    expect(row).toMatchObject({ status: "succeeded", attempt: 1 });
    const now = await databaseNow();
    for (const stamp of ["created_at", "started_at", "finished_at"]) expect(Math.abs(now - Number(row[stamp]))).toBeLessThan(5_000);
  },
);
