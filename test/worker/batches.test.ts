/** OpenAI's Batch API: what a batch is made of on its way, what is refused, and that no step of it is lost or done twice. */
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { BOUNDS } from "../../src/batches/lines.ts";
import { advanceBatches } from "../../src/batches/steps.ts";
import { batchWire } from "../../src/dialects/openai/lines.ts";
import { SWEEP_NAME } from "../../src/entry/bindings.ts";
import { BATCHES_OPEN, BATCH_KEPT_MS, BATCH_LINE_BYTES, BATCH_PIECE_BYTES, BATCH_ROWS_READ, BATCH_WAIT_MS } from "../../src/limits.ts";
import type { Upload } from "../../src/payloads/bucket.ts";
import { d1, sql } from "../../src/platform/sql.ts";
import type { Ports } from "../../src/ports.ts";
import { faultyDatabase, still, stillAs } from "./support/ports.ts";
import { object, operator, seen, until } from "./support/requests.ts";
import { type Tenant, newModel, newTenant, servedBy } from "./support/tenants.ts";

const { db } = still();
const CHAT = "/v1/chat/completions";
const BROKEN = { class: "model", code: "backend_error", message: "It broke.", status: 500 } as const;
const COMPLETION = { id: "c", object: "chat.completion", choices: [{ index: 0, message: { role: "assistant", content: "Hi" } }] };

type Json = Record<string, unknown>;

const bodyOf = (model: string, more: Json = {}) => ({ model, messages: [{ role: "user", content: "Hi" }], ...more });
const lineOf = (customId: string, model: string, more: Json = {}, body: Json = {}): Json => ({
  custom_id: customId,
  method: "POST",
  url: CHAT,
  body: bodyOf(model, body),
  ...more,
});
const textOf = (lines: readonly unknown[]) => lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n");

async function uploaded({ key }: Tenant, lines: readonly unknown[] | string): Promise<string> {
  const text = typeof lines === "string" ? lines : textOf(lines);
  const answer = await object(stillAs(key, "POST", "/v1/files", text, { "Content-Type": "application/jsonl" }));
  return String(answer["id"]);
}

const create = ({ key }: Tenant, fileId: string, more: Json = {}, headers: Record<string, string> = {}) =>
  stillAs(key, "POST", "/v1/batches", { input_file_id: fileId, endpoint: CHAT, completion_window: "24h", ...more }, headers);

/** A new batch of these lines; nothing is done for it yet. */
async function batchOf(tenant: Tenant, lines: readonly unknown[] | string, more: Json = {}): Promise<string> {
  return String((await object(create(tenant, await uploaded(tenant, lines), more)))["id"]);
}

const get = ({ key }: Tenant, id: string) => object(stillAs(key, "GET", `/v1/batches/${id}`));
const cancel = ({ key }: Tenant, id: string) => stillAs(key, "POST", `/v1/batches/${id}/cancel`);
const advance = (instead: Partial<Ports> = {}, bounds?: Parameters<typeof advanceBatches>[2]) =>
  advanceBatches(still(instead), batchWire, bounds);
const due = () => db.all(sql`UPDATE batches SET due_at = 0 WHERE ended_at IS NULL`);

async function linesOf({ key }: Tenant, fileId: unknown): Promise<Json[]> {
  if (typeof fileId !== "string") return [];
  const answer = await stillAs(key, "GET", `/v1/files/${fileId}/content`);
  expect(answer.status).toBe(200);
  const text = new TextDecoder().decode(await answer.arrayBuffer());
  expect(text.endsWith("\n")).toBe(true);
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Json);
}

/** The custom_ids of both files. */
async function filesOf(tenant: Tenant, id: string): Promise<{ output: unknown[]; error: unknown[] }> {
  const { output_file_id, error_file_id } = await get(tenant, id);
  const [output, error] = [await linesOf(tenant, output_file_id), await linesOf(tenant, error_file_id)];
  return { output: output.map((line) => line["custom_id"]), error: error.map((line) => line["custom_id"]) };
}

/** Lets inferences succeed, as the statements that end them do. */
const succeed = (model: string, output: unknown = COMPLETION, where = sql`TRUE`) =>
  db.all(sql`UPDATE inferences SET status = 'succeeded', finished_at = updated_at, ages_at = NULL, output = ${JSON.stringify(output)},
    output_type = 'application/json', output_bytes = ${JSON.stringify(output).length}, output_items = 1
    WHERE model = ${model} AND status = 'queued' AND ${where}`);
const failAll = (model: string, where = sql`TRUE`) =>
  db.all(sql`UPDATE inferences SET status = 'failed', finished_at = updated_at, ages_at = NULL, error = ${JSON.stringify(BROKEN)}
    WHERE model = ${model} AND status = 'queued' AND ${where}`);
const customId = (text: string) => sql`metadata ->> 'custom_id' = ${text}`;

const rowsOf = (id: string) =>
  db.all(sql`SELECT id, status, batch_line AS line, priority, metadata FROM inferences WHERE batch_id = ${id} ORDER BY batch_line`);

/** Its counts, as its row has them and as its inferences and refusals have them. */
async function counts(id: string): Promise<[unknown, unknown]> {
  const [row] = await db.all(sql`SELECT completed, failed FROM batches WHERE id = ${id}`);
  const [recount] = await db.all(sql`SELECT (SELECT count(*) FROM inferences WHERE batch_id = ${id} AND status = 'succeeded') AS completed,
    (SELECT count(*) FROM inferences WHERE batch_id = ${id} AND status IN ('failed', 'canceled', 'expired'))
      + (SELECT count(*) FROM batch_refusals WHERE batch_id = ${id}) AS failed`);
  return [row, recount];
}

describe("a batch", () => {
  test("submits its lines as inferences, and gives back a file of answers and one of errors", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const lines = ["good", "bad", "wrong", "streamed", "other"].map((name) =>
      lineOf(name, model, {}, name === "wrong" ? { messages: [] } : name === "streamed" ? { stream: true } : {}),
    );
    const fileId = await uploaded(tenant, lines);
    const created = await seen(create(tenant, fileId, { metadata: { nightly: "yes" } }));
    const id = String((created.body as Json)["id"]);
    expect(created).toMatchObject({
      status: 200,
      body: {
        object: "batch",
        status: "validating",
        endpoint: CHAT,
        input_file_id: fileId,
        completion_window: "24h",
        errors: null,
        output_file_id: null,
        error_file_id: null,
        metadata: { nightly: "yes" },
        request_counts: { total: 0, completed: 0, failed: 0 },
      },
    });
    const { created_at, expires_at } = created.body as { created_at: number; expires_at: number };
    expect(expires_at - created_at).toBe(86_400);
    await advance();
    expect(await get(tenant, id)).toMatchObject({ status: "in_progress", request_counts: { total: 5, completed: 0, failed: 2 } });
    const rows = await rowsOf(id);
    expect(rows.map(({ line, priority, metadata }) => [line, priority, JSON.parse(String(metadata))])).toEqual(
      [
        ["good", 1],
        ["bad", 2],
        ["other", 5],
      ].map(([name, line]) => [line, 2, { batch_id: id, custom_id: name }]),
    );
    expect(await object(stillAs(tenant.key, "GET", `/v1/inferences?metadata[batch_id]=${id}&limit=1`))).toMatchObject({
      data: [{ model, capability: "chat/completions", priority: 2, status: "queued" }],
    });
    await succeed(model, COMPLETION, customId("good"));
    await succeed(model, { no: "completion" }, customId("other"));
    expect((await get(tenant, id))["request_counts"]).toEqual({ total: 5, completed: 2, failed: 2 });
    await failAll(model);
    expect((await counts(id))[0]).toEqual((await counts(id))[1]);
    expect(await get(tenant, id)).toMatchObject({ status: "in_progress", request_counts: { total: 5, completed: 2, failed: 3 } });
    await advance();
    const done = await get(tenant, id);
    expect(done).toMatchObject({ status: "completed", request_counts: { total: 5, completed: 1, failed: 4 }, failed_at: null });
    expect(done["completed_at"]).toEqual(expect.any(Number));
    const inferences = new Map(rows.map((row) => [row["line"], row["id"]]));
    expect(await linesOf(tenant, done["output_file_id"])).toEqual([
      {
        id: inferences.get(1),
        custom_id: "good",
        response: { status_code: 200, request_id: inferences.get(1), body: { ...COMPLETION, model } },
        error: null,
      },
    ]);
    const errors = await linesOf(tenant, done["error_file_id"]);
    expect(errors).toMatchObject([
      { custom_id: "bad", response: { status_code: 500, body: { error: { code: "backend_error", message: "It broke." } } }, error: null },
      { custom_id: "wrong", response: { status_code: 400, body: { error: { code: "invalid_input", param: "messages" } } }, error: null },
      { custom_id: "streamed", response: { status_code: 400, body: { error: { param: "stream" } } } },
      { custom_id: "other", response: { status_code: 400, body: { error: { code: "not_a_chat_model" } } } },
    ]);
    const file = (fileId_: unknown) =>
      object(stillAs(tenant.key, "GET", `/v1/files/${String(fileId_)}`, undefined, { "OpenAI-Beta": "x" }));
    expect(await file(done["output_file_id"])).toMatchObject({
      purpose: "batch_output",
      filename: `batch_${id}_output.jsonl`,
      status: "processed",
    });
    expect(await file(fileId)).toMatchObject({ purpose: "batch" });
    expect(await db.all(sql`SELECT 1 FROM batch_refusals WHERE batch_id = ${id}`)).toEqual([]);
  });

  test("takes text completions and embeddings, each by its own endpoint", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    for (const [endpoint, body, output] of [
      ["/v1/completions", { prompt: ["a", "b"] }, { choices: [] }],
      ["/v1/embeddings", { input: ["a", "b"] }, { data: [] }],
    ] as const) {
      const id = await batchOf(tenant, [{ custom_id: "one", method: "POST", url: endpoint, body: { model, ...body } }], { endpoint });
      await advance();
      expect(await db.all(sql`SELECT input_items AS items, capability FROM inferences WHERE batch_id = ${id}`)).toEqual([
        { items: 2, capability: endpoint.slice("/v1/".length) },
      ]);
      await succeed(model, output);
      await advance();
      const [line] = await linesOf(tenant, (await get(tenant, id))["output_file_id"]);
      expect(line).toMatchObject({ response: { status_code: 200, body: { ...output, model } } });
    }
  });

  test.each<[code: string, line: number | null, lines: (model: string) => string | readonly unknown[]]>([
    ["empty_file", null, () => "\n\n"],
    ["invalid_json_line", 2, (model) => [lineOf("a", model), "{no"]],
    ["invalid_json_line", 1, () => ["[]"]],
    ["invalid_json_line", 1, () => [`{"a":${"[".repeat(70)}${"]".repeat(70)}}`]],
    ["duplicate_custom_id", 3, (model) => [lineOf("a", model), lineOf("b", model), lineOf("a", model)]],
    ["missing_required_parameter", 1, (model) => [{ ...lineOf("a", model), custom_id: undefined }]],
    ["invalid_custom_id", 1, (model) => [lineOf("x".repeat(513), model)]],
    ["invalid_custom_id", 1, (model) => [lineOf("a\0b", model)]], // the database would give it back without
    ["invalid_method", 1, (model) => [lineOf("a", model, { method: "GET" })]],
    ["mismatched_endpoint", 1, (model) => [lineOf("a", model, { url: "/v1/embeddings" })]],
    ["invalid_request", 1, (model) => [lineOf("a", model, { body: "x" })]],
    ["missing_required_parameter", 1, () => [lineOf("a", "", { body: {} })]],
    ["model_not_found", 2, (model) => [lineOf("a", model), lineOf("b", "nobody")]],
  ])("whose file is wrong (%s, line %j) fails as a whole, and says where", async (code, line, lines) => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, lines(model));
    await advance();
    const failed = await get(tenant, id);
    expect(failed).toMatchObject({ status: "failed", errors: { object: "list", data: [{ code, line }] }, request_counts: { total: 0 } });
    expect(failed["failed_at"]).toEqual(expect.any(Number));
    expect(await rowsOf(id)).toEqual([]);
  });

  test("does not ask the database for a name that is longer than its values may be", async () => {
    const tenant = await newTenant();
    const id = await batchOf(tenant, [lineOf("a", "m".repeat(3_000_000))]);
    const all: typeof db.all = (statement) => {
      if (statement.params.some((value) => typeof value === "string" && value.length > 2_000_000)) throw new Error("too big");
      return db.all(statement);
    };
    await advance({ db: { ...db, all } });
    expect(await get(tenant, id)).toMatchObject({ status: "failed", errors: { data: [{ code: "model_not_found", line: 1 }] } });
  });

  test("passes over empty lines without a look into each", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, `${"\n\r\n \t\n".repeat(10_000)}${JSON.stringify(lineOf("a", model))}`);
    const decode = vi.spyOn(TextDecoder.prototype, "decode");
    await advance();
    expect(decode.mock.calls.length).toBeLessThan(1_000);
    decode.mockRestore();
    expect((await get(tenant, id))["request_counts"]).toEqual({ total: 1, completed: 0, failed: 0 });
    expect((await rowsOf(id)).map(({ line }) => line)).toEqual([30_001]);
  });

  test("takes empty lines, CRLF and a mark of the byte order for what they are", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, `\uFEFF${JSON.stringify(lineOf("a", model))}\r\n\r\n${JSON.stringify(lineOf("b", model))}`);
    await advance();
    expect((await get(tenant, id))["request_counts"]).toEqual({ total: 2, completed: 0, failed: 0 });
    expect((await rowsOf(id)).map(({ line }) => line)).toEqual([1, 3]);
  });

  test("is refused if it is asked for wrongly", async () => {
    const tenant = await newTenant();
    const fileId = await uploaded(tenant, [lineOf("a", "m")]);
    const refused = async (more: Json) => {
      const { status, body } = await seen(create(tenant, fileId, more));
      const { error } = body as { error: Json };
      return [status, error["param"] ?? error["code"]];
    };
    expect(await refused({ endpoint: "/v1/responses" })).toEqual([400, "endpoint"]);
    expect(await refused({ completion_window: "73h" })).toEqual([400, "completion_window"]);
    expect(await refused({ completion_window: "soon" })).toEqual([400, "completion_window"]);
    expect(await refused({ metadata: { a: 1 } })).toEqual([400, "metadata.a"]);
    expect(await refused({ output_expires_after: { anchor: "created_at", seconds: 1 } })).toEqual([400, "output_expires_after.seconds"]);
    expect(await refused({ input_file_id: crypto.randomUUID() })).toEqual([404, "file_not_found"]);
    expect(await refused({ input_file_id: await uploaded(await newTenant(), ["{}"]) })).toEqual([404, "file_not_found"]);
    expect(await refused({ input_file_id: undefined })).toEqual([400, "input_file_id"]);
  });

  test("is nobody's but its account's", async () => {
    const tenant = await newTenant();
    const other = await newTenant();
    const id = await batchOf(tenant, [lineOf("a", "m")]);
    for (const answer of [stillAs(other.key, "GET", `/v1/batches/${id}`), cancel(other, id), stillAs(other.key, "GET", "/v1/batches/x")]) {
      expect(await seen(answer)).toMatchObject({ status: 404, body: { error: { type: "not_found_error" } } });
    }
    expect(await object(stillAs(other.key, "GET", "/v1/batches"))).toEqual({
      object: "list",
      data: [],
      first_id: null,
      last_id: null,
      has_more: false,
    });
  });

  test("is listed newest first, page by page", async () => {
    const tenant = await newTenant();
    const ids = [];
    for (const name of ["a", "b", "c"]) ids.unshift(await batchOf(tenant, [lineOf(name, "m")]));
    const page = (query: string) => object(stillAs(tenant.key, "GET", `/v1/batches${query}`));
    expect(await page("?limit=2")).toMatchObject({
      data: [{ id: ids[0] }, { id: ids[1] }],
      first_id: ids[0],
      last_id: ids[1],
      has_more: true,
    });
    expect(await page(`?limit=2&after=${ids[1]}`)).toMatchObject({ data: [{ id: ids[2] }], has_more: false });
    expect((await stillAs(tenant.key, "GET", "/v1/batches?after=x")).status).toBe(400);
  });

  test("is made once for an Idempotency-Key", async () => {
    const tenant = await newTenant();
    const fileId = await uploaded(tenant, [lineOf("a", "m")]);
    const key = { "Idempotency-Key": "once" };
    const [first, again] = [await object(create(tenant, fileId, {}, key)), await create(tenant, fileId, {}, key)];
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect((await object(again))["id"]).toBe(first["id"]);
    expect(await seen(create(tenant, fileId, { metadata: { a: "b" } }, key))).toMatchObject({
      status: 422,
      body: { error: { code: "idempotency_key_reused" } },
    });
  });

  test(`is refused while ${BATCHES_OPEN} of its account are under way`, async () => {
    const tenant = await newTenant();
    const fileId = await uploaded(tenant, [lineOf("a", "m")]);
    for (let made = 0; made < BATCHES_OPEN; made++) expect((await create(tenant, fileId)).status).toBe(200);
    expect(await seen(create(tenant, fileId))).toMatchObject({ status: 429, body: { error: { code: "too_many_open" } } });
    const [first] = (await object(stillAs(tenant.key, "GET", "/v1/batches")))["data"] as Json[];
    await cancel(tenant, String(first?.["id"]));
    await advance();
    expect((await create(tenant, fileId)).status).toBe(200);
    await db.all(sql`DELETE FROM batches WHERE account_id = ${tenant.accountId}`);
  });
});

describe("what a batch takes of the database", () => {
  test("counts as its account's, and no longer than it is there", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const taken = async () =>
      (await db.all(sql`SELECT database_bytes AS bytes FROM accounts WHERE id = ${tenant.accountId}`))[0]?.["bytes"];
    const fileId = await uploaded(tenant, [lineOf("a", model), lineOf("b", model, {}, { messages: [] })]);
    const before = Number(await taken());
    await create(tenant, fileId);
    expect(await taken()).toBe(before + 2_048);
    await advance();
    expect(await taken()).toBe(before + 2_048 + 2_048 + 1_024);
    await succeed(model);
    await advance();
    expect(await taken()).toBe(before + 2_048 + 2_048 + 2 * 2_048); // the row, its inference and two files
    await db.all(sql`UPDATE batches SET due_at = due_at - ${BATCH_KEPT_MS} WHERE account_id = ${tenant.accountId}`);
    await advance();
    expect(await db.all(sql`SELECT 1 FROM batches WHERE account_id = ${tenant.accountId}`)).toEqual([]);
    expect(await taken()).toBe(before + 2_048 + 2 * 2_048);
  });

  test("is refused beyond the quota", async () => {
    const tenant = await newTenant();
    const fileId = await uploaded(tenant, [lineOf("a", "m")]);
    await operator("PATCH", `/accounts/${tenant.accountId}`, { database_quota_bytes: 2_048 });
    expect(await seen(create(tenant, fileId))).toMatchObject({ status: 413, body: { error: { code: "quota_exceeded" } } });
  });
});

describe("a step of a batch", () => {
  test("that is under way twice is done once", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const names = Array.from({ length: 30 }, (_, number) => `line-${number}`);
    const id = await batchOf(
      tenant,
      names.map((name) => lineOf(name, model)),
    );
    let isDone = false;
    const twice = async () => {
      while (!isDone) {
        await due(); // so that each step may be begun by another while it is under way
        await advance({}, { lines: 7, pieceBytes: 4_096, partBytes: BATCH_PIECE_BYTES });
        const { status } = await get(tenant, id);
        if (status === "in_progress") await succeed(model);
        isDone = status === "completed";
      }
    };
    await Promise.all([twice(), twice(), twice()]);
    expect((await rowsOf(id)).map(({ line }) => line)).toEqual(names.map((_, index) => index + 1));
    expect(await filesOf(tenant, id)).toEqual({ output: names, error: [] });
    expect((await get(tenant, id))["request_counts"]).toEqual({ total: 30, completed: 30, failed: 0 });
  });

  test("that is cut off after any of its writes is begun again, and nothing is lost or doubled", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const names = Array.from({ length: 8 }, (_, number) => `line-${number}`);
    for (let cutAfter = 0, isCut = true; isCut; cutAfter++) {
      const id = await batchOf(
        tenant,
        names.map((name, index) => lineOf(name, model, {}, index === 3 ? { messages: [] } : {})),
      );
      isCut = false;
      let writes = 0;
      /** The database and the bucket are gone right after this write, as for a process that is killed. */
      const dying = async <T>(isWrite: boolean, effect: () => Promise<T>): Promise<T> => {
        if (isCut) throw new Error("gone");
        const answer = await effect();
        if (isWrite && writes++ === cutAfter) {
          isCut = true;
          throw new Error("gone");
        }
        return answer;
      };
      const binding = faultyDatabase((texts, effect) =>
        dying(
          texts.some((text) => !/^ ?SELECT/i.test(text.trim())),
          effect,
        ),
      );
      const { payloads } = still();
      const faulty: Partial<Ports> = {
        db: d1(binding as D1Database, 1_000),
        payloads: { ...payloads, put: (...args) => dying(true, () => payloads.put(...args)) },
      };
      const small = { lines: 3, pieceBytes: 1_024, partBytes: BATCH_PIECE_BYTES };
      await advance(faulty, small).catch(() => {});
      await succeed(model);
      await advance(faulty, small).catch(() => {});
      for (let rounds = 0; (await get(tenant, id))["status"] !== "completed"; rounds++) {
        if (rounds > 5) throw new Error(`it got stuck after write ${cutAfter}: ${JSON.stringify(await get(tenant, id))}`);
        await due();
        await advance({}, small);
        await succeed(model);
      }
      const others = names.filter((name) => name !== "line-3");
      expect((await rowsOf(id)).map(({ line }) => line)).toEqual([1, 2, 3, 5, 6, 7, 8]);
      expect(await filesOf(tenant, id)).toEqual({ output: others, error: ["line-3"] });
      expect((await get(tenant, id))["request_counts"]).toEqual({ total: 8, completed: 7, failed: 1 });
    }
  }, 60_000);

  test("of a step that was taken for dead submits nothing more", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model)]);
    const { payloads } = still();
    await advance({
      payloads: {
        ...payloads,
        async get(key, options) {
          const [{ phase } = {}] = await db.all(sql`SELECT phase FROM batches WHERE id = ${id}`);
          if (phase === "submit") await cancel(tenant, id); // while the step reads its piece
          return payloads.get(key, options);
        },
      },
    });
    expect(await rowsOf(id)).toEqual([]);
    expect(await get(tenant, id)).toMatchObject({ status: "cancelled", request_counts: { total: 2, completed: 0, failed: 2 } });
    expect(await filesOf(tenant, id)).toEqual({ output: [], error: ["a", "b"] });
  });

  test("does so much and no more, of 2,000 lines too", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const names = Array.from({ length: 2_000 }, (_, number) => `line-${number}`);
    const id = await batchOf(
      tenant,
      names.map((name) => lineOf(name, model, {}, { text: "x".repeat(700) })),
    );
    const sizes: number[] = [];
    const { payloads } = still();
    const watched: Partial<Ports> = {
      payloads: {
        ...payloads,
        get(key, options) {
          sizes.push(options?.range.length ?? Infinity);
          return payloads.get(key, options);
        },
      },
    };
    while (((await get(tenant, id))["request_counts"] as Json)["total"] === 0) await advance(watched);
    for (let placed = 0; placed < 2_000;) {
      await due();
      await advance(watched);
      placed = (await rowsOf(id)).length;
    }
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BATCH_PIECE_BYTES);
    await succeed(model, { ...COMPLETION, padding: "y".repeat(9_000) }, sql`batch_line % 100 <> 0`);
    await failAll(model);
    expect((await counts(id))[0]).toEqual({ completed: 1_980, failed: 20 });
    expect((await counts(id))[0]).toEqual((await counts(id))[1]);
    while ((await get(tenant, id))["status"] !== "completed")
      await advance({}, { lines: 500, pieceBytes: BATCH_PIECE_BYTES, partBytes: 5 * 1_048_576 });
    const isFailed = (_: string, index: number) => (index + 1) % 100 === 0;
    expect(await filesOf(tenant, id)).toEqual({
      output: names.filter((name, index) => !isFailed(name, index)),
      error: names.filter(isFailed),
    });
    const [file] = await db.all(sql`SELECT bytes FROM files WHERE id = (SELECT output_file_id FROM batches WHERE id = ${id})`);
    expect(file?.["bytes"]).toBeGreaterThan(3 * 5 * 1_048_576); // it has several parts
  }, 60_000);

  test("refuses so many outputs that can't be shown and no more, and each line is in one file", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const names = Array.from({ length: 900 }, (_, number) => `line-${number}`);
    const id = await batchOf(
      tenant,
      names.map((name) => lineOf(name, model)),
    );
    while ((await rowsOf(id)).length < 900) {
      await due();
      await advance();
    }
    await succeed(model, COMPLETION, sql`batch_line % 100 = 0`);
    await succeed(model, { no: "completion" });
    const refused: number[] = [];
    const batch: typeof db.batch = (statements) => {
      const noted = statements.filter(({ text }) => /INSERT INTO batch_refusals/.test(text));
      refused.push(noted.reduce((sum, { params }) => sum + (JSON.parse(String(params.at(2))) as unknown[]).length, 0));
      return db.batch(statements);
    };
    while ((await get(tenant, id))["status"] !== "completed") await advance({ db: { ...db, batch } });
    expect(Math.max(...refused)).toBeLessThan(2 * BATCH_ROWS_READ);
    const isGood = (_: string, index: number) => (index + 1) % 100 === 0;
    expect(await filesOf(tenant, id)).toEqual({ output: names.filter(isGood), error: names.filter((name, index) => !isGood(name, index)) });
    expect((await get(tenant, id))["request_counts"]).toEqual({ total: 900, completed: 9, failed: 891 });
  }, 60_000);

  test("does not write what is run again at that moment", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model)]);
    await advance();
    await failAll(model, customId("a"));
    await succeed(model);
    const [first] = await rowsOf(id);
    let isRedriven = false;
    const batch: typeof db.batch = async (statements) => {
      if (!isRedriven && statements.some(({ text }) => text.includes("finalizing_at ="))) {
        isRedriven = true;
        expect((await stillAs(tenant.key, "POST", `/v1/inferences/${String(first?.["id"])}/redrive`)).status).toBe(202);
      }
      return db.batch(statements);
    };
    await advance({ db: { ...db, batch } });
    expect(await get(tenant, id)).toMatchObject({ status: "in_progress", request_counts: { total: 2, completed: 1, failed: 0 } });
    await succeed(model);
    await due();
    await advance();
    expect(await filesOf(tenant, id)).toEqual({ output: ["a", "b"], error: [] });
  });

  test("takes turns with those of other accounts", async () => {
    const [many, one] = [await newTenant(), await newTenant()];
    const model = await newModel();
    const long = Array.from({ length: 40 }, (_, number) => lineOf(`line-${number}`, model));
    const ids = [await batchOf(many, long), await batchOf(many, long), await batchOf(many, long)];
    const id = await batchOf(one, [lineOf("a", model)]);
    const order: unknown[] = [];
    const { payloads } = still();
    const watched = {
      ...payloads,
      get: (...args: Parameters<typeof payloads.get>) => (order.push(args[0].split("/")[1]), payloads.get(...args)),
    };
    await advance({ payloads: watched }, { lines: 4, pieceBytes: BATCH_PIECE_BYTES, partBytes: BATCH_PIECE_BYTES });
    expect(order.slice(0, 4).filter((account) => account === one.accountId)).toHaveLength(2); // its check and its submit
    for (const each of ids) expect(await rowsOf(each)).toHaveLength(40);
    expect(await rowsOf(id)).toHaveLength(1);
  });
});

describe("a batch that ends early", () => {
  const phases = { validating: 0, in_progress: 1 } as const;

  test.each(Object.entries(phases))("because it is canceled while it is %s keeps what it has", async (status, done) => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model), lineOf("c", model, {}, { messages: [] })]);
    if (done) {
      await advance();
      await succeed(model, COMPLETION, customId("a"));
    }
    expect((await get(tenant, id))["status"]).toBe(status);
    const canceled = await object(cancel(tenant, id));
    expect(canceled).toMatchObject({ status: "cancelling", cancelling_at: expect.any(Number), cancelled_at: null });
    expect(await object(cancel(tenant, id))).toMatchObject({ status: "cancelling" });
    await advance();
    const ended = await get(tenant, id);
    expect(ended).toMatchObject({ status: "cancelled", cancelled_at: expect.any(Number), completed_at: null });
    expect(await filesOf(tenant, id)).toEqual(done ? { output: ["a"], error: ["b", "c"] } : { output: [], error: [] });
    expect(ended["request_counts"]).toEqual(done ? { total: 3, completed: 1, failed: 2 } : { total: 0, completed: 0, failed: 0 });
    if (done) {
      const [b] = await linesOf(tenant, ended["error_file_id"]);
      expect(b).toMatchObject({ response: null, error: { code: "batch_cancelled" } });
      expect((await rowsOf(id)).map((row) => row["status"])).toEqual(["succeeded", "canceled"]);
    }
    expect(await seen(cancel(tenant, id))).toMatchObject({ status: 200, body: { status: "cancelled" } });
  });

  test("is not canceled once its files are written", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model)]);
    await advance();
    await db.all(sql`UPDATE batches SET status = 'finalizing', phase = 'write', due_at = 9000000000000000 WHERE id = ${id}`);
    const refused = await cancel(tenant, id);
    expect(refused.headers.get("x-should-retry")).toBe("false");
    expect(await seen(refused)).toMatchObject({ status: 409, body: { error: { message: expect.stringMatching(/finalizing/) } } });
    await db.all(sql`DELETE FROM batches WHERE id = ${id}`);
  });

  test("because its window is over keeps what it has, and names every line", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { open_limit: 4 });
    const id = await batchOf(
      tenant,
      ["a", "b", "c", "d"].map((name) => lineOf(name, model)),
    );
    await advance();
    expect(await rowsOf(id)).toHaveLength(2); // half of what the account may have open
    await succeed(model, COMPLETION, customId("a"));
    await db.all(sql`UPDATE batches SET expires_at = created_at, due_at = 0 WHERE id = ${id}`);
    await advance();
    const ended = await get(tenant, id);
    expect(ended).toMatchObject({
      status: "expired",
      expired_at: expect.any(Number),
      request_counts: { total: 4, completed: 1, failed: 3 },
    });
    expect(await filesOf(tenant, id)).toEqual({ output: ["a"], error: ["b", "c", "d"] });
    const errors = await linesOf(tenant, ended["error_file_id"]);
    expect(new Set(errors.map(({ error }) => (error as Json)["code"]))).toEqual(new Set(["batch_expired"]));
  });

  test("because its account is gone leaves no work behind", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model)]);
    await advance();
    await operator("DELETE", `/accounts/${tenant.accountId}`);
    await due();
    await advance();
    expect(await db.all(sql`SELECT status, output_file_id AS file FROM batches WHERE id = ${id}`)).toEqual([
      { status: "cancelled", file: null },
    ]);
    expect((await rowsOf(id)).map(({ status }) => status)).toEqual(["canceled"]);
  });
});

describe("a line of a batch", () => {
  test("waits while its account has no room, and leaves half of it to others", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { open_limit: 4 });
    const id = await batchOf(
      tenant,
      ["a", "b", "c"].map((name) => lineOf(name, model)),
    );
    await advance();
    expect(await rowsOf(id)).toHaveLength(2);
    expect((await stillAs(tenant.key, "POST", "/v1/inferences", { model, input: 1 })).status).toBe(202);
    const [{ due_at: at, now } = {}] = await db.all(
      sql`SELECT due_at, CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now FROM batches WHERE id = ${id}`,
    );
    expect(Number(at) - Number(now)).toBeGreaterThan(BATCH_WAIT_MS - 2_000);
    await succeed(model);
    await due();
    await advance();
    expect((await rowsOf(id)).map(({ line }) => line)).toEqual([1, 2, 3]);
    expect(await get(tenant, id)).toMatchObject({ status: "in_progress", request_counts: { total: 3, completed: 2, failed: 0 } });
  });

  test("waits while the budget is spent", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model)]);
    await db.all(sql`UPDATE accounts SET budget_micros = 1, budget_state = 'spent' WHERE id = ${tenant.accountId}`);
    await advance();
    expect(await get(tenant, id)).toMatchObject({ status: "in_progress", request_counts: { total: 2, completed: 0, failed: 0 } });
    expect(await rowsOf(id)).toEqual([]);
    await db.all(sql`UPDATE accounts SET budget_micros = NULL, budget_state = 'ok' WHERE id = ${tenant.accountId}`);
    await due();
    await advance();
    expect(await rowsOf(id)).toHaveLength(2);
  });

  test("fails alone if its model is gone by then", async () => {
    const tenant = await newTenant();
    const [model, gone] = [await newModel(), await newModel()];
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", gone), lineOf("c", model)]);
    const { payloads } = still();
    let reads = 0;
    await advance({
      payloads: {
        ...payloads,
        async get(...args) {
          if (++reads === 2) await stillAs(env.ADMIN_TOKEN, "DELETE", `/admin/v1/models/${gone}`); // after the check
          return payloads.get(...args);
        },
      },
    });
    await succeed(model);
    await advance();
    expect(await filesOf(tenant, id)).toEqual({ output: ["a", "c"], error: ["b"] });
    const [line] = await linesOf(tenant, (await get(tenant, id))["error_file_id"]);
    expect(line).toMatchObject({ id: `${id}-2`, response: { status_code: 404, body: { error: { code: "model_not_found" } } } });
  });

  test("that failed may be run again while its batch is under way, and counts as it ends then", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model)]);
    await advance();
    await failAll(model, customId("a"));
    const [first] = await rowsOf(id);
    const redrive = () => stillAs(tenant.key, "POST", `/v1/inferences/${String(first?.["id"])}/redrive`);
    expect((await redrive()).status).toBe(202);
    expect((await counts(id))[0]).toEqual({ completed: 0, failed: 0 });
    await failAll(model, customId("a"));
    await succeed(model);
    await db.all(sql`UPDATE batches SET phase = 'write' WHERE id = ${id}`);
    expect((await redrive()).status).toBe(409); // its file may say already that it failed
    await db.all(sql`UPDATE batches SET phase = 'run' WHERE id = ${id}`);
    await advance();
    expect(await filesOf(tenant, id)).toEqual({ output: ["b"], error: ["a"] });
    expect((await redrive()).status).toBe(202);
    expect((await get(tenant, id))["request_counts"]).toEqual({ total: 2, completed: 1, failed: 1 });
  });

  test("stays until its batch has ended, whoever would remove it", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model)]);
    await advance();
    await succeed(model, COMPLETION, customId("a"));
    const [first] = await rowsOf(id);
    const remove = () => stillAs(tenant.key, "DELETE", `/v1/inferences/${String(first?.["id"])}`);
    expect((await remove()).status).toBe(409);
    await succeed(model);
    await advance();
    expect((await remove()).status).toBe(204);
    expect(await filesOf(tenant, id)).toEqual({ output: ["a", "b"], error: [] });
  });

  test("counts for a higher level only in the second half of its window", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model)], { completion_window: "2h" });
    await advance();
    const [row] = await db.all(
      sql`SELECT ages_at - created_at AS ages, start_by - created_at AS waits FROM inferences WHERE batch_id = ${id}`,
    );
    expect(Math.round(Number(row?.["ages"]) / 60_000)).toBe(60);
    expect(Math.round(Number(row?.["waits"]) / 60_000)).toBe(120);
  });
});

describe("the input of a batch", () => {
  test("is not removed while the batch is under way", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const fileId = await uploaded(tenant, [lineOf("a", model)]);
    const id = String((await object(create(tenant, fileId)))["id"]);
    const remove = () => stillAs(tenant.key, "DELETE", `/v1/files/${fileId}`);
    expect((await remove()).status).toBe(409);
    expect(await seen(stillAs(tenant.key, "DELETE", `/replicate/v1/files/${fileId}`))).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining("batch") },
    });
    const [file] = await db.all(sql`SELECT expires_at - created_at AS kept FROM files WHERE id = ${fileId}`);
    expect(Number(file?.["kept"])).toBeGreaterThan(5 * 86_400_000);
    await cancel(tenant, id);
    await advance();
    expect((await remove()).status).toBe(204);
  });

  test("that is gone all the same fails the batch, and says so", async () => {
    const tenant = await newTenant();
    const fileId = await uploaded(tenant, [lineOf("a", "m")]);
    const id = String((await object(create(tenant, fileId)))["id"]);
    await env.PAYLOADS.delete(`files/${tenant.accountId}/${fileId}`);
    await advance();
    expect(await get(tenant, id)).toMatchObject({
      status: "failed",
      errors: { data: [{ code: "file_not_found", param: "input_file_id" }] },
    });
  });

  test("is shown with its purpose, which stands behind the file in the form of OpenAI's clients", async () => {
    const { key } = await newTenant();
    for (const purpose of ["batch", "user_data"]) {
      const form = new FormData();
      form.append("file", new File(["{}"], "lines.jsonl"));
      form.append("purpose", purpose);
      const request = new Request("http://claimcheck.test/v1/files", { method: "POST", body: form });
      const headers = { "Content-Type": request.headers.get("content-type") ?? "", "OpenAI-Beta": "x" };
      expect(await object(stillAs(key, "POST", "/v1/files", await request.text(), headers))).toMatchObject({ purpose, object: "file" });
    }
  });
});

describe("the files of a batch", () => {
  /** A batch whose lines have succeeded, with as much output as makes two parts. */
  async function large(tenant: Tenant, names: readonly string[]): Promise<string> {
    const model = await newModel();
    const id = await batchOf(
      tenant,
      names.map((name) => lineOf(name, model)),
    );
    await advance();
    await succeed(model, { ...COMPLETION, padding: "y".repeat(700_000) });
    await due();
    return id;
  }
  const names = Array.from({ length: 9 }, (_, number) => `line-${number}`);
  const inParts = { ...BOUNDS, partBytes: 5 * 1_048_576 };

  test("of several parts are whole, wherever their writing was cut off", async () => {
    const tenant = await newTenant();
    let cuts = 0;
    for (let cutAfter = 0, isCut = true; isCut; cutAfter++) {
      const id = await large(tenant, names);
      isCut = false;
      let writes = 0;
      const dying = async <T>(effect: () => Promise<T>): Promise<T> => {
        if (isCut) throw new Error("gone");
        const answer = await effect();
        if (writes++ === cutAfter) {
          isCut = true;
          cuts++;
          throw new Error("gone");
        }
        return answer;
      };
      const { uploads } = still();
      const dyingUpload = (upload: Upload): Upload => ({
        ...upload,
        part: (...args) => dying(() => upload.part(...args)),
        complete: (parts) => dying(() => upload.complete(parts)),
      });
      const binding = faultyDatabase((texts, effect) => (texts.some((text) => !/^ ?SELECT/i.test(text.trim())) ? dying(effect) : effect()));
      const faulty: Partial<Ports> = {
        db: d1(binding as D1Database, 1_000),
        uploads: {
          ...uploads,
          begin: (...args) => dying(async () => dyingUpload(await uploads.begin(...args))),
          resume: (...args) => dyingUpload(uploads.resume(...args)),
        },
      };
      await advance(faulty, inParts).catch(() => {});
      for (let rounds = 0; (await get(tenant, id))["status"] !== "completed"; rounds++) {
        if (rounds > 5) throw new Error(`it got stuck after write ${cutAfter}`);
        await due();
        await advance({}, inParts);
      }
      expect(await filesOf(tenant, id)).toEqual({ output: names, error: [] });
    }
    expect(cuts).toBeGreaterThan(8);
  }, 120_000);

  test("are begun anew if one of them is removed while they are written", async () => {
    const tenant = await newTenant();
    const id = await large(tenant, names);
    const written: unknown[] = [];
    const { uploads } = still();
    const watching = (upload: Upload): Upload => ({
      ...upload,
      async part(...args) {
        const [row] = await db.all(sql`SELECT output_file_id AS id FROM batches WHERE id = ${id}`);
        const part = await upload.part(...args);
        if (written.push(row?.["id"]) === 2)
          expect((await stillAs(tenant.key, "DELETE", `/v1/files/${String(row?.["id"])}`)).status).toBe(204);
        return part;
      },
    });
    const watched: Partial<Ports> = {
      uploads: {
        ...uploads,
        begin: async (...args) => watching(await uploads.begin(...args)),
        resume: (...args) => watching(uploads.resume(...args)),
      },
    };
    await advance(watched, inParts);
    expect(new Set(written).size).toBe(2);
    expect((await get(tenant, id))["output_file_id"]).toBe(written.at(-1));
    expect(await filesOf(tenant, id)).toEqual({ output: names, error: [] });
  }, 30_000);

  test("are kept for as long as was asked for", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model)], { output_expires_after: { anchor: "created_at", seconds: 3_600 } });
    await advance();
    await succeed(model);
    await advance();
    const { output_file_id, created_at } = await get(tenant, id);
    const file = await object(stillAs(tenant.key, "GET", `/v1/files/${String(output_file_id)}`, undefined, { "OpenAI-Beta": "x" }));
    expect(Number(file["expires_at"]) - Number(created_at)).toBe(3_600);
  });

  test("are written though their account stores as much as it may", async () => {
    const tenant = await newTenant();
    const model = await newModel();
    const id = await batchOf(tenant, [lineOf("a", model)]);
    await advance();
    await operator("PATCH", `/accounts/${tenant.accountId}`, { quota_bytes: 1, database_quota_bytes: 1 });
    await succeed(model);
    await advance();
    expect(await filesOf(tenant, id)).toEqual({ output: ["a"], error: [] });
  });
});

test("the sweep and runners take a batch from its file to its end", async () => {
  const tenant = await newTenant();
  const model = await servedBy(
    async (request) => {
      const { messages }: { messages: { content: string }[] } = await request.json();
      return messages[0]?.content === "fail" ? Response.json({ error: { message: "No." } }, { status: 400 }) : Response.json(COMPLETION);
    },
    { protocol: "openai" },
  );
  const names = Array.from({ length: 12 }, (_, number) => `line-${number}`);
  const lines = names.map((name, index) => lineOf(name, model, {}, index === 5 ? { messages: [{ role: "user", content: "fail" }] } : {}));
  const id = await batchOf(tenant, lines);
  await env.SWEEP.getByName(SWEEP_NAME).arm();
  const ended = await until(
    () => get(tenant, id),
    ({ status }) => status === "completed",
    30,
  );
  expect(ended["request_counts"]).toEqual({ total: 12, completed: 11, failed: 1 });
  expect((await filesOf(tenant, id)).error).toEqual(["line-5"]);
});

test("an output that is too large for a line is named in the error file, and so is a line that is", async () => {
  const tenant = await newTenant();
  const model = await newModel();
  const id = await batchOf(tenant, [lineOf("a", model), lineOf("b", model), lineOf("c", model)]);
  await advance();
  await succeed(model, { choices: [], many: Array.from({ length: 400_000 }, () => []) }, customId("b"));
  await db.all(sql`UPDATE inferences SET status = 'succeeded', finished_at = updated_at, ages_at = NULL, output_object = 'outputs/x/y/1',
    output_type = 'application/json', output_bytes = ${BATCH_LINE_BYTES + 1} WHERE batch_id = ${id} AND ${customId("c")}`);
  await succeed(model);
  await advance();
  expect(await filesOf(tenant, id)).toEqual({ output: ["a"], error: ["b", "c"] });
  const errors = await linesOf(tenant, (await get(tenant, id))["error_file_id"]);
  for (const { response } of errors)
    expect(response).toMatchObject({ status_code: 413, body: { error: { message: expect.stringMatching(/result/) } } });
  const long = await batchOf(tenant, JSON.stringify(lineOf("a", model, {}, { padding: "x".repeat(BATCH_LINE_BYTES) })));
  await advance();
  expect(await get(tenant, long)).toMatchObject({ status: "failed", errors: { data: [{ code: "line_too_long", line: 1 }] } });
});

test("no more lines are submitted at once than fit into the memory", async () => {
  const tenant = await newTenant();
  const model = await newModel();
  const many = Array.from({ length: 150_000 }, () => []); // 9.6 MB each
  const id = await batchOf(
    tenant,
    ["a", "b", "c", "d"].map((name) => lineOf(name, model, {}, { many })),
  );
  const placed: number[] = [];
  await advance({
    payloads: {
      ...still().payloads,
      async get(...args) {
        placed.push((await rowsOf(id)).length);
        return still().payloads.get(...args);
      },
    },
  });
  expect(placed).toEqual([0, 0, 2]); // one read to check them, two to submit them
  expect(await rowsOf(id)).toHaveLength(4);
});
