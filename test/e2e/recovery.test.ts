/** Nothing accepted is lost, doubled or stuck, however a deployment ends: killed as a whole, in part, or stopped. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Answer, type Deployment, type Shown, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { MAX_TIME_IN_QUEUE_SECONDS } from "../../src/limits.ts";
import { type Gpu, chat, slow, startGpu } from "../support/gpu.ts";

const INFERENCES = 50;
const RUN_MS = 400;
const CONCURRENCY = 4;
/** How many calls have been answered when the deployment ends. */
const ANSWERED_BEFORE = 15;
/** From the end of the deployment until all is done, the new start included. */
const RECOVERED_WITHIN_SECONDS = 60;

let gpu: Gpu;
let folder: string;

beforeEach(async () => {
  gpu = await startGpu([slow(RUN_MS)]);
  folder = newFolder();
});

afterEach(() => gpu.close());
afterAll(endAll);

interface Work {
  deployment: Deployment;
  key: string;
  /** In the order in which they were submitted. */
  ids: string[];
  /** Results that were there when the deployment ended, as sent. */
  early: Map<string, Answer>;
}

const inputOf = (index: number) => ({ number: [index], text: [`inference ${index}`] });

/** A deployment that has a part of its work behind it, a part running and a part before it. */
async function midway(): Promise<Work> {
  const deployment = await deploy({ folder });
  const account = await deployment.operator("POST", "/accounts", { name: "Recovery" });
  const limits = { submit: 10_000, read: 10_000, cancel: 10_000 };
  const { key } = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
  await deployment.operator("POST", "/models", { name: "slow", description: "Takes its time." });
  await deployment.operator("POST", "/backends", { model: "slow", url: gpu.url, protocol: "oip", max_concurrency: CONCURRENCY });
  const work: Work = { deployment, key: String(key), ids: [], early: new Map() };
  for (let index = 0; index < INFERENCES; index++) {
    const answer = await ask(deployment.url, work.key, "POST", "/v1/inferences", { model: "slow", input: inputOf(index) });
    expect(answer.status).toBe(202);
    work.ids.push((answer.body as { id: string }).id);
  }
  await until(
    async () => gpu.calls.filter((call) => call.answered).length,
    (answered) => answered >= ANSWERED_BEFORE,
  );
  for (const id of work.ids) {
    const answer = await result(work, id);
    if (answer.status === 200) work.early.set(id, answer);
  }
  expect(work.early.size).toBeGreaterThan(0);
  expect(work.early.size).toBeLessThan(INFERENCES - CONCURRENCY);
  expect(gpu.calls.some((call) => call.endedAt === null)).toBe(true);
  return work;
}

const result = ({ deployment, key }: Work, id: string) => ask(deployment.url, key, "GET", `/v1/inferences/${id}/result`);

async function show({ deployment, key }: Work, id: string): Promise<Shown> {
  return (await ask(deployment.url, key, "GET", `/v1/inferences/${id}`)).body as Shown;
}

/** Starts the deployment anew on what the last one has left, and holds it to its promises. */
async function expectRecovery(work: Work, endedAt: number): Promise<void> {
  const ended = work.deployment;
  const models = ["color-classification", "slow"];
  work.deployment = await deploy({ folder, port: ended.port });
  expect(work.deployment.key).toBe(ended.key);
  expect(work.deployment.admin).toBe(ended.admin);

  for (const [id, answer] of work.early) {
    const { status, text, headers } = await result(work, id);
    expect({ id, status, text, type: headers.get("content-type") }).toEqual({
      id,
      status: 200,
      text: answer.text,
      type: answer.headers.get("content-type"),
    });
  }
  const shown = await until(
    () => Promise.all(work.ids.map((id) => show(work, id))),
    (all) => all.every(({ is_final }) => is_final),
    RECOVERED_WITHIN_SECONDS - (Date.now() - endedAt) / 1000,
    200,
  );
  const recoveredMs = Date.now() - endedAt;
  console.log(
    `recovered in ${recoveredMs} ms; ${gpu.calls.length} calls for ${INFERENCES} inferences, ${work.early.size} done before, at most ${gpu.mostAtOnce} at once`,
  );

  expect(shown.filter(({ status }) => status !== "succeeded")).toEqual([]);
  expect(recoveredMs).toBeLessThan(RECOVERED_WITHIN_SECONDS * 1000);
  for (const [index, { id, output }] of shown.entries()) {
    expect({ id, output }).toEqual({ id: work.ids[index], output: inputOf(index) });
    const { status, body } = await result(work, id);
    expect({ id, status, body }).toEqual({ id, status: 200, body: inputOf(index) });
  }
  // Only what was running when it ended may have been run twice.
  const runs = Map.groupBy(gpu.calls, (call) => call.body.inputs.find(({ name }) => name === "number")?.data[0]);
  expect(runs.size).toBe(INFERENCES);
  expect(gpu.calls.length).toBeLessThanOrEqual(INFERENCES + CONCURRENCY);
  expect(shown.filter(({ attempts }) => attempts > 1).length).toBeLessThanOrEqual(CONCURRENCY);
  // One that was claimed when it ended may not have reached the server.
  for (const [index, { attempts }] of shown.entries()) expect(attempts).toBeGreaterThanOrEqual(runs.get(index)?.length ?? Infinity);
  expect(gpu.mostAtOnce).toBeLessThanOrEqual(CONCURRENCY);

  const { data } = (await ask(work.deployment.url, work.key, "GET", "/v1/models")).body as { data: { id: string }[] };
  expect(data.map(({ id }) => id).toSorted()).toEqual(models);
  const next = await ask(work.deployment.url, work.key, "POST", "/v1/inferences", { model: "slow", input: inputOf(INFERENCES) });
  expect(next.status).toBe(202);
  const last = await until(
    () => show(work, (next.body as Shown).id),
    ({ is_final }) => is_final,
  );
  expect(last).toMatchObject({ status: "succeeded", attempts: 1, output: inputOf(INFERENCES) });
  await work.deployment.kill9();
}

describe("in the middle of 50 inferences", () => {
  test("every process is killed: after the next start all 50 complete, once each, and what was there is there", async () => {
    const work = await midway();
    await work.deployment.kill9();
    expect(work.deployment.running()).toEqual([]);
    await expectRecovery(work, Date.now());
  });

  test("it is killed twice: the same", async () => {
    const work = await midway();
    await work.deployment.kill9();
    const endedAt = Date.now();
    const answered = gpu.calls.length;
    const between = await deploy({ folder, port: work.deployment.port });
    await until(
      async () => gpu.calls.length,
      (calls) => calls > answered + CONCURRENCY,
    );
    await between.kill9();
    work.deployment = await deploy({ folder, port: work.deployment.port });
    const shown = await until(
      () => Promise.all(work.ids.map((id) => show(work, id))),
      (all) => all.every(({ is_final }) => is_final),
      RECOVERED_WITHIN_SECONDS,
      200,
    );
    expect(shown.filter(({ status }) => status !== "succeeded")).toEqual([]);
    expect(Date.now() - endedAt).toBeLessThan(RECOVERED_WITHIN_SECONDS * 1000);
    expect(gpu.calls.length).toBeLessThanOrEqual(INFERENCES + 2 * CONCURRENCY);
    expect(gpu.mostAtOnce).toBeLessThanOrEqual(CONCURRENCY);
    await work.deployment.kill9();
  });

  test("it is stopped with Ctrl-C: the same", async () => {
    const work = await midway();
    expect(await work.deployment.interrupt()).toEqual({ code: 0, signal: null });
    await expectRecovery(work, Date.now());
  });

  test("the leading process alone is killed: the rest of it ends too, and the same port and state can be used again", async () => {
    const work = await midway();
    await work.deployment.killLeader9();
    const endedAt = Date.now();
    const left = await until(
      async () => work.deployment.running(),
      (processes) => processes.length === 0,
      10,
    );
    expect(left).toEqual([]);
    await expect(fetch(`${work.deployment.url}/healthz`)).rejects.toThrow("fetch failed");
    await expectRecovery(work, endedAt);
  });
});

test("a start is not kept up by 2,000 inferences that expired meanwhile, each with a line in the log", async () => {
  const first = await deploy({ folder });
  await first.operator("POST", "/models", { name: "idle" });
  const one = { model: "idle", input: {}, max_time_in_queue_seconds: MAX_TIME_IN_QUEUE_SECONDS.range[0] };
  for (let call = 0; call < 2; call++) {
    const { status } = await first.api(
      "POST",
      "/v1/inferences/bulk",
      Array.from({ length: 1_000 }, () => one),
    );
    expect(status).toBe(202);
  }
  const submittedAt = Date.now();
  await first.kill9();
  await until(
    async () => Date.now() - submittedAt,
    (passed) => passed > MAX_TIME_IN_QUEUE_SECONDS.range[0] * 1000,
  );
  const second = await deploy({ folder, port: first.port });
  const counts = await until(
    async () => (await second.api("GET", "/v1/inferences/counts")).body as { counts: Record<string, number> },
    (body) => body.counts["expired"] === 2_000,
    60,
  );
  expect(counts.counts).toMatchObject({ expired: 2_000 });
  await second.kill9();
});

test("every process is killed while a stream is read: what was read is there after the next start, and its readers are told to begin again", async () => {
  const TOKENS = Array.from({ length: 2_000 }, (_, index) => `${index} `);
  const AGAIN = ["again"]; // after a while, in which readers come
  gpu.does(({ path, index }) => (path.endsWith("/chat/completions") && index > 0 ? chat(AGAIN, 700) : chat(TOKENS, 2)));
  const before = await deploy({ folder });
  const { id: account_id } = await before.operator("POST", "/accounts", { name: "Streams" });
  const key = String((await before.operator("POST", "/keys", { account_id }))["key"]);
  await before.operator("POST", "/models", { name: "chat" });
  await before.operator("POST", "/backends", { model: "chat", url: gpu.url, protocol: "openai" });
  const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
  const body = JSON.stringify({ model: "chat", messages: [{ role: "user", content: "Count." }], stream: true });
  const answer = await fetch(`${before.url}/v1/chat/completions?detach=1`, { method: "POST", headers, body });
  const read = eventsIn(await readUntil(answer, `"100 "`));
  await before.kill9();

  const after = await deploy({ folder, port: before.port });
  const streamAfter = (last: string) =>
    fetch(`${after.url}/v1/inferences/${answer.headers.get("x-inference-id") ?? ""}/stream`, {
      headers: { ...headers, "Last-Event-ID": last },
    });
  const [whole, rest] = await Promise.all(
    [streamAfter(""), streamAfter(read.at(-1)?.id ?? "")].map(async (again) => eventsIn(await (await again).text())),
  );
  await after.kill9();
  const restart = whole?.findIndex(({ event }) => event === "restart") ?? -1;
  expect(whole?.slice(0, read.length)).toEqual(read);
  expect(restart).toBeGreaterThanOrEqual(read.length);
  expect(rest).toEqual(whole?.slice(read.length));
  const attempt = whole?.slice(restart + 1) ?? [];
  expect(attempt.map(({ data }) => data).join("\n")).toMatch(/"again"[^]*"finish_reason":"stop"[^]*\[DONE\]$/);
  expect(attempt).toHaveLength(AGAIN.length + 2);
  expect(attempt.every(({ id }) => id?.startsWith("2."))).toBe(true);
});

/** What comes of a stream until a text is in it; it may be cut after that. */
async function readUntil(answer: Response, part: string): Promise<string> {
  let text = "";
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk;
    if (text.includes(part)) break;
  }
  return text;
}

/** The whole events of a stream. */
function eventsIn(text: string): { event: string; id: string | undefined; data: string | undefined }[] {
  const field = (block: string, name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
  const blocks = text.split("\n\n").slice(0, -1);
  const events = blocks.map((block) => ({ event: field(block, "event") ?? "message", id: field(block, "id"), data: field(block, "data") }));
  return events.filter(({ data }) => data !== undefined);
}
