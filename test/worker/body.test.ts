/** What a large or hostile body may take of the isolate: judged before it is read as values, and no more at once than fits. */
import { createExecutionContext } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import { readJson, weigh } from "../../src/http/body.ts";
import { belongsTo, release, reserve } from "../../src/http/body-memory.ts";
import { ACCOUNT_BODIES_BYTES, BODIES_BYTES, BODY_PACE, JSON_BODY_BYTES, JSON_DEPTH, BODY_ROOM_MS } from "../../src/limits.ts";
import { stillAs, stillEnv } from "./support/ports.ts";
import { type Tenant, newModel, newTenant } from "./support/tenants.ts";
import { ORIGIN, call, object } from "./support/requests.ts";

let tenant: Tenant;
let model: string;
beforeAll(async () => {
  tenant = await newTenant();
  model = await newModel();
});

const SIZE = JSON_BODY_BYTES - 1_000;
/** A submission whose input is an array of so many bytes of the same. */
const filled = (element: string, size = SIZE) => {
  const elements = element.repeat(Math.floor(size / element.length)).slice(0, -1);
  return `{"model":"${model}","input":[${elements}]}`;
};
/** A request whose body is a stream that a test goes on with. */
async function stillStreams(key: string, path: string, body: ReadableStream, headers: Record<string, string>): Promise<Response> {
  const ctx = createExecutionContext();
  const init = { method: "POST", body, headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers } };
  return handle(new Request(ORIGIN + path, init), stillEnv(), ctx);
}
const submit = (body: string) => stillAs(tenant.key, "POST", "/v1/inferences", body);

/** What `text` becomes in a coding. */
const packed = async (text: string, coding: "gzip" | "deflate") =>
  new Response(new Blob([text]).stream().pipeThrough(new CompressionStream(coding))).arrayBuffer();

describe("a compressed body", () => {
  const JSON_ROUTES = [
    ["/v1/inferences", () => ({ model, input: { text: "x" } }), 202],
    ["/inference/", () => [{ image_path: "https://img.test/1.png", product_type: "Shoes" }], 202],
    ["/v2/inference/", () => ({ input: { text: "x" } }), 202],
    ["/baseten/", () => ({ model_input: { text: "x" } }), 201],
    ["/runpod/", () => ({ input: { text: "x" } }), 200],
  ] as const;
  const pathOf = (path: string) =>
    ({
      "/inference/": `/inference/${model}`,
      "/v2/inference/": `/v2/inference/${model}/edit`,
      "/baseten/": `/baseten/${model}/async_predict`,
      "/runpod/": `/runpod/v2/${model}/run`,
    })[path] ?? path;
  const send = (path: string, body: BodyInit, coding: string) =>
    call(pathOf(path), {
      method: "POST",
      body,
      headers: { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json", "Content-Encoding": coding },
    });

  test.each(JSON_ROUTES)("is taken by the JSON route %s in gzip and deflate", async (path, body, status) => {
    for (const coding of ["gzip", "deflate"] as const) {
      expect((await send(path, await packed(JSON.stringify(body()), coding), coding)).status).toBe(status);
    }
  });

  test("in another coding is 415 and says what is taken", async () => {
    for (const coding of ["br", "constructor", "__proto__"]) {
      const answer = await send("/v1/inferences", "{}", coding);
      expect([answer.status, answer.headers.get("accept-encoding")]).toEqual([415, "gzip, deflate"]);
    }
  });

  test("that is not what it says is 400", async () => {
    const answer = await send("/v1/inferences", "{}", "gzip");
    expect([answer.status, await object(answer)]).toMatchObject([400, { detail: "The body is not gzip, as its Content-Encoding says." }]);
  });

  test.each(["gzip", "deflate"] as const)("of two in a row, in %s, is 400 and says that one is read", async (coding) => {
    const halves = ['{"model":', `"${model}","input":1}`].map((half) => packed(half, coding));
    const answer = await send("/v1/inferences", await new Blob(await Promise.all(halves)).arrayBuffer(), coding);
    expect([answer.status, await object(answer)]).toMatchObject([
      400,
      { detail: expect.stringContaining("goes on after the end of its " + coding) },
    ]);
  });

  test("that unpacks to more than may be is 413", async () => {
    const bomb = await packed(`{"model":"${model}","input":"${" ".repeat(JSON_BODY_BYTES)}"}`, "gzip");
    expect(bomb.byteLength).toBeLessThan(JSON_BODY_BYTES / 100);
    expect((await send("/v1/inferences", bomb, "gzip")).status).toBe(413);
  });
});

describe("a body", () => {
  test.each(["[", '{"a":', "[[", '[{"":'])("of nothing but %s is refused before it is read as values", async (opening) => {
    const parse = vi.spyOn(JSON, "parse");
    const answer = await submit(opening.repeat(Math.floor(SIZE / opening.length)));
    const parsed = parse.mock.calls.filter(([text]) => text.length > 1_000_000);
    parse.mockRestore();
    expect([answer.status, await object(answer)]).toMatchObject([400, { code: "bad_json", detail: expect.stringContaining("nested") }]);
    expect(parsed).toEqual([]);
  });

  test.each(["[1],", "{},", "[],", '{"a":1},', '{"a":{"b":1}},', "[1.5],"])(
    "of 10 MB of %s is refused before it is read as values",
    async (element) => {
      const parse = vi.spyOn(JSON, "parse");
      const answer = await submit(filled(element));
      const parsed = parse.mock.calls.filter(([text]) => text.length > 1_000_000);
      parse.mockRestore();
      expect([answer.status, await object(answer)]).toMatchObject([413, { code: "body_too_large" }]);
      expect(parsed).toEqual([]);
    },
  );

  test.each(["1,", "-0.12345,", "1.5,", '"",', '"a picture in base64, or a part of one, of some length, as it may be",'])(
    "of 10 MB of %s is taken",
    { timeout: 30_000 },
    async (element) => {
      expect((await submit(filled(element))).status).toBe(202);
    },
  );

  test.each(["application/json, application/json", "text/json", "APPLICATION/JSON; charset=utf-8", "application/vnd.api+json", ""])(
    "of Content-Type %j is JSON",
    async (type) => {
      const answer = await stillAs(tenant.key, "POST", "/v1/inferences", JSON.stringify({ model, input: 1 }), { "Content-Type": type });
      expect(answer.status).toBe(202);
    },
  );

  describe("that has one of our keys in it", () => {
    const tensorOf = (text: string) => `{"inputs":[{"name":"x","shape":[1],"datatype":"BYTES","data":["${text}"]}]}`;
    const input = (text: string) => JSON.stringify({ model, input: { messages: [{ role: "user", content: text }] } });

    test("is refused with its place, without the key being said back or stored", async () => {
      const answer = await submit(input(`my key is ${tenant.key}, why does it fail?`));
      const text = await answer.text();
      expect([answer.status, JSON.parse(text)]).toMatchObject([
        422,
        {
          code: "invalid_input",
          errors: [
            {
              pointer: "#/input/messages/0/content",
              detail: expect.stringMatching(/^contains an API key \(ck_[0-9A-Za-z]{18}_…\): send keys/),
            },
          ],
        },
      ]);
      expect(text).not.toContain(tenant.key.slice(-40));
    });

    test.each<[string, (key: string) => [path: string, body: unknown]]>([
      ["a chat", (key) => ["/v1/chat/completions", { model, messages: [{ role: "user", content: key }] }]],
      ["a tensor", (key) => [`/v2/models/${model}/infer`, { inputs: [{ name: "x", shape: [1], datatype: "BYTES", data: [key] }] }]],
      ["metadata", (key) => ["/v1/inferences", { model, input: 1, metadata: { key } }]],
      ["a name", (key) => ["/v1/inferences", { model, input: { [key]: 1 } }]],
      ["another account's", (key) => ["/v1/inferences", { model, input: key }]],
    ])("is refused in %s", async (_name, bodyOf) => {
      const [path, body] = bodyOf((await newTenant()).key);
      const answer = await stillAs(tenant.key, "POST", path, body);
      expect([400, 422]).toContain(answer.status);
      expect(await answer.text()).toContain("contains an API key");
    });

    test.each<[string, (key: string) => [path: string, body: string]]>([
      ["JSON's escapes", (key) => ["/v1/inferences", input(key).replace(key, key.replace("ck_", "\\u0063\\u006B_"))]],
      ["JSON's escapes in a tensor", (key) => [`/v2/models/${model}/infer`, tensorOf(key.replace("_", "\\u005f"))]],
      ["the escapes of URLs", (key) => ["/v1/inferences", input(`https://example.com/?key=${key.replaceAll("_", "%5F")}`)]],
    ])("is refused where it is written with %s", async (_name, bodyOf) => {
      const [path, body] = bodyOf(tenant.key);
      const answer = await stillAs(tenant.key, "POST", path, body);
      expect([400, 422]).toContain(answer.status);
      expect(await answer.text()).toContain("contains an API key");
    });

    test("is taken if one character of it is another, and in no time whatever it is full of", { timeout: 30_000 }, async () => {
      const last = tenant.key.endsWith("0") ? "1" : "0";
      const wrong = tenant.key.slice(0, -1) + last;
      expect((await submit(input(wrong))).status).toBe(202);
      const from = Date.now();
      expect((await submit(input(wrong.repeat(Math.floor(9_000_000 / wrong.length))))).status).toBe(202);
      expect((await submit(input("ck_".repeat(3_000_000)))).status).toBe(202);
      expect(Date.now() - from).toBeLessThan(10_000);
    });
  });

  test("is weighed by what is outside its strings, whatever is in them", () => {
    const texts = ['"', "\\", '\\"', "[{,:]}", "\\\\", '"]}', "\u2028", "\ud800", ""];
    const clean = weigh(JSON.stringify({ a: ["", [""]] }));
    for (const one of texts) {
      for (const other of texts) {
        expect([one, other, weigh(JSON.stringify({ a: [one + other, [other]] }))]).toEqual([one, other, clean]);
        expect([one, other, weigh(JSON.stringify({ [`a${one}`]: [other, [one]] }))]).toEqual([one, other, clean]);
      }
    }
    expect(weigh(`${"[".repeat(JSON_DEPTH)}${"]".repeat(JSON_DEPTH)}[[`).depth).toBe(JSON_DEPTH);
    for (const text of ['"', '"\\', '"\\"', "]]]", ""]) expect(weigh(text).depth).toBe(0);
  });

  test("that is large needs room: where others have it the client is asked to come back, and is taken when it does", async () => {
    const large = filled(`"${"x".repeat(1_000)}",`, 5_000_000);
    const others = [0, 1].map(() => new Request(ORIGIN));
    for (const [index, other] of others.entries()) belongsTo(other, `neighbour ${index}`);
    for (const other of others) reserve(other, BODIES_BYTES / 2 - 5_000_000);
    const answer = await submit(large);
    expect([answer.status, answer.headers.get("retry-after"), await object(answer)]).toMatchObject([503, "1", { code: "unavailable" }]);
    expect((await submit(filled('"small",', 100_000))).status).toBe(202);
    for (const other of others.slice(1)) release(other);
    // Each gives back what it had.
    for (let count = 0; count < 5; count++) expect((await submit(large)).status).toBe(202);
    for (const other of others) release(other);
  });

  test("takes no room for what is only announced: three large ones that are not sent stop no other account's", async () => {
    const slow = await newTenant();
    const stopped: (() => void)[] = [];
    const answers = [0, 1, 2].map(() => {
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("{"));
          stopped.push(() => controller.error(new Error("gone")));
        },
      });
      return stillStreams(slow.key, "/v1/inferences", body, { "Content-Length": String(JSON_BODY_BYTES) });
    });
    const from = Date.now();
    expect((await submit(filled('"some text",', 2_000_000))).status).toBe(202);
    expect(Date.now() - from).toBeLessThan(5_000);
    for (const stop of stopped) stop();
    await Promise.all(answers);
  });

  test("takes from its account's share, and leaves another account's to it", async () => {
    const busy = await newTenant();
    const others = [0, 1, 2].map(() => new Request(ORIGIN));
    for (const other of others) belongsTo(other, busy.accountId);
    const [first, second, third] = others as [Request, Request, Request];
    reserve(first, ACCOUNT_BODIES_BYTES / 2);
    reserve(second, ACCOUNT_BODIES_BYTES / 2);
    expect(() => reserve(third, 1_000)).toThrow("unavailable");
    expect((await stillAs(busy.key, "POST", "/v1/inferences", filled("1,", 1_000))).status).toBe(503);
    expect((await submit(filled('"some text",', 2_000_000))).status).toBe(202);
    for (const other of others) release(other);
    expect((await stillAs(busy.key, "POST", "/v1/inferences", filled("1,", 1_000))).status).toBe(202);
  });

  test("counts whatever its size", () => {
    const others = Array.from({ length: 200 }, () => new Request(ORIGIN));
    for (const [index, other] of others.entries()) belongsTo(other, `account ${index}`);
    let fitted = 0;
    try {
      for (; fitted < others.length; fitted++) reserve(others[fitted] ?? new Request(ORIGIN), 500_000);
    } catch {
      // There was no more room: how many there were is what is asked.
    }
    for (const other of others) release(other);
    expect(fitted).toBe(BODIES_BYTES / 500_000);
  });

  test("that comes too slowly is cut", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    try {
      const request = new Request(ORIGIN, {
        method: "POST",
        body: new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("{")) }),
      });
      const read = readJson(request, JSON_BODY_BYTES).catch((error: unknown) => error);
      await vi.advanceTimersByTimeAsync(BODY_PACE.graceMs + 1_000);
      expect(await read).toMatchObject({ status: 408, code: "body_too_slow", detail: expect.stringContaining("16384 bytes a second") });
      release(request);
    } finally {
      vi.useRealTimers();
    }
  });

  test("that alone takes all there is has it, and its room lapses should it never end", () => {
    vi.useFakeTimers();
    const [first, second] = [new Request(ORIGIN), new Request(ORIGIN)];
    reserve(first, BODIES_BYTES * 2);
    expect(() => reserve(second, BODIES_BYTES / 2)).toThrow("unavailable");
    vi.advanceTimersByTime(BODY_ROOM_MS);
    reserve(second, BODIES_BYTES / 2);
    release(second);
    vi.useRealTimers();
  });
});
