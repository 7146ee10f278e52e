/** What a client is told while it waits and after: why, how long, when to ask again, and the whole story in the log. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Failure } from "../../src/backends/outcome.ts";
import { run } from "../../src/inferences/run.ts";
import { changeStatements } from "../../src/inferences/sql/change.ts";
import { type NewInference, insertStatements } from "../../src/inferences/sql/insert.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { CIRCUIT_FAILURES, DEPTH_MAX, LEASE_MS, POSITION_MAX } from "../../src/limits.ts";
import { claimed, forgetAll, laneOf, queued, submission } from "./support/inferences.ts";
import { databaseNow, timePasses } from "./support/clock.ts";
import { still, stillAs, swept } from "./support/ports.ts";
import { gpu } from "./support/outside.ts";
import { type Tenant, newBackend, newModel, newTenant, served } from "./support/tenants.ts";
import { as, object, operator } from "./support/requests.ts";

const { db } = still();
const BUSY: Failure = { class: "capacity", code: "backend_busy", message: "The backend answered 429.", status: 503 };

beforeEach(forgetAll);

async function servedIn(meanRunMs: number | null, slots = 1): Promise<string> {
  const model = await served(slots);
  await env.DB.prepare("UPDATE backends SET mean_run_ms = ? WHERE model = ?").bind(meanRunMs, model).run();
  return model;
}

const show = (tenant: Tenant, id: string, query = "") => object(stillAs(tenant.key, "GET", `/v1/inferences/${id}${query}`));
const showQueue = (tenant: Tenant, model: string, query = "") => object(stillAs(tenant.key, "GET", `/v1/models/${model}/queue${query}`));

/** How far off an estimated start is, in ms. */
const startsIn = (inference: Record<string, unknown>) => Date.parse(String(inference["estimated_start_at"])) - Date.now();

async function queuedMany(model: string, count: number, more: Partial<NewInference> = {}): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    await db.batch(Array.from({ length: Math.min(500, count - done) }, () => insertStatements.insert(submission(model, more))));
  }
}

describe("an inference that is queued", () => {
  test("behind others waits on its position, which counts from 1 and falls as they go", async () => {
    const tenant = await newTenant();
    const { accountId } = tenant;
    const model = await served(1);
    const ids: string[] = [];
    for (let count = 0; count < 4; count++) ids.push(await queued(model, { accountId }));
    const positions = async () =>
      Promise.all(ids.map(async (id) => ((await show(tenant, id)) as Record<"queue_position", unknown>).queue_position));
    expect(await positions()).toEqual([1, 2, 3, 4]);
    expect(await show(tenant, ids[2] ?? "")).toMatchObject({ waiting_on: "position" });
    await claimed(model);
    expect(await positions()).toEqual([null, 1, 2, 3]);
  });

  test("counts only what goes before it: a higher priority, an earlier turn, its own model", async () => {
    const tenant = await newTenant();
    const { accountId } = tenant;
    const model = await served(1);
    await queuedMany(model, 3, { accountId: "account-b" });
    await queuedMany(model, 2, { accountId: "account-b", priority: 2 });
    await queuedMany(await served(1), 5, { accountId: "account-b" });
    const low = await queued(model, { accountId, priority: 1 });
    const mine = await queued(model, { accountId, priority: 0 });
    expect((await show(tenant, mine))["queue_position"]).toBe(3);
    expect((await show(tenant, low))["queue_position"]).toBe(5);
  });

  test("first in line with every slot taken waits on concurrency", async () => {
    const tenant = await newTenant();
    const model = await served(1);
    await queued(model);
    await claimed(model);
    const id = await queued(model, { accountId: tenant.accountId });
    expect(await show(tenant, id)).toMatchObject({ waiting_on: "concurrency", queue_position: 1 });
  });

  test.each([
    ["there is none", "DELETE FROM backends WHERE model = ?1"],
    ["it is paused", "UPDATE backends SET state = 'paused' WHERE model = ?1"],
    ["it is draining", "UPDATE backends SET state = 'draining' WHERE model = ?1"],
    ["it rests", "UPDATE backends SET rested_until = 9000000000000000 WHERE model = ?1"],
    ["its circuit is not closed", `UPDATE backends SET failures = ${CIRCUIT_FAILURES}, rested_until = 1 WHERE model = ?1`],
  ])("waits on backend_down where no backend takes work, since %s", async (_why, change) => {
    const tenant = await newTenant();
    const model = await servedIn(1_000, 1);
    await env.DB.prepare(change).bind(model).run();
    const id = await queued(model, { accountId: tenant.accountId });
    expect(await show(tenant, id)).toMatchObject({
      waiting_on: "backend_down",
      queue_position: 1,
      estimated_start_at: null,
      poll_after: 1,
    });
  });

  test("after a failed attempt waits on retry_backoff, in no position, until it may run", async () => {
    const tenant = await newTenant();
    const model = await servedIn(1_000, 1);
    const id = await queued(model, { accountId: tenant.accountId });
    await db.all(changeStatements.retry(await claimed(model), BUSY, 20_000, false));
    const waits = await show(tenant, id);
    expect(waits).toMatchObject({ status: "queued", waiting_on: "retry_backoff", queue_position: null, poll_after: 10, attempts: 1 });
    expect(startsIn(waits)).toBeGreaterThan(18_000);
    expect(startsIn(waits)).toBeLessThanOrEqual(20_000);
    await timePasses(model, 20_000);
    await sweep(still());
    expect(await show(tenant, id)).toMatchObject({ waiting_on: "concurrency", queue_position: 1 });
  });

  test('far behind has an exact position up to 1,000, then "1000+"', { timeout: 60_000 }, async () => {
    const tenant = await newTenant();
    const { accountId } = tenant;
    const model = await served(1);
    await queuedMany(model, POSITION_MAX - 1, { accountId });
    const [exact, beyond, far] = [
      await queued(model, { accountId }),
      await queued(model, { accountId }),
      await queued(model, { accountId }),
    ];
    expect((await show(tenant, exact))["queue_position"]).toBe(POSITION_MAX);
    expect((await show(tenant, beyond))["queue_position"]).toBe("1000+");
    expect((await show(tenant, far))["queue_position"]).toBe("1000+");
    await claimed(model);
    expect((await show(tenant, beyond))["queue_position"]).toBe(POSITION_MAX);
  });
});

describe("the estimated start", () => {
  test("follows from the run times that were measured, the slots and the position", async () => {
    const tenant = await newTenant();
    const { accountId } = tenant;
    const model = await servedIn(30_000, 2);
    await queuedMany(model, 2);
    await claimed(model);
    await claimed(model);
    const ids: string[] = [];
    for (let count = 0; count < 6; count++) ids.push(await queued(model, { accountId }));
    for (const [ahead, id] of ids.entries()) {
      const waits = await show(tenant, id);
      const expected = ((ahead + 1) / 2) * 30_000;
      expect(startsIn(waits)).toBeGreaterThan(expected - 2_000);
      expect(startsIn(waits)).toBeLessThanOrEqual(expected);
      expect(waits["poll_after"]).toBe(Math.min(30, Math.ceil(expected / 2_000)));
    }
  });

  test("is now where a slot is free", async () => {
    const tenant = await newTenant();
    const model = await servedIn(30_000, 2);
    const id = await queued(model, { accountId: tenant.accountId });
    const waits = await show(tenant, id);
    expect(waits["poll_after"]).toBe(1);
    expect(Math.abs(startsIn(waits))).toBeLessThan(1_000);
  });

  test("is not given where no run time is known", async () => {
    const tenant = await newTenant();
    const model = await served(1);
    await queued(model);
    await claimed(model);
    const id = await queued(model, { accountId: tenant.accountId });
    expect(await show(tenant, id)).toMatchObject({ estimated_start_at: null, poll_after: 1 });
  });

  test("comes from what attempts really took", async () => {
    const model = await served(1);
    await queued(model);
    let now = Date.now();
    const clock = { ...still().clock, now: () => now };
    const fetch = gpu(() => {
      now += 4_000;
      return Response.json({});
    });
    await run(still({ fetch, clock }), [laneOf(model)], "lease");
    const { data } = await object(operator("GET", `/backends?model=${model}`));
    expect(data).toMatchObject([{ mean_run_ms: 4_000 }]);
    await queued(model);
    now += 60_000;
    await run(
      still({
        clock,
        random: () => 0,
        fetch: gpu(() => {
          now += 9_000;
          return Response.json({});
        }),
      }),
      [laneOf(model)],
      "lease",
    );
    expect((await object(operator("GET", `/backends?model=${model}`)))["data"]).toMatchObject([{ mean_run_ms: 5_000 }]);
  });
});

test("an inference that runs says when to ask again, and no reason to wait", async () => {
  const tenant = await newTenant();
  const model = await served(1);
  const id = await queued(model, { accountId: tenant.accountId });
  await claimed(model);
  expect(await show(tenant, id)).toMatchObject({
    status: "in_progress",
    waiting_on: null,
    queue_position: null,
    estimated_start_at: null,
    poll_after: 1,
  });
});

describe("a model's queue", () => {
  test("tells what waits, what runs, since when and for how long", async () => {
    const tenant = await newTenant();
    const model = await servedIn(10_000, 2);
    await queuedMany(model, 2);
    await timePasses(model, 60_000);
    await queuedMany(model, 3);
    await claimed(model);
    await claimed(model);
    await timePasses(model, 5_000);
    expect(await showQueue(tenant, model)).toEqual({
      model,
      version: null,
      queued: 3,
      queued_is_exact: true,
      in_progress: 2,
      capacity: 2,
      oldest_wait_ms: expect.any(Number),
      estimated_wait_ms: 20_000,
      mean_run_ms: 10_000,
    });
    const { oldest_wait_ms } = (await showQueue(tenant, model)) as { oldest_wait_ms: number };
    expect(oldest_wait_ms).toBeGreaterThanOrEqual(5_000);
    expect(oldest_wait_ms).toBeLessThan(10_000);
  });

  test("that is empty waits for nothing", async () => {
    const tenant = await newTenant();
    const model = await servedIn(10_000, 3);
    expect(await showQueue(tenant, model)).toMatchObject({
      queued: 0,
      in_progress: 0,
      capacity: 3,
      oldest_wait_ms: null,
      estimated_wait_ms: 0,
    });
  });

  test("does not count a slot whose runner is lost, nor one of a backend that takes no work", async () => {
    const tenant = await newTenant();
    const model = await servedIn(10_000, 1);
    const resting = await newBackend(model, { protocol: "http", max_concurrency: 7 });
    await operator("PATCH", `/backends/${resting}`, { state: "paused" });
    await queued(model);
    await claimed(model);
    expect(await showQueue(tenant, model)).toMatchObject({ in_progress: 1, capacity: 1 });
    await timePasses(model, LEASE_MS);
    expect(await showQueue(tenant, model)).toMatchObject({ in_progress: 0, capacity: 1 });
  });

  test("counts what backs off as waiting too", async () => {
    const tenant = await newTenant();
    const model = await served(1);
    await queued(model);
    await db.all(changeStatements.retry(await claimed(model), BUSY, 20_000, false));
    expect(await showQueue(tenant, model)).toMatchObject({ queued: 1 });
  });

  test("does not count what is not to begin yet, and counts its wait from when it may", async () => {
    const tenant = await newTenant();
    const model = await servedIn(10_000, 1);
    await queued(model, { notBefore: (await databaseNow()) + 3_600_000 });
    expect(await showQueue(tenant, model)).toMatchObject({
      queued: 0,
      queued_is_exact: true,
      oldest_wait_ms: null,
      estimated_wait_ms: 0,
    });
    await timePasses(model, 3_605_000);
    await swept();
    const { queued: count, oldest_wait_ms } = await showQueue(tenant, model);
    expect(count).toBe(1);
    expect(oldest_wait_ms).toBeGreaterThanOrEqual(5_000);
    expect(oldest_wait_ms).toBeLessThan(60_000);
  });

  test("is told for each version apart, the default one without a word", async () => {
    const tenant = await newTenant();
    const model = await newModel({ versions: ["1", "2"], default_version: "2" });
    await queuedMany(model, 3, { version: "1" });
    await queuedMany(model, 1);
    expect(await showQueue(tenant, model)).toMatchObject({ version: "2", queued: 1 });
    expect(await showQueue(tenant, model, "?version=1")).toMatchObject({ version: "1", queued: 3 });
    const unknown = await stillAs(tenant.key, "GET", `/v1/models/${model}/queue?version=3`);
    expect([unknown.status, (await object(unknown))["code"]]).toEqual([404, "model_not_found"]);
  });

  test("that is deeper than is counted says so", { timeout: 60_000 }, async () => {
    const tenant = await newTenant();
    const model = await served(1);
    await queuedMany(model, DEPTH_MAX - 1);
    expect(await showQueue(tenant, model)).toMatchObject({ queued: DEPTH_MAX - 1, queued_is_exact: true });
    await queuedMany(model, 2);
    expect(await showQueue(tenant, model)).toMatchObject({ queued: DEPTH_MAX, queued_is_exact: false });
  });

  test("needs a key that may read, and an existing model", async () => {
    const model = await served();
    expect((await stillAs("nonsense", "GET", `/v1/models/${model}/queue`)).status).toBe(401);
    const submitter = await newTenant({ scopes: ["submit"] });
    expect((await stillAs(submitter.key, "GET", `/v1/models/${model}/queue`)).status).toBe(403);
    const { key } = await newTenant();
    expect((await stillAs(key, "GET", "/v1/models/no-such-model/queue")).status).toBe(404);
  });
});

describe("the log", () => {
  test("tells the whole story: queued, claimed by whom, failed why, ready again, succeeded", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const backends = [
      await newBackend(model, { protocol: "http", url: "https://a.gpu.test", max_concurrency: 2 }),
      await newBackend(model, { protocol: "http", url: "https://b.gpu.test", max_concurrency: 1 }),
    ];
    const id = await queued(model, { accountId: tenant.accountId, retry: { maxAttempts: 3, initialDelayMs: 10_000, maxDelayMs: 10_000 } });
    const answers = [Response.json({ error: "CUDA out of memory" }, { status: 500 }), Response.json({ done: true })];
    const script = (request: Request) => (request.method === "POST" ? answers.shift() : null) ?? new Response(null, { status: 503 });
    const one = still({ fetch: gpu(script), random: () => 0.5 });
    await run(one, [laneOf(model)], "first");
    await timePasses(model, 10_000);
    await sweep(one);
    await run(one, [laneOf(model)], "second");
    const { logs, status } = (await show(tenant, id, "?logs=1")) as { logs: Record<string, string>[]; status: string };
    const error = { class: "infrastructure", code: "backend_error", message: "The backend answered 500: CUDA out of memory", status: 500 };
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/);
    const timing = { sent_ms: expect.any(Number), first_byte_ms: expect.any(Number), answered_ms: expect.any(Number) };
    expect(status).toBe("succeeded");
    expect(logs).toEqual([
      { at, event: "queued" },
      { at, event: "claimed", attempt: 1, backend: backends[0] },
      { at, event: "attempt_failed", attempt: 1, error, retry_at: at, timing },
      { at, event: "ready" },
      { at, event: "claimed", attempt: 2, backend: backends[1] },
      { at, event: "succeeded", attempt: 2, timing },
    ]);
    const failed = logs.find(({ event }) => event === "attempt_failed");
    expect(Date.parse(String(failed?.["retry_at"])) - Date.parse(String(failed?.["at"]))).toBe(5_000);
    expect(await show(tenant, id)).not.toHaveProperty("logs");
    for (const query of ["?logs=0", "?logs=false"]) expect(await show(tenant, id, query)).not.toHaveProperty("logs");
    expect((await show(tenant, id, "?logs=true"))["logs"]).toEqual(logs);
    for (const path of [`/v1/inferences/${id}`, `/admin/v1/inferences/${tenant.accountId}/${id}`]) {
      const answer = await (path.startsWith("/v1") ? as(tenant.key, "GET", `${path}?logs=2`) : operator("GET", `${path.slice(9)}?logs=2`));
      expect([answer.status, (await object(answer))["detail"]]).toEqual([
        422,
        '"logs" must be one of "0", "1", "false", "true", and is "2".',
      ]);
    }
  });

  test.each([
    ["canceled", "UPDATE inferences SET cancel_at = 1 WHERE model = ?1", ["queued", "canceled"]],
    ["expired", "UPDATE inferences SET start_by = 1 WHERE model = ?1", ["queued", "expired"]],
  ])("tells of one that is %s by the sweep", async (status, change, events) => {
    const tenant = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId: tenant.accountId });
    await env.DB.prepare(change).bind(model).run();
    await sweep(still());
    const inference = await show(tenant, id, "?logs=1");
    expect(inference["status"]).toBe(status);
    expect(inference["logs"]).toMatchObject(events.map((event) => ({ event })));
  });

  test("tells of a runner that was lost, and when its inference was to run again", async () => {
    const tenant = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId: tenant.accountId });
    await claimed(model);
    await timePasses(model, LEASE_MS);
    await sweep(still());
    expect((await show(tenant, id, "?logs=1"))["logs"]).toMatchObject([
      { event: "queued" },
      { event: "claimed", attempt: 1 },
      { event: "attempt_failed", attempt: 1, error: { class: "infrastructure", code: "runner_lost" }, retry_at: expect.any(String) },
    ]);
  });
});

describe("the metrics", () => {
  test("tell the time until the first start, the time in all attempts, and the whole", async () => {
    const tenant = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId: tenant.accountId });
    expect((await show(tenant, id))["metrics"]).toEqual({ queue_ms: null, run_ms: null, total_ms: null });
    const metrics = async () => (await show(tenant, id))["metrics"] as Record<"queue_ms" | "run_ms" | "total_ms", number>;
    const near = async (name: "queue_ms" | "run_ms" | "total_ms", ms: number) => {
      const value = (await metrics())[name];
      expect(value).toBeGreaterThanOrEqual(ms);
      expect(value).toBeLessThan(ms + 2_000);
    };
    await timePasses(model, 30_000);
    const first = await claimed(model);
    await near("queue_ms", 30_000);
    await timePasses(model, 5_000);
    await db.all(changeStatements.retry(first, BUSY, 0, false));
    await near("run_ms", 5_000);
    await timePasses(model, 60_000);
    const second = await claimed(model);
    await timePasses(model, 10_000);
    await db.all(changeStatements.succeed(second, { at: "row", body: "{}", contentType: "application/json" }, 2, 1));
    await near("queue_ms", 30_000);
    await near("run_ms", 15_000);
    await near("total_ms", 105_000);
    expect(await show(tenant, id)).toMatchObject({ attempts: 2, status: "succeeded" });
  });
});
