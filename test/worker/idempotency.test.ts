/** `Idempotency-Key`: one submit, however often it is sent, in every dialect that submits. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { run } from "../../src/inferences/run.ts";
import { IDEMPOTENCY_KEY_CHARACTERS, IDEMPOTENCY_MS, INLINE_BYTES } from "../../src/limits.ts";
import { laneOf, rowOf } from "./support/inferences.ts";
import { timePasses } from "./support/clock.ts";
import { still, stillAs } from "./support/ports.ts";
import { gpu } from "./support/outside.ts";
import { newTenant, served } from "./support/tenants.ts";
import { object } from "./support/requests.ts";

type Send = (key: string, model: string, idempotencyKey: string, input?: string) => Promise<Response>;

/** Every dialect that submits, with a body of its own. */
const DIALECTS: [string, Send][] = [
  [
    "own",
    (key, model, idempotencyKey, input = "one") =>
      stillAs(
        key,
        "POST",
        "/v1/inferences",
        { model, input: { text: input }, metadata: { order: "7" } },
        { "Idempotency-Key": idempotencyKey },
      ),
  ],
  [
    "vody",
    (key, model, idempotencyKey, input = "one") =>
      stillAs(key, "POST", `/inference/${model}`, [{ image_path: `https://pictures.test/${input}`, product_type: "shoe" }], {
        "Idempotency-Key": idempotencyKey,
      }),
  ],
];

const stored = async (model: string) =>
  Number(await env.DB.prepare("SELECT count(*) AS count FROM inferences WHERE model = ?").bind(model).first("count"));

const drained = (model: string) => run(still({ fetch: gpu(() => Response.json([{ done: true }])) }), [laneOf(model)], "lease");

/** All of an answer but what is of this request alone. */
async function whole(answer: Response): Promise<{ status: number; headers: Record<string, string>; body: string }> {
  const own = new Set(["x-request-id", "x-d1-bookmark", "ratelimit", "ratelimit-policy", "idempotency-replayed"]);
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !own.has(name)));
  return { status: answer.status, headers, body: await answer.text() };
}

describe.each(DIALECTS)("a submit of the dialect %s", (name, send) => {
  test("that is sent again is answered as the first time, byte for byte, and says so", async () => {
    const { key } = await newTenant();
    const model = await served();
    const first = await send(key, model, "order-7");
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([202, null]);
    const again = await send(key, model, "order-7");
    expect(again.headers.get("idempotency-replayed")).toBe("true");
    expect(await whole(again)).toEqual(await whole(first));
    expect(await stored(model)).toBe(1);
  });

  test("is answered the same even after the inference has finished, was cancelled, failed or expired", async () => {
    const { key } = await newTenant();
    const model = await served();
    const first = await whole(await send(key, model, "order-7"));
    await drained(model);
    const { id } = JSON.parse(first.body) as { id: string };
    expect((await rowOf(id))["status"]).toBe("succeeded");
    const error = JSON.stringify({ class: "timeout", code: "max_time_in_queue_seconds", message: "late", status: 504 });
    for (const status of ["succeeded", "canceled", "failed", "expired"]) {
      await env.DB.prepare("UPDATE inferences SET status = ?, error = ? WHERE id = ?").bind(status, error, id).run();
      const again = await send(key, model, "order-7");
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      expect([status, await whole(again)]).toEqual([status, first]);
    }
  });

  test("knows its key quoted or bare as the same", async () => {
    const { key } = await newTenant();
    const model = await served();
    const first = await whole(await send(key, model, "order-7"));
    expect(await whole(await send(key, model, '"order-7"'))).toEqual(first);
    expect(await whole(await send(key, model, '  "order-7" '))).toEqual(first);
    const quotes = await whole(await send(key, model, String.raw`"a \"b\" \\ c"`));
    expect(await whole(await send(key, model, String.raw`a "b" \ c`))).toEqual(quotes);
    expect(await stored(model)).toBe(2);
  });

  test("with the key of another body is refused, and writes nothing", async () => {
    const { key } = await newTenant();
    const model = await served();
    await send(key, model, "order-7", "one");
    const answer = await send(key, model, "order-7", "two");
    expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([422, null]);
    const body = await object(answer);
    expect(body).toMatchObject(name === "vody" ? { error: "Unprocessable Content", code: 422 } : { code: "idempotency_key_reused" });
    expect(await stored(model)).toBe(1);
  });

  test("is apart from another account's with the same key", async () => {
    const [one, two] = [await newTenant(), await newTenant()];
    const model = await served();
    const first = await send(one.key, model, "order-7");
    const second = await send(two.key, model, "order-7", "two");
    expect([first.status, second.status]).toEqual([202, 202]);
    expect(second.headers.get("idempotency-replayed")).toBeNull();
    expect((await object(first))["id"]).not.toBe((await object(second))["id"]);
  });

  test("20 times at once with one key makes one inference, answered 20 times", { timeout: 20_000 }, async () => {
    const { key } = await newTenant();
    const model = await served();
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(key, model, "order-7")));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
    expect(answers.filter((answer) => answer.headers.get("idempotency-replayed") === null)).toHaveLength(1);
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(new Set(bodies).size).toBe(1);
    expect(await stored(model)).toBe(1);
  });

  test("may use its key again after 24 hours, and not before", async () => {
    const { key } = await newTenant();
    const model = await served();
    const first = await object(send(key, model, "order-7"));
    await timePasses(model, IDEMPOTENCY_MS - 60_000);
    expect((await send(key, model, "order-7")).headers.get("idempotency-replayed")).toBe("true");
    expect((await send(key, model, "order-7", "two")).status).toBe(422);
    await timePasses(model, 60_000);
    const next = await send(key, model, "order-7", "two");
    expect([next.status, next.headers.get("idempotency-replayed")]).toEqual([202, null]);
    expect((await object(next))["id"]).not.toBe(first["id"]);
    expect(await stored(model)).toBe(2);
  });

  test.each([
    ["empty", ""],
    ["quoted nothing", '""'],
    ["longer than may be", "k".repeat(IDEMPOTENCY_KEY_CHARACTERS + 1)],
    ["with a tab", "a\tb"],
  ])("with a key that is %s is refused, and writes nothing", async (_what, idempotencyKey) => {
    const { key } = await newTenant();
    const model = await served();
    const answer = await send(key, model, idempotencyKey);
    expect(answer.status).toBe(400);
    const body = await object(answer);
    expect(String(body[name === "vody" ? "message" : "detail"])).toContain("Idempotency-Key");
    expect(await stored(model)).toBe(0);
  });

  test("takes a key as long as may be", async () => {
    const { key } = await newTenant();
    const model = await served();
    expect((await send(key, model, "k".repeat(IDEMPOTENCY_KEY_CHARACTERS))).status).toBe(202);
    expect((await send(key, model, `"${"k".repeat(IDEMPOTENCY_KEY_CHARACTERS)}"`)).headers.get("idempotency-replayed")).toBe("true");
  });

  test("that was refused does not use its key up", async () => {
    const { key } = await newTenant();
    const model = await served();
    expect((await send(key, "no-such-model", "order-7")).status).toBe(404);
    const answer = await send(key, model, "order-7");
    expect([answer.status, answer.headers.get("idempotency-replayed")]).toEqual([202, null]);
  });

  test("is told from one on another path, although the body is the same", async () => {
    const { key } = await newTenant();
    const [model, other] = [await served(), await served()];
    await send(key, model, "order-7");
    expect((await send(key, other, "order-7")).status).toBe(422);
  });

  test("leaves one object for a large input, however often it is sent", { timeout: 20_000 }, async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const large = "x".repeat(INLINE_BYTES);
    await Promise.all(Array.from({ length: 5 }, () => send(key, model, "order-7", large)));
    const { objects } = await env.PAYLOADS.list({ prefix: `inputs/${accountId}/` });
    expect([objects.length, await stored(model)]).toEqual([1, 1]);
  });
});

test("a redrive changes nothing about what a replay of the submit answers", async () => {
  const { key } = await newTenant();
  const model = await served();
  const [, send] = DIALECTS[0] ?? [];
  const first = await whole((await send?.(key, model, "order-7")) ?? Response.error());
  const { id } = JSON.parse(first.body) as { id: string };
  await env.DB.prepare("UPDATE inferences SET status = 'failed', attempt = 3, error = '{}' WHERE id = ?").bind(id).run();
  await stillAs(key, "POST", `/v1/inferences/${id}/redrive`);
  expect(await whole((await send?.(key, model, "order-7")) ?? Response.error())).toEqual(first);
});
