/** Many submits in one call: what is accepted, what is refused and where, and all or none. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { BULK_SUBMITS, RUNNERS_PER_BATCH } from "../../src/limits.ts";
import { as, call, object, operator, seen } from "./support/requests.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { claimed, rowOf } from "./support/inferences.ts";
import { faultyDatabase, still, stillAs, stillEnv } from "./support/ports.ts";
import { type Tenant, newBackend, newModel, newTenant, served } from "./support/tenants.ts";

interface Answer {
  readonly accepted: number;
  readonly refused: number;
  readonly results: readonly {
    readonly index: number;
    readonly inference?: { readonly id: string; readonly status: string };
    readonly replayed?: boolean;
    readonly error?: { readonly code: string; readonly status: number; readonly errors?: readonly { readonly pointer: string }[] };
  }[];
}

const bulk = async (key: string, lines: unknown, query = ""): Promise<Answer> => {
  const answer = await as(key, "POST", `/v1/inferences/bulk${query}`, lines);
  expect(answer.status).toBe(202);
  return (await object(answer)) as unknown as Answer; // as documented
};
const ids = ({ results }: Answer) => results.map(({ inference }) => inference?.id);
const stored = async ({ accountId }: Tenant) =>
  (await env.DB.prepare("SELECT id FROM inferences WHERE account_id = ? ORDER BY id").bind(accountId).all<{ id: string }>()).results.map(
    ({ id }) => id,
  );
const line = (model: string, number: number, more: object = {}) => ({ model, input: { number }, ...more });

describe("a bulk submit", () => {
  test(`takes ${BULK_SUBMITS}, in their order, and what they take is counted once`, async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const answer = await bulk(
      tenant.key,
      Array.from({ length: BULK_SUBMITS }, (_, number) => line(model, number, { metadata: { number: String(number) } })),
    );
    expect(answer).toMatchObject({ accepted: BULK_SUBMITS, refused: 0 });
    expect(answer.results.map(({ index, inference }) => [index, inference?.status])).toEqual(
      Array.from({ length: BULK_SUBMITS }, (_, index) => [index, "queued"]),
    );
    expect(new Set(ids(answer))).toEqual(new Set(await stored(tenant)));
    const [last] = (await object(as(tenant.key, "GET", `/v1/inferences?ids=${ids(answer)[999]}`)))["data"] as { metadata: object }[];
    expect(last?.metadata).toEqual({ number: "999" });
    expect(await object(as(tenant.key, "GET", "/v1/me"))).toMatchObject({
      open_inferences: { count: BULK_SUBMITS },
      storage: { stored_bytes: BULK_SUBMITS * 8_192, database_bytes: BULK_SUBMITS * 2_048 },
    });
  });

  test("wakes no more runners for a model than it could use at once", async () => {
    const { key } = await newTenant();
    const model = await served(100);
    const sent: unknown[] = [];
    const queue = { sendBatch: async (messages: readonly { body: unknown }[]) => void sent.push(...messages.map(({ body }) => body)) };
    const lines = Array.from({ length: 4 * RUNNERS_PER_BATCH + 1 }, (_, number) => line(model, number));
    const answer = await stillAs(key, "POST", "/v1/inferences/bulk", lines, {}, stillEnv({ WAKE_UPS: queue }));
    expect(answer.status).toBe(202);
    expect(sent).toEqual(Array.from({ length: 5 }, () => ({ model, version: "" })));
  });

  test("takes JSON Lines, and answers each bad one by its number", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const lines = [
      JSON.stringify(line(model, 0)),
      "{broken",
      "",
      JSON.stringify(line("nobody", 1)),
      JSON.stringify(line(model, 2, { priority: 9 })),
      JSON.stringify(line(model, 3)),
    ];
    const answer = await call("/v1/inferences/bulk", {
      method: "POST",
      body: lines.join("\n"),
      headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/x-ndjson" },
    });
    expect(answer.status).toBe(202);
    const { accepted, refused, results } = (await object(answer)) as unknown as Answer;
    expect({ accepted, refused }).toEqual({ accepted: 2, refused: 3 });
    expect(results.map(({ error }) => [error?.status, error?.code])).toEqual([
      [undefined, undefined],
      [400, "bad_json"],
      [404, "model_not_found"],
      [422, "invalid_input"],
      [undefined, undefined],
    ]);
    expect(results[1]?.error).toMatchObject({
      detail: expect.stringMatching(/^Line 2 of the body is not JSON: at column 2 there must be/),
    });
    expect(results[3]?.error?.errors).toEqual([expect.objectContaining({ pointer: "#/priority" })]);
    expect(await stored(tenant)).toHaveLength(2);
  });

  test("checks a line as if no other had come before it", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const right = line(model, 0, { priority: 1, idempotency_key: "a" });
    const lines: object[] = [
      right,
      { ...right, priority: 9 },
      { ...right, idempotency_key: "ä" },
      { model, input: 1, priority: 1, toString: "a" },
      { model, max_attempts: 1, priority: 1, idempotency_key: "b" },
      { ...right, idempotency_key: "c", input: null },
      { model, input: 1, version: 1, idempotency_key: "d" },
      { ...right, idempotency_key: 7 },
    ];
    const { results } = await bulk(key, lines);
    expect(results.map(({ error }) => error?.errors?.map(({ pointer }) => pointer))).toEqual([
      undefined,
      ["#/priority"],
      ["#/idempotency_key"],
      ["#/toString"],
      ["#/input", "#/max_attempts"],
      undefined,
      ["#/version"],
      ["#/idempotency_key"],
    ]);
  });

  test("sent again, gives each line with a key its first answer, and takes only the others", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const lines = Array.from({ length: 20 }, (_, number) => line(model, number, { idempotency_key: `order-${number}` }));
    const first = await bulk(tenant.key, lines);
    const more = [...lines, line(model, 20, { idempotency_key: "order-20" })];
    const again = await bulk(tenant.key, more);
    expect(ids(again).slice(0, 20)).toEqual(ids(first));
    expect(again.results.map(({ replayed }) => replayed === true)).toEqual([...lines.map(() => true), false]);
    expect(await stored(tenant)).toHaveLength(21);
    const other = await bulk(tenant.key, [line(model, 99, { idempotency_key: "order-1" }), line(model, 100)]);
    expect(other.results.map(({ error }) => error?.code)).toEqual(["idempotency_key_reused", undefined]);
    expect(other.results[0]?.error).toMatchObject({
      detail: expect.stringMatching(/^The idempotency key ".+" was used for another path or body/),
    });
  });

  test.each(["", "?atomic=true"])("whose answer from the database is lost is written once, with and without keys%s", async (query) => {
    const tenant = await newTenant();
    const model = await newModel();
    let lost = 0;
    const database = faultyDatabase(async (texts, effect) => {
      const answer = await effect();
      if (lost > 0 || !texts.some((text) => text.includes("INSERT INTO inferences"))) return answer;
      lost++;
      throw new Error("Network connection lost.");
    });
    const lines = [
      line(model, 1),
      line(model, 2, { idempotency_key: "kept" }),
      line(model, 3),
      line(model, 4, { idempotency_key: "also" }),
    ];
    const answer = await stillAs(tenant.key, "POST", `/v1/inferences/bulk${query}`, lines, {}, stillEnv({ DB: database }));
    const first = (await object(answer)) as unknown as Answer; // as documented
    expect([lost, first.accepted, new Set(ids(first))]).toEqual([1, 4, new Set(await stored(tenant))]);
    expect(first.results.some(({ replayed }) => replayed)).toBe(false);
  });

  test("asks the database a few times, also if half is refused or all was accepted before", async () => {
    const { key, accountId } = await newTenant();
    await operator("PATCH", `/accounts/${accountId}`, { open_limit: 60 });
    const model = await newModel();
    const lines = Array.from({ length: 120 }, (_, number) => line(model, number, { idempotency_key: `order-${number}` }));
    let asked = 0;
    const database = faultyDatabase((_, effect) => {
      asked++;
      return effect();
    });
    const send = async () => {
      asked = 0;
      const answer = await object(await stillAs(key, "POST", "/v1/inferences/bulk", lines, {}, stillEnv({ DB: database })));
      return [answer["accepted"], asked < 15];
    };
    expect([await send(), await send()]).toEqual([
      [60, true],
      [60, true],
    ]);
  });

  test("takes a key that stands twice in it once", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const answer = await bulk(tenant.key, [
      line(model, 1, { idempotency_key: "a" }),
      line(model, 1, { idempotency_key: "a" }),
      line(model, 2),
    ]);
    expect(answer.accepted).toBe(3);
    expect(ids(answer)[0]).toBe(ids(answer)[1]);
    expect(await stored(tenant)).toHaveLength(2);
  });

  test("frees keys whose day is over, as single submits do", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const lines = [1, 2].map((number) => line(model, number, { idempotency_key: `day-${number}` }));
    const first = await bulk(tenant.key, lines);
    await env.DB.prepare("UPDATE inferences SET created_at = created_at - 86400001 WHERE account_id = ?").bind(tenant.accountId).run();
    const second = await bulk(tenant.key, lines);
    expect(second.accepted).toBe(2);
    expect(ids(second).some((id) => ids(first).includes(id))).toBe(false);
  });

  test("takes as many as the account may have open, and says of the others why not", async () => {
    const tenant = await newTenant();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { open_limit: 7 });
    const model = await newModel();
    const answer = await bulk(
      tenant.key,
      Array.from({ length: 10 }, (_, number) => line(model, number)),
    );
    expect(answer).toMatchObject({ accepted: 7, refused: 3 });
    expect(answer.results.flatMap(({ error }) => error?.code ?? [])).toEqual(["too_many_open", "too_many_open", "too_many_open"]);
    expect(await stored(tenant)).toHaveLength(7);
  });

  test("with atomic takes all", async () => {
    const tenant = await newTenant();
    const [model, other] = [await newModel(), await newModel()];
    const lines = Array.from({ length: 30 }, (_, number) =>
      line(number % 3 === 0 ? other : model, number, { idempotency_key: `a-${number}` }),
    );
    const answer = await bulk(tenant.key, lines, "?atomic=true");
    expect(answer).toMatchObject({ accepted: 30, refused: 0 });
    expect(new Set(ids(answer))).toEqual(new Set(await stored(tenant)));
    const again = await bulk(tenant.key, lines, "?atomic=true");
    expect(ids(again)).toEqual(ids(answer));
  });

  test.each<[what: string, lines: (model: string) => unknown[], status: number, code: string, pointer?: string]>([
    ["one is malformed", (model) => [line(model, 0), line(model, 1, { priority: 9 })], 422, "invalid_input", "#/1/priority"],
    ["one names no model", (model) => [line(model, 0), line("nobody", 1)], 404, "model_not_found", "#/1/model"],
    [
      "one behind a key that stands twice names no model",
      (model) => [line(model, 0, { idempotency_key: "a" }), line(model, 0, { idempotency_key: "a" }), line("nobody", 1)],
      404,
      "model_not_found",
      "#/2/model",
    ],
    ["they are too many", (model) => Array.from({ length: 8 }, (_, number) => line(model, number)), 429, "too_many_open"],
  ])("with atomic takes none if %s", async (_what, lines, status, code, pointer) => {
    const tenant = await newTenant();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { open_limit: 5 });
    const answer = await seen(as(tenant.key, "POST", "/v1/inferences/bulk?atomic=true", lines(await newModel())));
    expect(answer).toMatchObject({ status, body: { code, ...(pointer && { errors: [{ pointer }] }) } });
    expect(await stored(tenant)).toEqual([]);
    expect(await object(as(tenant.key, "GET", "/v1/me"))).toMatchObject({ open_inferences: { count: 0 }, storage: { stored_bytes: 0 } });
  });

  test("with atomic says how many are open and how many are too many at once, and when to wait is of no use", async () => {
    const tenant = await newTenant();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { open_limit: 5 });
    const model = await newModel();
    const many = (count: number) => Array.from({ length: count }, (_, number) => line(model, number));
    const refusal = (lines: unknown[]) => object(as(tenant.key, "POST", "/v1/inferences/bulk?atomic=true", lines));
    expect(await refusal(many(6))).toMatchObject({
      code: "too_many_open",
      detail: "The account has 0 open inferences and may have 5, and this call would add 6. Send fewer in a call.",
      open_inferences: 0,
      open_limit: 5,
    });
    await bulk(tenant.key, many(3));
    expect(await refusal(many(4))).toMatchObject({
      detail:
        "The account has 3 open inferences and may have 5, and this call would add 4. Wait until some have ended, or send fewer in a call.",
    });
  });

  test("with atomic takes a key that stands twice in it once, and none if that is for another body", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const lines = [line(model, 0), line(model, 1, { idempotency_key: "a" }), line(model, 1, { idempotency_key: "a" }), line(model, 2)];
    const answer = await bulk(tenant.key, lines, "?atomic=true");
    expect(answer).toMatchObject({ accepted: 4, refused: 0 });
    expect(ids(answer)[1]).toBe(ids(answer)[2]);
    expect(answer.results.map(({ replayed }) => replayed === true)).toEqual([false, false, true, false]);
    expect(await stored(tenant)).toHaveLength(3);
    const others = [line(model, 3), line(model, 4, { idempotency_key: "b" }), line(model, 5, { idempotency_key: "b" })];
    const refused = await seen(as(tenant.key, "POST", "/v1/inferences/bulk?atomic=true", others));
    expect(refused).toMatchObject({ status: 422, body: { code: "idempotency_key_reused", detail: expect.stringContaining("Item 2") } });
    expect(await stored(tenant)).toHaveLength(3);
  });

  test("with atomic takes none if some, but not all, were submitted before", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    await bulk(tenant.key, [line(model, 0, { idempotency_key: "known" })]);
    const answer = await seen(
      as(tenant.key, "POST", "/v1/inferences/bulk?atomic=true", [
        line(model, 1, { idempotency_key: "new" }),
        line(model, 0, { idempotency_key: "known" }),
      ]),
    );
    expect(answer).toMatchObject({ status: 409, body: { code: "conflict", detail: expect.stringContaining("Item 1") } });
    expect(await stored(tenant)).toHaveLength(1);
  });

  test.each<[what: string, body: unknown, status: number, says: string]>([
    ["no array", { model: "m" }, 422, "must be an array, and is an object. For JSON Lines, send Content-Type: application/x-ndjson."],
    ["none", [], 422, `must be 1 to ${BULK_SUBMITS} values, and is 0`],
    ["too many", Array.from({ length: BULK_SUBMITS + 1 }, () => 1), 422, `and is ${BULK_SUBMITS + 1}`],
  ])("of %s is refused whole", async (_what, body, status, says) => {
    const { key } = await newTenant();
    const answer = await seen(as(key, "POST", "/v1/inferences/bulk", body));
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(says);
  });
});

test("a bulk submit that is made safe to repeat by the header of a single one is refused, since that would double its lines", async () => {
  const { key } = await newTenant();
  const answer = await seen(
    call("/v1/inferences/bulk", {
      method: "POST",
      body: JSON.stringify([line(await newModel(), 0)]),
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Idempotency-Key": "monday" },
    }),
  );
  expect(answer).toMatchObject({
    status: 400,
    body: { code: "bad_request", detail: expect.stringContaining('"idempotency_key" of its own') },
  });
});

test("JSON Lines that are sent as JSON are refused with the type that they need", async () => {
  const { key } = await newTenant();
  const body = '{"model":"m","input":1}\n{"model":"m","input":2}';
  const sent = (type: string) =>
    seen(call("/v1/inferences/bulk", { method: "POST", body, headers: { Authorization: `Bearer ${key}`, "Content-Type": type } }));
  for (const [type, status] of [
    ["application/json", 400],
    ["text/plain", 415],
  ] as const) {
    expect(await sent(type)).toMatchObject({ status, body: { detail: expect.stringContaining("Content-Type: application/x-ndjson.") } });
  }
});

describe("an inference that is not to begin before a time", () => {
  test("is scheduled, is not begun, and is claimable once its time has come", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const at = Date.now() + 3_600_000;
    const { results } = await bulk(tenant.key, [
      line(model, 0, { not_before: new Date(at).toISOString() }),
      line(model, 1),
      line(model, 2),
    ]);
    const [scheduled, ...others] = results.map(({ inference }) => String(inference?.id));
    const shown = () => object(as(tenant.key, "GET", `/v1/inferences/${scheduled}`));
    expect(await shown()).toMatchObject({ status: "queued", waiting_on: "scheduled", queue_position: null });
    const row = await rowOf(String(scheduled));
    expect(row).toMatchObject({ not_before: at, start_by: at + 600_000 });
    await newBackend(model, { protocol: "http", max_concurrency: 9 });
    const first = await claimed(model);
    expect(others).toContain(first.id);
    expect(others).toContain((await claimed(model)).id);
    await expect(claimed(model)).rejects.toThrow("nothing is claimable");
    await env.DB.prepare("UPDATE inferences SET not_before = 1 WHERE id = ?").bind(scheduled).run();
    await sweep(still());
    expect((await claimed(model)).id).toBe(scheduled);
  });

  test("of a time that is over begins at once, and of one too far ahead is refused", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const ahead = new Date(Date.now() + 3_600_000).toISOString();
    const later = await object(as(tenant.key, "POST", "/v1/inferences", line(model, 0, { not_before: ahead })));
    expect(later).toMatchObject({ waiting_on: "scheduled", poll_after: 30 });
    expect(Math.abs(Date.parse(String(later["estimated_start_at"])) - Date.parse(ahead))).toBeLessThan(1_000);
    const past = await object(as(tenant.key, "POST", "/v1/inferences", line(model, 0, { not_before: "2020-01-01T00:00:00Z" })));
    expect(past).toMatchObject({ status: "queued", waiting_on: "position" });
    expect(await rowOf(String(past["id"]))).toMatchObject({ not_before: null });
    const far = await seen(as(tenant.key, "POST", "/v1/inferences", line(model, 0, { not_before: "2100-01-01T00:00:00Z" })));
    expect(far).toMatchObject({
      status: 422,
      body: { errors: [{ pointer: "#/not_before", detail: "must be within 30 days from now, and is 2100-01-01T00:00:00.000Z" }] },
    });
  });

  test("is refused if it would be canceled before, alone and in a bulk submit", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const not_before = new Date(Date.now() + 3_600_000).toISOString();
    const errors = [
      { pointer: "#/cancel_after_seconds", detail: "must be later than `not_before`: it would be canceled before it may begin" },
    ];
    const never = line(model, 0, { not_before, cancel_after_seconds: 3_500 });
    expect(await seen(as(tenant.key, "POST", "/v1/inferences", never))).toMatchObject({ status: 422, body: { errors } });
    const { accepted, results } = await bulk(tenant.key, [never, line(model, 1, { not_before, cancel_after_seconds: 3_700 })]);
    expect({ accepted, error: results[0]?.error }).toMatchObject({ accepted: 1, error: { errors } });
  });
});
