/** Who waits for an inference or watches it is told of its changes, and does not ask for them. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { changeStatements, cancelInference } from "../../src/inferences/sql/change.ts";
import { JSON_TYPE } from "../../src/content/content.ts";
import type { Claim } from "../../src/inferences/sql/record.ts";
import { openWatch } from "../../src/inferences/watch.ts";
import { claimed, queued, rowOf, submitted } from "./support/inferences.ts";
import { ports, still } from "./support/ports.ts";
import { as, object, until } from "./support/requests.ts";
import { newModel, newTenant, served, servedBy } from "./support/tenants.ts";

const { db } = still();

/** Records a success, as a runner does. */
const succeed = (it: Claim) => db.all(changeStatements.succeed(it, { at: "row", body: '"done"', contentType: JSON_TYPE }, 6, 1));

/** Waits until somebody watches the inference. */
const watched = (id: string) =>
  until(
    () => rowOf(id),
    (row) => Number(row["watched_until"]) > 0,
  );

const waiting = (seconds: number) => ({ Prefer: `wait=${seconds}` });

describe("Prefer: wait", () => {
  test("has a submit answered with the inference at its end", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json("done"), { protocol: "http" });
    const answer = await as(key, "POST", "/v1/inferences", { model, input: "x" }, waiting(30));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("preference-applied")).toBe("wait=30");
    expect(await object(answer)).toMatchObject({ status: "succeeded", is_final: true, output: "done" });
  });

  test.each([
    ["our own", (id: string) => `/v1/inferences/${id}`, { status: "succeeded" }],
    ["Vody's", (id: string) => `/inference/${id}/status`, { status: "completed" }],
    ["Reka's", (id: string) => `/v2/inference/requests/${id}/status`, { status: "COMPLETED" }],
    ["Baseten's", (id: string) => `/async_request/${id}`, { status: "SUCCEEDED" }],
  ])("has %s status answered at the end, without a second question to the database", async (_whose, path, shown) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    const answer = as(key, "GET", path(id), undefined, waiting(60));
    await watched(id);
    await succeed(await claimed(model));
    const endedAt = Date.now();
    expect(await object(answer)).toMatchObject(shown);
    expect((await answer).headers.get("preference-applied")).toBe("wait=60");
    expect(Date.now() - endedAt).toBeLessThan(5_000); // it would look by itself after 15 s
  });

  test("ends with the present state when its time is over", async () => {
    const { key } = await newTenant();
    const answer = await as(key, "POST", "/v1/inferences", { model: await newModel(), input: "x" }, waiting(1));
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("wait=1");
    expect(await object(answer)).toMatchObject({ status: "queued", waiting_on: "backend_down", poll_after: 1 });
  });

  test("sees a cancel, and what ended before it came", async () => {
    const { key, accountId } = await newTenant();
    const id = await queued(await served(), { accountId });
    const answer = object(as(key, "GET", `/v1/inferences/${id}`, undefined, waiting(60)));
    await watched(id);
    await cancelInference(db, accountId, id);
    expect(await answer).toMatchObject({ status: "canceled" });
    expect(await object(as(key, "GET", `/v1/inferences/${id}?logs=1`, undefined, waiting(60)))).toMatchObject({ status: "canceled" });
  });

  test.each(["wait=61", "wait=-1", "wait=1.5", "wait", 'wait="x"', "respond-async, wait=100000"])(
    "that says %s is refused before anything is stored",
    async (prefer) => {
      const { key, accountId } = await newTenant();
      const answer = await as(key, "POST", "/v1/inferences", { model: await newModel(), input: "x" }, { Prefer: prefer });
      expect(answer.status).toBe(400);
      expect(String((await object(answer))["detail"])).toContain("whole seconds from 0 to 60");
      const stored = await env.DB.prepare("SELECT count(*) AS n FROM inferences WHERE account_id = ?").bind(accountId).first("n");
      expect(stored).toBe(0);
    },
  );

  test("is refused for an account of which too many wait, in plain words", async () => {
    const { key, accountId } = await newTenant();
    const id = await submitted(key, await newModel());
    const full = ports({ watch: { open: async () => null, tell: async () => {} } });
    await expect(openWatch(full, accountId, id)).rejects.toMatchObject({ code: "too_many_waiting", status: 429 });
  });
});

describe("a change", () => {
  test("that nobody watches tells nobody", async () => {
    const model = await served();
    await queued(model);
    const [row] = await db.all(changeStatements.succeed(await claimed(model), { at: "row", body: "1", contentType: JSON_TYPE }, 1, 1));
    expect(row).toMatchObject({ status: "succeeded", toldTo: null });
  });
});
