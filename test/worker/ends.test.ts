/** The log: one line for each inference that has ended, however it did, and none for anything that is only asked. */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { run } from "../../src/inferences/run.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { expire, forgetAll, laneOf, queued } from "./support/inferences.ts";
import { backendIs, gpu, type ScriptedBackend } from "./support/outside.ts";
import { still, stillAs } from "./support/ports.ts";
import { newBackend, newModel, newTenant, type Tenant } from "./support/tenants.ts";

const ONCE = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let lines: string[] = [];
let tenant: Tenant;
let model: string;
let backend: string;

beforeEach(async () => {
  await forgetAll();
  tenant = await newTenant();
  model = await newModel();
  backend = await newBackend(model, { protocol: "http" });
  lines = [];
  for (const method of ["log", "error"] as const) vi.spyOn(console, method).mockImplementation((line) => lines.push(String(line)));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ends = () => lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => event === "inference_ended");
const submitted = (more: Parameters<typeof queued>[1] = {}) => queued(model, { accountId: tenant.accountId, ...more });
const runWith = (script: ScriptedBackend) => run(still({ fetch: gpu(script) }), [laneOf(model)], "lease");
const post = (path: string, body?: unknown) => stillAs(tenant.key, "POST", path, body);
const end = (inference: string, more: Record<string, unknown>) => ({
  event: "inference_ended",
  time: expect.stringMatching(TIME),
  inference,
  account: tenant.accountId,
  model,
  version: "",
  backend,
  attempt: 1,
  class: null,
  code: null,
  queue_ms: expect.any(Number),
  run_ms: expect.any(Number),
  ...more,
});
const neverStarted = { backend: null, attempt: 0, queue_ms: null, run_ms: 0 };

describe("the log has one line for an inference that", () => {
  test("succeeds, with where it ran and for how long, and without what went in and came out", async () => {
    const id = await submitted({ input: { at: "row", body: '"a secret input"', contentType: "application/json" } });
    await runWith(() => Response.json("a secret output"));
    expect(ends()).toStrictEqual([end(id, { outcome: "succeeded" })]);
    expect(lines.join()).not.toContain("secret");
  });

  test("fails, with its class and code and without what the server said; earlier attempts are other events", async () => {
    const id = await submitted({ retry: { maxAttempts: 2, initialDelayMs: 0, maxDelayMs: 0 } });
    await runWith(() => Response.json({ error: "a secret reason" }, { status: 503 }));
    expect(ends()).toStrictEqual([end(id, { outcome: "failed", class: "capacity", code: "backend_unavailable", attempt: 2 })]);
    expect(lines.join()).not.toContain("secret");
  });

  test("is canceled while it waits, though it is canceled twice", async () => {
    const id = await submitted();
    for (const status of [200, 200]) expect((await post(`/v1/inferences/${id}/cancel`)).status).toBe(status);
    expect(ends()).toStrictEqual([end(id, { outcome: "canceled", ...neverStarted })]);
  });

  test("is canceled while it runs, whatever its server answers after that", async () => {
    const id = await submitted();
    await runWith(async () => {
      await post(`/v1/inferences/${id}/cancel`);
      return Response.json("too late");
    });
    expect(ends()).toStrictEqual([end(id, { outcome: "canceled" })]);
  });

  test("is canceled with many", async () => {
    const ids = [await submitted(), await submitted()];
    expect((await post("/v1/inferences/cancel", { model })).status).toBe(200);
    const sorted = ends().toSorted((one, other) => String(one["inference"]).localeCompare(String(other["inference"])));
    expect(sorted).toStrictEqual(ids.map((id) => end(id, { outcome: "canceled", ...neverStarted })));
  });

  test("expires", async () => {
    const id = await submitted();
    await expire(id);
    expect(ends()).toStrictEqual([end(id, { outcome: "expired", class: "timeout", code: "max_time_in_queue_seconds", ...neverStarted })]);
  });

  test("is canceled at the time that its submit gave", async () => {
    const id = await submitted({ cancelAfterSeconds: 60 });
    await env.DB.prepare("UPDATE inferences SET cancel_at = 1 WHERE id = ?").bind(id).run();
    await sweep(still());
    expect(ends()).toStrictEqual([end(id, { outcome: "canceled", ...neverStarted })]);
  });

  test("loses its runner at its last attempt", async () => {
    const id = await submitted({ retry: ONCE });
    await env.DB.prepare(
      `UPDATE inferences SET status = 'in_progress', attempt = 1, lease = 'lost', lease_until = 1, started_at = created_at,
        first_started_at = created_at, backend_id = ? WHERE id = ?`,
    )
      .bind(backend, id)
      .run();
    await sweep(still());
    expect(ends()).toStrictEqual([end(id, { outcome: "failed", class: "infrastructure", code: "runner_lost" })]);
  });

  test("runs in the request that waits for it", async () => {
    backendIs(() => Response.json({ done: true }));
    const answer = await stillAs(tenant.key, "POST", `/baseten/${model}/production/predict`, { x: 1 });
    expect(answer.status).toBe(200);
    expect(ends()).toStrictEqual([end(expect.any(String) as unknown as string, { outcome: "succeeded" })]);
  });
});

test("nothing is logged of polls, of a sweep that finds nothing, and of a cancel that comes too late", async () => {
  const id = await submitted();
  await runWith(() => Response.json("done"));
  lines = [];
  for (const path of [`/v1/inferences/${id}`, `/v1/inferences/${id}/result`, `/inference/${id}/status`, "/v2/inference/requests"]) {
    expect((await stillAs(tenant.key, "GET", path)).status).toBe(200);
  }
  expect((await post(`/v1/inferences/${id}/cancel`)).status).toBe(409);
  await sweep(still());
  expect(lines).toEqual([]);
});
