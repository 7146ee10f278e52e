/** What one account can take of the database: its bytes and its open inferences; and what is refused before the database is full. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { run } from "../../src/inferences/run.ts";
import { insertStatements } from "../../src/inferences/sql/insert.ts";
import { openStatements } from "../../src/inferences/sql/open.ts";
import { submit } from "../../src/inferences/submit.ts";
import { configOf } from "../../src/config.ts";
import {
  DATABASE_BYTES,
  DATABASE_FULL_BYTES,
  DATABASE_QUOTA_BYTES,
  INFERENCE_CHARGE_BYTES,
  KIB,
  OPEN_COUNT_MS,
  OPEN_INFERENCES,
  QUOTA_BYTES,
  ROW_CHARGE_BYTES,
} from "../../src/limits.ts";
import type { Ports } from "../../src/ports.ts";
import type { Sql } from "../../src/platform/sql.ts";
import { laneOf, queued, submission } from "./support/inferences.ts";
import { gpu } from "./support/outside.ts";
import { still, stillAs, stillEnv } from "./support/ports.ts";
import { object, operator } from "./support/requests.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";

const storedBy = async (accountId: string) => Number((await object(operator("GET", `/accounts/${accountId}`)))["stored_bytes"]);
const post = (key: string, model: string, input: unknown = "x", more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  stillAs(key, "POST", "/v1/inferences", { model, input, ...more }, headers);

describe("what an account stores", () => {
  test(
    "is bounded by its quota: of 1,500 inputs of 32 KiB into a paused lane the rest is refused with the figures, others' are not",
    { timeout: 180_000 },
    async () => {
      const [flood, other] = [await newTenant(), await newTenant()];
      const model = await newModel();
      await newBackend(model, { protocol: "http", state: "paused" });
      const input = "i".repeat(32 * KIB - 2);
      const quota = 300 * 32 * KIB;
      await operator("PATCH", `/accounts/${flood.accountId}`, { quota_bytes: quota });
      const statuses = new Map<number, number>();
      let refusal: Response | null = null;
      for (let sent = 0; sent < 1_500; sent += 10) {
        for (const answer of await Promise.all(Array.from({ length: 10 }, () => post(flood.key, model, input)))) {
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
          if (answer.status === 413) refusal = answer;
        }
      }
      expect([...statuses]).toEqual([
        [202, 300],
        [413, 1_200],
      ]);
      expect(refusal && (await object(refusal))).toMatchObject({
        code: "quota_exceeded",
        stored_bytes: quota,
        quota_bytes: quota,
        wanted_bytes: 32 * KIB,
      });
      expect(await storedBy(flood.accountId)).toBe(quota);
      expect((await post(other.key, model, input)).status).toBe(202);
    },
  );

  test("counts input, output and metadata wherever they lie, a least amount for each, and nothing of what is removed", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    await post(key, model);
    expect(await storedBy(accountId)).toBe(INFERENCE_CHARGE_BYTES);
    const metadata = { order: "7".repeat(500) };
    const input = "i".repeat(20_000);
    const { id } = await object(post(key, model, input, { metadata }));
    const submitted = INFERENCE_CHARGE_BYTES + input.length + 2 + JSON.stringify(metadata).length - 2;
    expect(await storedBy(accountId)).toBe(submitted);
    const output = JSON.stringify("o".repeat(10_000));
    await run(
      still({ fetch: gpu(() => new Response(output, { headers: { "Content-Type": "application/json" } })) }),
      [laneOf(model)],
      "lease",
    );
    expect(await storedBy(accountId)).toBe(submitted + output.length + output.length + 3 - INFERENCE_CHARGE_BYTES);
    expect((await stillAs(key, "DELETE", `/v1/inferences/${String(id)}`)).status).toBe(204);
    expect(await storedBy(accountId)).toBe(output.length + 3);
  });

  test("over the quota does not keep an earlier submit from being answered again", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const once = { "Idempotency-Key": "order-7" };
    const first = await object(post(key, model, "x", {}, once));
    await operator("PATCH", `/accounts/${accountId}`, { quota_bytes: 1 });
    expect((await post(key, model)).status).toBe(413);
    const again = await post(key, model, "x", {}, once);
    expect([again.status, (await object(again))["id"]]).toEqual([202, first["id"]]);
  });

  test("costs one row written for an inference, at its submit", async () => {
    const model = await newModel();
    const { accountId } = await newTenant();
    const written = async (statement: Sql) =>
      (
        await env.DB.prepare(statement.text)
          .bind(...statement.params)
          .run()
      ).meta.rows_written;
    const uncounted = await written(insertStatements.insert(submission(model, { accountId: "no account" })));
    expect(await written(insertStatements.insert(submission(model, { accountId })))).toBe(uncounted + 1);
  });
});

describe("what of it lies in the database", () => {
  const inDatabaseBy = async (accountId: string) => Number((await object(operator("GET", `/accounts/${accountId}`)))["database_bytes"]);
  const quotaOf = (accountId: string, database_quota_bytes: number | null) =>
    operator("PATCH", `/accounts/${accountId}`, { database_quota_bytes });

  test("has a quota of its own, which by default is less than a database holds while all that an account stores may be more", () => {
    expect(4 * DATABASE_QUOTA_BYTES.default).toBeLessThan(DATABASE_FULL_BYTES);
    expect(QUOTA_BYTES).toBeGreaterThan(DATABASE_BYTES);
  });

  test("is bounded: 150 inputs of 31 kB into a paused lane are refused with the figures from the quota on, a large one in R2 and others' are not", async () => {
    const [flood, other] = [await newTenant(), await newTenant()];
    const model = await newModel();
    await newBackend(model, { protocol: "http", state: "paused" });
    const input = "i".repeat(31_000);
    const each = input.length + '""{}'.length;
    const quota = 20 * each + ROW_CHARGE_BYTES;
    await quotaOf(flood.accountId, quota);
    const statuses: number[] = [];
    let refusal: Response | null = null;
    for (let sent = 0; sent < 150; sent++) {
      const answer = await post(flood.key, model, input);
      statuses.push(answer.status);
      if (answer.status === 413) refusal = answer;
    }
    expect(statuses).toEqual([...Array<number>(20).fill(202), ...Array<number>(130).fill(413)]);
    expect(refusal && (await object(refusal))).toMatchObject({
      code: "quota_exceeded",
      detail: expect.stringContaining(`${20 * each} of at most ${quota} bytes of the database; ${each} more are too many`),
      database_bytes: 20 * each,
      database_quota_bytes: quota,
      wanted_bytes: each,
    });
    expect(await inDatabaseBy(flood.accountId)).toBe(20 * each);
    expect((await post(other.key, model, input)).status).toBe(202);
    expect((await post(flood.key, model, "i".repeat(40_000))).status).toBe(202);
    expect((await post(flood.key, model, "i".repeat(40_000))).status).toBe(413);
  });

  test("counts input, output and metadata that the row holds, as they are held there, and nothing of what is removed", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    const metadata = { order: "\u00e4".repeat(300) };
    const kept = new TextEncoder().encode(JSON.stringify(metadata)).byteLength;
    const { id } = await object(post(key, model, "i".repeat(9_998), { metadata }));
    const large = await object(post(key, model, "i".repeat(40_000)));
    expect(await inDatabaseBy(accountId)).toBe(10_000 + kept + ROW_CHARGE_BYTES);
    const picture = new Uint8Array(3_000);
    await run(still({ fetch: gpu(() => new Response(picture, { headers: { "Content-Type": "image/png" } })) }), [laneOf(model)], "lease");
    const output = (picture.byteLength / 3) * 4;
    expect(await inDatabaseBy(accountId)).toBe(10_000 + kept + output + output + "{}".length);
    for (const gone of [id, large["id"]]) {
      expect((await stillAs(key, "DELETE", `/v1/inferences/${String(gone)}`)).status).toBe(204);
    }
    expect(await inDatabaseBy(accountId)).toBe(0);
  });

  test("counts a small inference's row once, at its submit: its end writes no row of the account", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    await post(key, model);
    await run(still({ fetch: gpu(() => Response.json("done")) }), [laneOf(model)], "lease");
    expect(await inDatabaseBy(accountId)).toBe(ROW_CHARGE_BYTES);
  });

  test("counts the rows of files", async () => {
    const { key, accountId } = await newTenant();
    await quotaOf(accountId, 2 * ROW_CHARGE_BYTES);
    const upload = () => stillAs(key, "POST", "/v1/files", "bytes", { "Content-Type": "application/octet-stream" });
    const first = await object(upload());
    expect((await upload()).status).toBe(201);
    const refused = await upload();
    expect([refused.status, await object(refused)]).toMatchObject([
      413,
      {
        code: "quota_exceeded",
        database_bytes: 2 * ROW_CHARGE_BYTES,
        database_quota_bytes: 2 * ROW_CHARGE_BYTES,
        wanted_bytes: ROW_CHARGE_BYTES,
      },
    ]);
    await stillAs(key, "DELETE", `/v1/files/${String(first["id"])}`);
    expect((await upload()).status).toBe(201);
  });

  test("is bounded for all accounts that have no quota of their own by the deployment's setting", async () => {
    const [one, another] = [await newTenant(), await newTenant()];
    const model = await newModel();
    const small = stillEnv({ DATABASE_QUOTA_BYTES: String(ROW_CHARGE_BYTES) });
    const submitBy = (key: string) => stillAs(key, "POST", "/v1/inferences", { model, input: "x" }, {}, small);
    await quotaOf(another.accountId, 2 * ROW_CHARGE_BYTES);
    const statuses = [];
    for (const key of [one.key, one.key, another.key, another.key, another.key]) statuses.push((await submitBy(key)).status);
    expect(statuses).toEqual([202, 413, 202, 202, 413]);
  });

  test.each(["2 GiB", "-1", "1.5", String(DATABASE_BYTES + 1)])("can't be bounded by the setting %j", (setting) => {
    expect(() => configOf({ ...env, DATABASE_QUOTA_BYTES: setting })).toThrow("DATABASE_QUOTA_BYTES: must be a whole number of bytes");
  });
});

describe("the open inferences of an account", () => {
  const limited = async (open_limit: number) => {
    const tenant = await newTenant();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { open_limit });
    return tenant;
  };
  const timeToCount = (accountId: string) =>
    env.DB.prepare("UPDATE accounts SET open_counted_at = open_counted_at - ? WHERE id = ?").bind(OPEN_COUNT_MS, accountId).run();

  test("are bounded: one too many is 429 with the figures, for its account alone, until some have ended", async () => {
    const { key, accountId } = await limited(3);
    const model = await newModel();
    const ids: string[] = [];
    for (let sent = 0; sent < 3; sent++) ids.push(String((await object(post(key, model)))["id"]));
    const refused = await post(key, model);
    expect([refused.status, refused.headers.get("retry-after"), await object(refused)]).toMatchObject([
      429,
      String(OPEN_COUNT_MS / 1000),
      { code: "too_many_open", open_inferences: 3, open_limit: 3 },
    ]);
    expect((await post((await newTenant()).key, model)).status).toBe(202);
    await stillAs(key, "POST", `/v1/inferences/${ids[0]}/cancel`);
    await timeToCount(accountId);
    expect((await post(key, model)).status).toBe(202);
    expect((await post(key, model)).status).toBe(429);
  });

  test("count those that run", async () => {
    const { key, accountId } = await limited(2);
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    await queued(model, { accountId });
    const lane = laneOf(model);
    /** Of two more, submitted while the first runs. */
    const statuses: number[] = [];
    await run(
      still({
        fetch: gpu(async () => {
          if (statuses.length === 0) {
            statuses.push((await post(key, model)).status);
            await timeToCount(accountId);
            statuses.push((await post(key, model)).status);
          }
          return Response.json("done");
        }),
      }),
      [lane],
      "lease",
    );
    expect(statuses).toEqual([202, 429]);
    await timeToCount(accountId);
    expect((await post(key, model)).status).toBe(202);
  });

  test("count those that are not to begin yet", async () => {
    const { key, accountId } = await limited(2);
    const model = await newModel();
    const later = { not_before: new Date(Date.now() + 3_600_000).toISOString() };
    expect([(await post(key, model, "x", later)).status, (await post(key, model, "x", later)).status]).toEqual([202, 202]);
    await timeToCount(accountId);
    expect((await post(key, model, "x", later)).status).toBe(429);
    expect((await post((await newTenant()).key, model, "x", later)).status).toBe(202);
  });

  describe("of which some are redriven", () => {
    /** What of an account has failed, which may have so many open from then on. */
    const failed = async (accountId: string, model: string, count: number, open_limit: number) => {
      const ids = await Promise.all(Array.from({ length: count }, () => queued(model, { accountId })));
      await env.DB.prepare("UPDATE inferences SET status = 'failed', finished_at = 1, error = ? WHERE account_id = ?")
        .bind(JSON.stringify({ class: "model", code: "broken", message: "It broke.", status: 500 }), accountId)
        .run();
      await env.DB.prepare("UPDATE accounts SET open_at_most = 0 WHERE id = ?").bind(accountId).run();
      await operator("PATCH", `/accounts/${accountId}`, { open_limit });
      return ids.toSorted();
    };
    const openBy = async (key: string) => (await object(stillAs(key, "GET", "/v1/me")))["open_inferences"];
    const redrive = (key: string, id: string) => stillAs(key, "POST", `/v1/inferences/${id}/redrive`);

    test("count those, and are bounded for them as for submits, but not for the operator's", async () => {
      const { key, accountId } = await newTenant();
      const model = await newModel();
      const [one = "", two = "", three = "", ...more] = await failed(accountId, model, 5, 2);
      expect([(await redrive(key, one)).status, (await redrive(key, two)).status]).toEqual([202, 202]);
      expect(await openBy(key)).toEqual({ count: 2, limit: 2 });
      const refused = await redrive(key, three);
      expect([refused.status, await object(refused)]).toMatchObject([429, { code: "too_many_open", open_inferences: 2, open_limit: 2 }]);
      expect((await redrive(key, one)).status).toBe(409);
      await stillAs(key, "POST", `/v1/inferences/${one}/cancel`);
      await timeToCount(accountId);
      expect((await redrive(key, three)).status).toBe(202);
      expect((await post(key, model)).status).toBe(429);
      expect((await operator("POST", `/inferences/${accountId}/${more[0]}/redrive`)).status).toBe(202);
      expect(await object(operator("POST", "/redrive", { account_id: accountId, model }))).toMatchObject({ redriven: 1 });
      expect(await openBy(key)).toEqual({ count: 4, limit: 2 });
    });

    test("take of a bulk redrive as many as they have room for, and then refuse it", async () => {
      const { key, accountId } = await newTenant();
      const model = await newModel();
      await failed(accountId, model, 5, 3);
      const bulk = (after: unknown = "") => stillAs(key, "POST", "/v1/inferences/redrive", { model, after });
      const first = await object(bulk());
      expect(first).toMatchObject({ looked_at: 3, redriven: 3 });
      expect(first["next"]).not.toBeNull();
      const refused = await bulk(first["next"]);
      expect([refused.status, (await object(refused))["code"]]).toEqual([429, "too_many_open"]);
      await stillAs(key, "POST", "/v1/inferences/cancel", { model });
      await timeToCount(accountId);
      expect(await object(bulk(first["next"]))).toMatchObject({ looked_at: 2, redriven: 2, next: null });
      expect(await object(bulk())).toMatchObject({ redriven: 0, next: null });
      expect(await openBy(key)).toMatchObject({ count: 2 });
    });

    test("are none of an account whose budget is spent", async () => {
      const { key, accountId } = await newTenant();
      const model = await newModel();
      const [id = ""] = await failed(accountId, model, 2, 9);
      await env.DB.prepare("UPDATE accounts SET budget_micros = 1, budget_state = 'spent' WHERE id = ?").bind(accountId).run();
      const [one, many] = [await redrive(key, id), await stillAs(key, "POST", "/v1/inferences/redrive", { model })];
      expect([one.status, many.status, (await object(many))["code"]]).toEqual([402, 402, "budget_exceeded"]);
      expect((await operator("POST", `/inferences/${accountId}/${id}/redrive`)).status).toBe(202);
    });
  });

  test("are counted only at the limit, and then no more than once in five seconds", async () => {
    const { accountId } = await limited(1);
    const model = await newModel();
    await queued(model, { accountId });
    const count = async () => (await still().db.all(openStatements.count(accountId))).length;
    expect([await count(), await count()]).toEqual([1, 0]);
    await timeToCount(accountId);
    expect(await count()).toBe(1);
    await operator("PATCH", `/accounts/${accountId}`, { open_limit: 2 });
    await timeToCount(accountId);
    expect(await count()).toBe(0);
  });

  test.each([0, OPEN_INFERENCES.range[1] + 1, 1.5, "many"])("can't be bounded by %j", async (open_limit) => {
    const { accountId } = await newTenant();
    expect((await operator("PATCH", `/accounts/${accountId}`, { open_limit })).status).toBe(422);
  });
});

describe("a database", () => {
  const ofSize = (bytes: number): Ports => {
    const { db } = still();
    return still({ db: { all: (it) => db.all(it), batch: (them) => db.batch(them), bytes: () => bytes } });
  };
  const submitTo = (ports: Ports, model: string) =>
    submit(
      ports,
      { accountId: "a", keyId: "k", dialect: "claimcheck", model, input: { body: "{}", contentType: "application/json" }, inputItems: 1 },
      () => {},
    );

  test("that is nearly full takes no submits, and says so", async () => {
    const model = await newModel();
    expect((await submitTo(ofSize(DATABASE_FULL_BYTES - 1), model)).inference.status).toBe("queued");
    await expect(submitTo(ofSize(DATABASE_FULL_BYTES), model)).rejects.toMatchObject({ code: "database_full", status: 503 });
  });

  test("shows the operator how full it is", async () => {
    const answer = await object(operator("GET", "/health"));
    expect(answer).toEqual({ database: { bytes: expect.any(Number), limit_bytes: DATABASE_BYTES, state: "ok" } });
    expect((answer["database"] as { bytes: number }).bytes).toBeGreaterThan(10_000);
  });
});
