/** What goes when its time is over, what stays, and that nothing is left of what goes, whatever breaks on the way. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { removeFile } from "../../src/files/remove.ts";
import { objectKey } from "../../src/files/store.ts";
import { beginUpload } from "../../src/files/uploads.ts";
import type { Bucket, Upload, Uploads } from "../../src/payloads/bucket.ts";
import { newInferenceId } from "../../src/ids.ts";
import { storeOutput } from "../../src/payloads/take-in.ts";
import { storeInput } from "../../src/payloads/payloads.ts";
import { noteUpload } from "../../src/payloads/removals.ts";
import { retain } from "../../src/maintenance/retention.ts";
import { removeEnded } from "../../src/inferences/sql/ended.ts";
import { cancelInference, changeStatements } from "../../src/inferences/sql/change.ts";
import type { NewInference } from "../../src/inferences/sql/insert.ts";
import { ORPHAN_MS, RETENTION_SECONDS } from "../../src/limits.ts";
import { Unavailable } from "../../src/platform/unavailable.ts";
import { sql } from "../../src/platform/sql.ts";
import { claimed, forgetAll, queued, rowOf } from "./support/inferences.ts";
import { timePasses } from "./support/clock.ts";
import { still } from "./support/ports.ts";
import { newModel, newTenant, served } from "./support/tenants.ts";
import { as, object, operator } from "./support/requests.ts";

const { db } = still();
const DAY_MS = 86_400_000;
const LARGE = JSON.stringify("x".repeat(40_000));
const JSON_TYPE = "application/json";
const { key, accountId } = await newTenant();

beforeEach(forgetAll);

let born = 0;

/** The id of an inference that was submitted so many ms ago. */
const idOf = (ago: number) => newInferenceId(Date.now() - ago + born++, (count) => crypto.getRandomValues(new Uint8Array(count)));

/** One that has succeeded, with an input and an output in the bucket, all of it that long ago. Returns its id. */
async function succeeded(model: string, ago: number, more: Partial<NewInference> = {}): Promise<string> {
  const id = idOf(ago);
  const owner = more.accountId ?? accountId;
  const { payload: input } = await storeInput(still().payloads, owner, id, { body: LARGE, contentType: JSON_TYPE });
  await queued(model, { accountId: owner, id, input, inputBytes: LARGE.length, ...more });
  const hold = await claimed(model);
  const { payload, bytes } = await storeOutput(still(), hold, { body: LARGE, contentType: JSON_TYPE });
  await db.all(changeStatements.succeed(hold, payload, bytes, 1));
  await age(id, ago);
  return id;
}

/** Lets time pass for one inference. */
async function age(id: string, ms: number): Promise<void> {
  await db.all(sql`UPDATE inferences SET created_at = created_at - ${ms}, finished_at = finished_at - ${ms},
    lease_until = lease_until - ${ms} WHERE id = ${id}`);
}

/** All of the sweep's slow work that is to be done now. */
async function keepHouse(instead: Parameters<typeof still>[0] = {}): Promise<void> {
  await db.all(sql`UPDATE chores SET due_at = 0`);
  for (let steps = 0; await retain(still(instead)); steps++) if (steps > 20) throw new Error("it never ends");
}

/** Where anything of an inference is left: tables that mention it, and objects. */
async function traces(id: string): Promise<string[]> {
  const tables = await env.DB.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'").all<{
    name: string;
  }>();
  const found: string[] = [];
  for (const { name } of tables.results) {
    const { results } = await env.DB.prepare(`SELECT * FROM "${name}"`).all();
    if (JSON.stringify(results).includes(id)) found.push(name);
  }
  const { objects } = await env.PAYLOADS.list();
  return [...found, ...objects.map((it) => it.key).filter((name) => name.includes(id))];
}

const both = (id: string, owner = accountId) => [`inputs/${owner}/${id}`, `outputs/${owner}/${id}/1`];

/** An isolate keeps answers of what can't change for a while; a client that wants none of those says so. */
const UNCACHED = { "Cache-Control": "no-cache" };

describe("what is past its account's retention", () => {
  test("goes whole, rows and objects, and what is younger stays whole", async () => {
    const model = await served(100);
    const gone = [await succeeded(model, 8 * DAY_MS), await succeeded(model, 7 * DAY_MS + 60_000)];
    const kept = [await succeeded(model, 7 * DAY_MS - 60_000), await succeeded(model, 0)];
    await keepHouse();
    for (const id of gone) expect(await traces(id)).toEqual([]);
    for (const id of kept) expect(await traces(id)).toEqual(["inferences", ...both(id)]);
  });

  test("is what ended before it, not what was only submitted before it", async () => {
    const model = await served(100);
    const slow = await succeeded(model, 30 * DAY_MS);
    await db.all(sql`UPDATE inferences SET finished_at = finished_at + ${25 * DAY_MS} WHERE id = ${slow}`);
    const waits = await queued(await newModel(), { accountId, id: idOf(30 * DAY_MS) });
    const runs = await queued(model, { accountId, id: idOf(30 * DAY_MS) });
    await claimed(model);
    await keepHouse();
    expect((await rowOf(slow))["status"]).toBe("succeeded");
    expect((await rowOf(waits))["status"]).toBe("queued");
    expect((await rowOf(runs))["status"]).toBe("in_progress");
  });

  test("is not what a runner still holds, canceled as it is", async () => {
    const model = await served(100);
    const id = await queued(model, { accountId, id: idOf(30 * DAY_MS) });
    await claimed(model);
    await cancelInference(db, accountId, id);
    await db.all(sql`UPDATE inferences SET finished_at = finished_at - ${30 * DAY_MS} WHERE id = ${id}`);
    await keepHouse();
    expect((await rowOf(id))["status"]).toBe("canceled");
    await age(id, 60_000);
    await keepHouse();
    expect(await traces(id)).toEqual([]);
  });

  test("is told account by account, and follows the operator's change", async () => {
    const model = await served(100);
    const short = await newTenant();
    const change = { retention_seconds: RETENTION_SECONDS.range[0] };
    expect((await operator("PATCH", `/accounts/${short.accountId}`, change)).status).toBe(200);
    const mine = await succeeded(model, 2 * DAY_MS);
    const theirs = await succeeded(model, 2 * DAY_MS, { accountId: short.accountId });
    const shown = await object(as(short.key, "GET", `/v1/inferences/${theirs}`));
    expect(Date.parse(String(shown["expires_at"])) - Date.parse(String(shown["finished_at"]))).toBe(DAY_MS);
    await keepHouse();
    expect(await traces(theirs)).toEqual([]);
    expect(await traces(mine)).toEqual(["inferences", ...both(mine)]);
    expect((await as(short.key, "GET", `/v1/inferences/${theirs}`, undefined, UNCACHED)).status).toBe(404);
  });

  test("goes in steps where there is much of it", async () => {
    const model = await served(100);
    const ids = Array.from({ length: 1_200 }, () => idOf(9 * DAY_MS));
    for (let start = 0; start < ids.length; start += 100) {
      await db.batch(
        ids.slice(start, start + 100).map(
          (id) => sql`INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority,
          level, turn, max_time_in_queue_seconds, max_attempts, initial_delay_ms, max_delay_ms, metadata, created_at, updated_at, start_by,
          finished_at, input_bytes, input_items)
          VALUES (${accountId}, ${id}, 'k', 'd', ${model}, '', 'canceled', 0, 0, 0, 1, 1, 1, 1, '{}', 1, 1, 1, 1, 1, 1)`,
        ),
      );
    }
    await db.all(sql`UPDATE chores SET due_at = 0`);
    const more = [await retain(still()), await retain(still()), await retain(still())];
    expect(more).toEqual([true, true, false]);
    expect(await db.all(sql`SELECT 1 FROM inferences WHERE model = ${model}`)).toEqual([]);
  });
});

describe("an inference with a retention of its own", () => {
  test("loses its payloads then, and keeps its row until the account's is over", async () => {
    const model = await served(100);
    const id = await succeeded(model, 3_600_000, { retentionSeconds: 3_600 });
    const other = await succeeded(model, 3_600_000, { retentionSeconds: 3_700 });
    const before = await object(as(key, "GET", `/v1/inferences/${id}`));
    expect(before["data_removed"]).toBe(false);
    expect(Date.parse(String(before["expires_at"])) - Date.parse(String(before["finished_at"]))).toBe(3_600_000);
    await keepHouse();
    expect(await traces(id)).toEqual(["inferences"]);
    expect(await traces(other)).toEqual(["inferences", ...both(other)]);
    const after = await object(as(key, "GET", `/v1/inferences/${id}`, undefined, UNCACHED));
    expect(after).toMatchObject({ status: "succeeded", data_removed: true, output: null });
    for (const method of ["GET", "HEAD"]) expect((await as(key, method, `/v1/inferences/${id}/result`)).status).toBe(410);
    expect((await as(key, "GET", `/v1/inferences/${id}/result`, undefined, { "If-None-Match": "*" })).status).toBe(410);
    const { input, output } = await rowOf(id);
    expect([input, output]).toEqual([null, null]);
    await timePasses(model, 8 * DAY_MS);
    const old = idOf(9 * DAY_MS);
    await db.all(sql`UPDATE inferences SET id = ${old} WHERE id = ${id}`);
    await keepHouse();
    expect(await traces(old)).toEqual([]);
  });

  test("keeps nothing for longer than its account allows", async () => {
    const id = await succeeded(await served(100), 0, { retentionSeconds: 100 * 86_400 });
    const shown = await object(as(key, "GET", `/v1/inferences/${id}`));
    expect(Date.parse(String(shown["expires_at"])) - Date.parse(String(shown["finished_at"]))).toBe(RETENTION_SECONDS.default * 1000);
  });

  test("is asked for at submit, within bounds", async () => {
    const model = await newModel();
    const submit = (retention_seconds: unknown) => as(key, "POST", "/v1/inferences", { model, input: 1, retention_seconds });
    const { id } = await object(submit(60));
    expect((await rowOf(String(id)))["retention_seconds"]).toBe(60);
    for (const wrong of [59, 1.5, "60", null]) expect((await submit(wrong)).status).toBe(422);
  });

  test("can't be redriven once its input is gone", async () => {
    const model = await served(100);
    const id = await queued(model, { accountId, retentionSeconds: 60 });
    await db.all(changeStatements.fail(await claimed(model), { class: "model", code: "x", message: "x", status: 500 }));
    await age(id, 61_000);
    await keepHouse();
    expect((await as(key, "POST", `/v1/inferences/${id}/redrive`)).status).toBe(410);
    expect((await rowOf(id))["status"]).toBe("failed");
  });
});

describe("DELETE /v1/inferences/{id}", () => {
  const remove = (id: string, by = key) => as(by, "DELETE", `/v1/inferences/${id}`);

  test("removes what is finished at once, and once", async () => {
    const id = await succeeded(await served(100), 0);
    expect((await remove(id)).status).toBe(204);
    expect((await as(key, "GET", `/v1/inferences/${id}`)).status).toBe(404);
    await keepHouse();
    expect(await traces(id)).toEqual([]);
    expect((await remove(id)).status).toBe(404);
  });

  test("leaves what is not finished as it is", async () => {
    const model = await served(100);
    const id = await queued(model, { accountId });
    expect((await remove(id)).status).toBe(409);
    await claimed(model);
    expect(await object(remove(id))).toMatchObject({ code: "not_finished", inference_status: "in_progress" });
    await cancelInference(db, accountId, id); // its runner holds it still
    expect((await remove(id)).status).toBe(409);
    await db.all(sql`UPDATE inferences SET lease = NULL, lease_until = NULL WHERE id = ${id}`);
    expect((await remove(id)).status).toBe(204);
  });

  test("is for the owner's keys that may cancel", async () => {
    const id = await succeeded(await served(100), 0);
    expect((await remove(id, (await newTenant()).key)).status).toBe(404);
    const made = await object(operator("POST", "/keys", { account_id: accountId, scopes: ["read", "submit"] }));
    expect((await remove(id, String(made["key"]))).status).toBe(403);
    expect(await traces(id)).toEqual(["inferences", ...both(id)]);
  });
});

test("a bucket that fails holds up no budget, and nothing else that needs none", async () => {
  const { accountId: owner } = await newTenant();
  await operator("PATCH", `/accounts/${owner}`, { monthly_budget: 1 });
  await env.DB.prepare(
    "INSERT INTO usage VALUES (?, CAST(unixepoch() / 86400 AS INTEGER), 'm', 'k', 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 2000000)",
  )
    .bind(owner)
    .run();
  await env.DB.prepare(
    "INSERT INTO audit (at, via, address, request_id, method, route, change) VALUES (1, 'token', '', '', 'POST', '', '1')",
  ).run();
  const fails = () => Promise.reject(new Unavailable("storage", false));
  await expect(keepHouse({ payloads: { ...still().payloads, list: fails, delete: fails } })).rejects.toThrow("storage failed");
  expect(await object(operator("GET", `/accounts/${owner}`))).toMatchObject({ budget_state: "spent" });
  expect(await env.DB.prepare("SELECT count(*) AS old FROM audit WHERE at = 1").first()).toEqual({ old: 0 });
});

describe("a crash", () => {
  test("after the rows went takes nothing with it: the objects are noted, and go later", async () => {
    const id = await succeeded(await served(100), 0);
    const { finished_at } = await rowOf(id);
    expect(await removeEnded(db, [{ accountId, id, finishedAt: Number(finished_at) }], "row")).toEqual({ removed: 1, objects: 2 });
    expect(await traces(id)).toEqual(["removals", ...both(id)]);
    const failing: Bucket = { ...still().payloads, delete: () => Promise.reject(new Unavailable("storage", false)) };
    await expect(keepHouse({ payloads: failing })).rejects.toThrow("storage failed");
    expect(await traces(id)).toEqual(["removals", ...both(id)]);
    await keepHouse();
    expect(await traces(id)).toEqual([]);
  });

  test("between the bucket and the row leaves objects that are found when they are old, and no others", async () => {
    const model = await served(100);
    const whole = await succeeded(model, 0);
    const [lost, failed, running] = [idOf(0), await queued(model, { accountId }), await queued(model, { accountId })];
    const put = (name: string) => env.PAYLOADS.put(name, "x");
    await put(`inputs/${accountId}/${lost}`);
    await put(`outputs/${accountId}/${whole}/2`); // of an attempt that is not the one that succeeded
    const first = await claimed(model);
    await put(`outputs/${accountId}/${first.id}/1`);
    await db.all(changeStatements.fail(first, { class: "model", code: "x", message: "x", status: 500 }));
    const second = await claimed(model);
    await put(`outputs/${accountId}/${second.id}/1`);
    expect(new Set([first.id, second.id])).toEqual(new Set([failed, running]));
    await put("elsewhere/x");
    const walk = async (later: number) => {
      const clock = { ...still().clock, now: () => Date.now() + later };
      for (let step = 0; step < 4; step++) await keepHouse({ clock });
    };
    await walk(ORPHAN_MS - 60_000);
    expect(await traces(lost)).toEqual([`inputs/${accountId}/${lost}`]);
    await walk(ORPHAN_MS + 60_000);
    expect(await traces(lost)).toEqual([]);
    expect(await traces(whole)).toEqual(["inferences", ...both(whole)]);
    expect(await traces(first.id)).toEqual(["inferences"]);
    expect(await traces(second.id)).toEqual(["inferences", `outputs/${accountId}/${second.id}/1`]);
    expect(await env.PAYLOADS.head("elsewhere/x")).not.toBeNull();
  });

  describe("between a file's row and its upload in parts", () => {
    const { uploads } = still();
    const failing = (resumed: Upload): Uploads => ({
      ...uploads,
      resume: () => ({ ...resumed, abort: () => Promise.reject(new Unavailable("storage", false)) }),
    });
    const begun = async () => {
      const about = {
        accountId,
        id: crypto.randomUUID(),
        name: "",
        contentType: JSON_TYPE,
        bytes: 10,
        sha256: null,
        origin: "",
        partBytes: 10,
      };
      const file = await beginUpload(still(), about);
      const resumed = uploads.resume(objectKey(file), file.uploadId ?? "");
      return { file, resumed, part: await resumed.part(1, new Uint8Array(10)) };
    };

    test("leaves one that the sweep aborts", async () => {
      const { file, resumed, part } = await begun();
      await removeFile({ ...still(), uploads: failing(resumed) }, file);
      await keepHouse();
      await expect(resumed.complete([part])).rejects.toMatchObject({ cause: { message: expect.stringContaining("10024") } });
      expect(await db.all(sql`SELECT * FROM removals`)).toEqual([]);
    });

    test("leaves no object of one that completes while the sweep aborts it", async () => {
      const { file, resumed, part } = await begun();
      await removeFile({ ...still(), uploads: failing(resumed) }, file);
      const late = { ...resumed, abort: () => resumed.complete([part]) };
      await keepHouse({ uploads: { ...uploads, resume: () => late } });
      expect(await env.PAYLOADS.head(objectKey(file))).toBeNull();
    });
  });

  test("in the middle of an upload in parts leaves one that is aborted in the end", async () => {
    const { uploads } = still();
    const unfinished = await uploads.begin("outputs/a/b/1", JSON_TYPE);
    const finished = await uploads.begin("outputs/a/c/1", JSON_TYPE);
    for (const [name, upload] of [
      ["outputs/a/b/1", unfinished],
      ["outputs/a/c/1", finished],
    ] as const)
      await noteUpload(db, name, upload.id);
    const part = await unfinished.part(1, new Uint8Array(10));
    await finished.complete([await finished.part(1, new Uint8Array(10))]);
    await keepHouse();
    await db.all(sql`UPDATE removals SET due_at = 1`);
    await keepHouse();
    await expect(uploads.resume("outputs/a/b/1", unfinished.id).complete([part])).rejects.toMatchObject({
      cause: { message: expect.stringContaining("10024") },
    });
    expect(await env.PAYLOADS.head("outputs/a/c/1")).not.toBeNull();
    expect(await db.all(sql`SELECT * FROM removals`)).toEqual([]);
  });
});
