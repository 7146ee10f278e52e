/**
 * OpenAI's Batch API with its unmodified client against the real runtime: the flow of OpenAI's guide, its ends and its errors, and a
 * runtime that is killed in the middle.
 */
import OpenAI, { APIError, ConflictError, NotFoundError, toFile } from "openai";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Deployment, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { type Gpu, chat, startGpu, status } from "../support/gpu.ts";

const URL = "/v1/chat/completions";
const folder = newFolder();

let deployment: Deployment;
let accountId: string;
let key: string;
let gpu: Gpu;
let model: string;
let client: OpenAI;
let models = 0;

beforeAll(async () => {
  deployment = await deploy({ folder });
  accountId = String((await deployment.operator("POST", "/accounts", { name: "Batches" }))["id"]);
  const limits = { submit: 10_000, read: 10_000, cancel: 10_000 };
  key = String((await deployment.operator("POST", "/keys", { account_id: accountId, limits }))["key"]);
});

beforeEach(async () => {
  gpu = await startGpu(({ text }) =>
    text.includes("fail") ? status(400, {}, '{"error":{"message":"No.","type":"t","code":"c"}}') : chat(),
  );
  model = `chat-${++models}`;
  await deployment.operator("POST", "/models", { name: model, description: "Chats" });
  await deployment.operator("POST", "/backends", { model, url: gpu.url, protocol: "openai", max_concurrency: 4 });
  client = new OpenAI({ apiKey: key, baseURL: `${deployment.url}/v1`, maxRetries: 0, timeout: 30_000 });
});

afterEach(() => gpu.close());
afterAll(endAll);

interface Line {
  id: string;
  custom_id: string;
  response: {
    status_code: number;
    request_id: string;
    body: { choices?: { message: { content: string } }[]; error?: { message: string } };
  } | null;
  error: { code: string } | null;
}

async function upload(names: readonly string[]): Promise<string> {
  const lines = names.map((name) => ({
    custom_id: name,
    method: "POST",
    url: URL,
    body: { model, messages: [{ role: "user", content: name }] },
  }));
  const file = await toFile(Buffer.from(lines.map((line) => JSON.stringify(line)).join("\n")), "requests.jsonl");
  const { id, purpose } = await client.files.create({ file, purpose: "batch" });
  expect(purpose).toBe("batch");
  return id;
}

const create = async (names: readonly string[]) =>
  client.batches.create({ input_file_id: await upload(names), endpoint: URL, completion_window: "24h", metadata: { nightly: "yes" } });

const ENDS = new Set(["completed", "failed", "expired", "cancelled"]);
const ended = (id: string, seconds = 30) =>
  until(
    () => client.batches.retrieve(id),
    (batch) => ENDS.has(batch.status),
    seconds,
  );

async function linesOf(fileId: string | null | undefined): Promise<Line[]> {
  if (!fileId) return [];
  const text = await (await client.files.content(fileId)).text();
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

describe("OpenAI's client", () => {
  test("uploads, creates, polls and reads both files", async () => {
    const batch = await create(["one", "fail", "three"]);
    expect(batch).toMatchObject({ object: "batch", status: "validating", metadata: { nightly: "yes" } });
    const done = await ended(batch.id);
    expect(done).toMatchObject({ status: "completed", request_counts: { total: 3, completed: 2, failed: 1 } });
    const lines = await linesOf(done.output_file_id);
    expect(lines.map(({ custom_id }) => custom_id)).toEqual(["one", "three"]);
    expect(lines[0]?.response).toMatchObject({ status_code: 200, body: { model, choices: [{ message: { content: "Hello 🙂" } }] } });
    const [failed] = await linesOf(done.error_file_id);
    expect(failed).toMatchObject({ custom_id: "fail", response: { status_code: 400, body: { error: { message: "No." } } } });
    expect(await client.files.retrieve(done.output_file_id ?? "")).toMatchObject({ purpose: "batch_output", status: "processed" });
    expect((await client.files.delete(done.output_file_id ?? "")).deleted).toBe(true);
  });

  test("is told what is wrong with a file, and what is not there", async () => {
    const file = await toFile(Buffer.from("{no\n"), "requests.jsonl");
    const { id } = await client.files.create({ file, purpose: "batch" });
    const batch = await client.batches.create({ input_file_id: id, endpoint: URL, completion_window: "24h" });
    expect(await ended(batch.id)).toMatchObject({ status: "failed", errors: { data: [{ code: "invalid_json_line", line: 1 }] } });
    await expect(client.batches.cancel(batch.id)).rejects.toBeInstanceOf(ConflictError);
    await expect(client.batches.retrieve(crypto.randomUUID())).rejects.toBeInstanceOf(NotFoundError);
    const refused = client.batches.create({ input_file_id: id, endpoint: "/v1/responses", completion_window: "24h" });
    await expect(refused).rejects.toSatisfy((error) => error instanceof APIError && error.status === 400 && error.param === "endpoint");
  });

  test("lists all of its batches, page by page", async () => {
    const made = [(await create(["a"])).id, (await create(["b"])).id, (await create(["c"])).id];
    const listed = [];
    for await (const { id } of client.batches.list({ limit: 2 })) listed.push(id);
    expect(listed.slice(0, 3)).toEqual(made.toReversed());
  });

  test("cancels, and keeps what had ended", async () => {
    await deployment.operator("POST", "/models", { name: `${model}-idle`, description: "Nobody serves it." });
    const served = model;
    model = `${model}-idle`;
    const batch = await create(["one", "two"]);
    model = served;
    await until(
      () => client.batches.retrieve(batch.id),
      ({ status: its }) => its === "in_progress",
    );
    expect((await client.batches.cancel(batch.id)).status).toBe("cancelling");
    const done = await ended(batch.id);
    expect(done).toMatchObject({ status: "cancelled", output_file_id: null, request_counts: { total: 2, completed: 0, failed: 2 } });
    expect((await linesOf(done.error_file_id)).map(({ error }) => error?.code)).toEqual(["batch_cancelled", "batch_cancelled"]);
  });
});

test("a batch whose runtime is killed in the middle comes to its end, each line once", async () => {
  const names = Array.from({ length: 40 }, (_, number) => `line-${number}`);
  gpu.does(() => chat(["Hi"], 100));
  const { id } = await create(names);
  await until(
    async () => gpu.calls.filter((call) => call.answered).length,
    (answered) => answered >= 10,
  );
  await deployment.kill9();
  deployment = await deploy({ folder, port: deployment.port });
  const done = await ended(id, 60);
  expect(done).toMatchObject({ status: "completed", request_counts: { total: 40, completed: 40, failed: 0 } });
  expect((await linesOf(done.output_file_id)).map(({ custom_id }) => custom_id)).toEqual(names);
});
