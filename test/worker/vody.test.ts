/** The Vody dialect as its published pages have it: what goes well, what is refused, and what nobody may see. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { handle } from "../../src/router.ts";
import { BATCH_ITEMS, INLINE_BYTES, JSON_BODY_BYTES } from "../../src/limits.ts";
import { ended, expire } from "./support/inferences.ts";
import { type ScriptedBackend, echo } from "./support/outside.ts";
import { newModel, newTenant, BAD_KEYS, servedBy } from "./support/tenants.ts";
import { ORIGIN, as, call, object, until, seen } from "./support/requests.ts";

const CHAIR = { image_path: "https://img.test/1.png", product_type: "Chair" };
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/;

const statusOf = (key: string, id: string) => object(as(key, "GET", `/inference/${id}/status`));

async function submit(key: string, model: string, batch: unknown = [CHAIR]): Promise<string> {
  const answer = await as(key, "POST", `/inference/${model}`, batch);
  expect(answer.status).toBe(202);
  return String((await object(answer))["id"]);
}

/** A batch sent to a model with this backend, once it has ended. */
async function outcomeOf(script: ScriptedBackend, batch: unknown = [CHAIR]): Promise<{ key: string; id: string; model: string }> {
  const { key } = await newTenant();
  const model = await servedBy(script, { protocol: "oip" });
  const id = await submit(key, model, batch);
  expect((await ended(key, id))["is_final"]).toBe(true);
  return { key, id, model };
}

/** The published error, member for member, as `seen` shows an answer. */
const refusal = (code: number, error: string, message: unknown = expect.stringMatching(/\S/)) => ({
  status: code,
  type: "application/json",
  body: { error, message, code },
});

describe("a batch of pictures through the Vody API", () => {
  test("goes from submit to results", async () => {
    const { key } = await newTenant();
    const model = await servedBy(echo, { protocol: "oip" });
    const accepted = await as(key, "POST", `/inference/${model}`, [CHAIR]);
    expect(accepted.status).toBe(202);
    const { id } = await object(accepted);
    expect(accepted.headers.get("location")).toBe(`${ORIGIN}/inference/${String(id)}/status`);
    const status = await until(
      () => statusOf(key, String(id)),
      (answer) => answer["status"] === "completed",
    );
    expect(status).toMatchObject({ status: "completed", response_code: "200", request_item_count: "1", response_item_count: "1" });
    const results = await as(key, "GET", `/inference/${String(id)}/results`);
    expect(await results.json()).toEqual([{ echo: "https://img.test/1.png" }]);
  });

  test("has a status whose members are all texts in the published forms", async () => {
    const { key, id, model } = await outcomeOf(echo, [CHAIR, CHAIR]);
    const status = await statusOf(key, id);
    expect(status).toStrictEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      created_at: expect.stringMatching(TIME),
      updated_at: expect.stringMatching(TIME),
      status: "completed",
      model,
      response_code: "200",
      request_item_count: "2",
      response_item_count: "2",
      response_time: expect.stringMatching(/^\d+\.\d{6}$/),
    });
  });

  test("took the time between its creation and its last update", async () => {
    const { key, id } = await outcomeOf(async (request) => {
      const answer = await echo(request);
      await scheduler.wait(30);
      return answer;
    });
    const { created_at, updated_at, response_time } = await statusOf(key, id);
    const elapsed = Date.parse(String(updated_at)) - Date.parse(String(created_at));
    expect(elapsed).toBeGreaterThanOrEqual(25);
    expect(Number(response_time) * 1000).toBeCloseTo(elapsed, 3);
  });

  test("is in progress while it waits, and its results are its status until the end", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const accepted = await as(key, "POST", `/inference/${model}`, [CHAIR]);
    const atSubmit = await object(accepted);
    expect(atSubmit).toMatchObject({ status: "in_progress", model, response_item_count: "0", response_time: "0.000000" });
    expect(Object.values(atSubmit).every((member) => typeof member === "string")).toBe(true);
    const id = String(atSubmit["id"]);
    expect(await statusOf(key, id)).toStrictEqual(atSubmit);
    const results = await as(key, "GET", `/inference/${id}/results`);
    expect(results.status).toBe(202);
    expect(results.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
    expect(results.headers.get("cache-control")).toBe("private, no-cache");
    expect(await results.json()).toStrictEqual(atSubmit);
  });

  test("takes every published field, and hands fields that it does not know to the backend", async () => {
    const received: unknown[] = [];
    const shoe = { ...CHAIR, category: "Fashion", hex_color_label: "#Aa3300", sku: "7" };
    const { id } = await outcomeOf(
      async (request) => {
        received.push(await request.clone().json());
        return echo(request);
      },
      [shoe],
    );
    const inputs = Object.entries(shoe).map(([name, value]) => ({ name, shape: [1], datatype: "BYTES", data: [value] }));
    expect(received).toEqual([{ id, inputs }]);
  });

  test("may be named in capitals", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await newModel());
    expect(await statusOf(key, id.toUpperCase())).toMatchObject({ id });
  });

  test(`may hold ${BATCH_ITEMS} items`, async () => {
    const { key } = await newTenant();
    const items = Array.from({ length: BATCH_ITEMS }, () => CHAIR);
    const accepted = await object(as(key, "POST", `/inference/${await newModel()}`, items));
    expect(accepted["request_item_count"]).toBe(String(BATCH_ITEMS));
  });

  test("larger than a row goes to the backend and comes back exactly", async () => {
    const image_path = `data:image/png;base64,${'Aé漢😀\\"\n'.repeat(INLINE_BYTES / 8)}`;
    let received: unknown;
    const { key, id } = await outcomeOf(
      async (request) => {
        received = await request.clone().json();
        return echo(request);
      },
      [CHAIR, { ...CHAIR, image_path }],
    );
    expect(received).toEqual({
      id,
      inputs: [
        { name: "image_path", shape: [2], datatype: "BYTES", data: [CHAIR.image_path, image_path] },
        { name: "product_type", shape: [2], datatype: "BYTES", data: ["Chair", "Chair"] },
      ],
    });
    const results = await as(key, "GET", `/inference/${id}/results`);
    const expected = JSON.stringify([{ echo: CHAIR.image_path }, { echo: image_path }]);
    expect(results.headers.get("content-type")).toBe("application/json");
    expect(results.headers.get("content-length")).toBe(String(new TextEncoder().encode(expected).byteLength));
    expect(await results.text()).toBe(expected);
    const { objects } = await env.PAYLOADS.list();
    expect(objects.filter((stored) => stored.key.includes(id)).map((stored) => stored.size > INLINE_BYTES)).toEqual([true, true]);
  });

  test.each(["status", "results"])("answers HEAD of its %s as GET, without the body", async (what) => {
    const { key, id } = await outcomeOf(echo);
    const got = await as(key, "GET", `/inference/${id}/${what}`);
    const request = new Request(`${ORIGIN}/inference/${id}/${what}`, { method: "HEAD", headers: { "x-vody-api-key": key } });
    const head = await handle(request, env, createExecutionContext());
    expect(head.status).toBe(200);
    expect(head.body).toBeNull();
    for (const name of ["content-type", "cache-control", "etag", "ratelimit-policy", "x-content-type-options"]) {
      expect(head.headers.get(name)).toBe(got.headers.get(name));
    }
  });

  test.each(["status", "results"])("need not be sent again when its %s is known to the client", async (what) => {
    const { key, id } = await outcomeOf(echo);
    const got = await as(key, "GET", `/inference/${id}/${what}`);
    const etag = got.headers.get("etag") ?? "";
    expect(etag).toMatch(/^"[^"]+"$/);
    expect(got.headers.get("cache-control")).toContain("immutable");
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const again = await as(key, "GET", `/inference/${id}/${what}`, undefined, { "If-None-Match": known });
      expect(again.status).toBe(304);
      expect(await again.text()).toBe("");
      expect(again.headers.get("etag")).toBe(etag);
      expect(again.headers.get("cache-control")).toBe(got.headers.get("cache-control"));
    }
    const other = await as(key, "GET", `/inference/${id}/${what}`, undefined, { "If-None-Match": '"other"' });
    expect(other.status).toBe(200);
  });
});

describe("an inference that does not succeed", () => {
  test("shows the code and the words of the backend that refused it", async () => {
    const { key, id } = await outcomeOf(() => Response.json({ error: "no such picture" }, { status: 400 }));
    expect(await statusOf(key, id)).toMatchObject({
      status: "failed",
      response_code: "400",
      request_item_count: "1",
      response_item_count: "0",
    });
    const results = await as(key, "GET", `/inference/${id}/results`);
    expect(results.headers.get("cache-control")).toBe("private, max-age=1");
    expect(await seen(results)).toStrictEqual(refusal(400, "Bad Request", "The backend answered 400: no such picture"));
  });

  test.each([
    [413, "Content Too Large"],
    [414, "URI Too Long"],
    [415, "Unsupported Media Type"],
    [412, "Precondition Failed"],
    [416, "Range Not Satisfiable"],
    [422, "Unprocessable Content"],
    [417, "Expectation Failed"],
    [428, "Precondition Required"],
    [431, "Request Header Fields Too Large"],
    [451, "Unavailable For Legal Reasons"],
  ])("gives the reason phrase of a backend's %i", async (status, reason) => {
    const { key, id } = await outcomeOf(() => Response.json({ error: "no" }, { status }));
    expect(await statusOf(key, id)).toMatchObject({ status: "failed", response_code: String(status) });
    expect(await seen(as(key, "GET", `/inference/${id}/results`))).toStrictEqual(
      refusal(status, reason, `The backend answered ${status}: no`),
    );
  });

  test("is failed with 504 when it waited for too long", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await newModel());
    await expire(id);
    const status = await until(
      () => statusOf(key, id),
      (answer) => answer["status"] !== "in_progress",
    );
    expect(status).toMatchObject({ status: "failed", response_code: "504" });
    expect(await seen(as(key, "GET", `/inference/${id}/results`))).toStrictEqual(refusal(504, "Gateway Timeout"));
  });

  test("is failed with 499 when it was canceled", async () => {
    const { key } = await newTenant();
    const id = await submit(key, await newModel());
    expect((await as(key, "POST", `/v1/inferences/${id}/cancel`)).status).toBe(200);
    expect(await statusOf(key, id)).toMatchObject({ status: "failed", response_code: "499" });
    expect(await seen(as(key, "GET", `/inference/${id}/results`))).toStrictEqual(
      refusal(499, "Client Closed Request", "The inference was canceled."),
    );
  });
});

describe("a Vody submission that is refused", () => {
  const shoe = { image_path: "https://img.test/2.png", product_type: "Shoes" };

  test.each<[string, unknown, (string | RegExp)[]]>([
    ["an object", { ...CHAIR }, [/array/]],
    ["a text", '"chairs"', [/array/]],
    ["null", "null", [/array/]],
    ["an empty array", [], [/at least one item/]],
    [`an array of ${BATCH_ITEMS + 1}`, Array.from({ length: BATCH_ITEMS + 1 }, () => CHAIR), [`at most ${BATCH_ITEMS} items`]],
    ["an item that is null", [null], ["Item 0", /object/]],
    ["an item that is a text", [CHAIR, "chair"], ["Item 1", /object/]],
    ["an item that is an array", [[CHAIR]], ["Item 0", /object/]],
    ["an item without image_path", [CHAIR, { product_type: "Shoes" }], ['"image_path" of item 1 is missing']],
    ["an item without product_type", [{ image_path: "x" }], ['"product_type" of item 0 is missing']],
    ["a number for image_path", [CHAIR, { ...shoe, image_path: 5 }], [/"image_path" of item 1 (?!is missing).*string/]],
    ["null for image_path", [{ ...shoe, image_path: null }], [/"image_path" of item 0 (?!is missing).*string/]],
    ["an empty image_path", [{ ...shoe, image_path: "" }], ['"image_path" of item 0']],
    ["a boolean for product_type", [{ ...shoe, product_type: true }], [/"product_type" of item 0 (?!is missing).*string/]],
    ["an array for category", [{ ...shoe, category: ["Fashion"] }], [/"category" of item 0 (?!is missing).*string/]],
    ["a number for hex_color_label", [{ ...shoe, hex_color_label: 0xaa3300 }], [/"hex_color_label" of item 0 (?!is missing).*string/]],
    ["two faults", [{ ...shoe, category: 1 }, { product_type: "x" }], ['"category" of item 0', '"image_path" of item 1']],
  ])("for being %s names what is wrong and where", async (_name, body, said) => {
    const { key } = await newTenant();
    const answer = await as(key, "POST", `/inference/${await newModel()}`, body);
    const { message } = await object(answer.clone());
    for (const part of said) expect(message).toEqual(part instanceof RegExp ? expect.stringMatching(part) : expect.stringContaining(part));
    expect(await seen(answer)).toStrictEqual(refusal(422, "Unprocessable Content"));
  });

  test.each(["AA3300", "#AA330", "#AA33000", "#GG3300", "red", "", "#AA3300\n"])(
    "has %j where a color belongs",
    async (hex_color_label) => {
      const { key } = await newTenant();
      const answer = await as(key, "POST", `/inference/${await newModel()}`, [{ ...CHAIR, hex_color_label }]);
      expect(await seen(answer)).toStrictEqual(
        refusal(422, "Unprocessable Content", '"hex_color_label" of item 0 must be a color such as "#AA3300"'),
      );
    },
  );

  test.each([
    ["nothing", ""],
    ["blanks", " \n"],
    ["half an array", '[{"image_path":'],
    ["plain words", "two chairs"],
    ["JSON with a comma too many", "[1,]"],
    ["nested too deep", `${"[".repeat(65)}${"]".repeat(65)}`],
    ["nested far too deep", `${"[".repeat(200_000)}${"]".repeat(200_000)}`],
  ])("is not JSON that can be read: %s", async (_name, body) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "POST", `/inference/${await newModel()}`, body))).toStrictEqual(refusal(400, "Bad Request"));
  });

  test("is not UTF-8", async () => {
    const { key } = await newTenant();
    const headers = { "x-vody-api-key": key, "Content-Type": "application/json" };
    const answer = await call(`/inference/${await newModel()}`, {
      method: "POST",
      headers,
      body: new Uint8Array([0x5b, 0x22, 0xff, 0x22, 0x5d]),
    });
    expect(await seen(answer)).toStrictEqual(refusal(400, "Bad Request", "The body is not UTF-8."));
  });

  test.each(["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "text/xml"])(
    "says that it is %s",
    async (type) => {
      const { key } = await newTenant();
      const answer = await as(key, "POST", `/inference/${await newModel()}`, [CHAIR], { "Content-Type": type });
      expect(await seen(answer)).toStrictEqual(refusal(415, "Unsupported Media Type"));
    },
  );

  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON", "application/vnd.shop+json"])(
    "may say that it is %s",
    async (type) => {
      const { key } = await newTenant();
      const answer = await as(key, "POST", `/inference/${await newModel()}`, [CHAIR], { "Content-Type": type });
      expect(answer.status).toBe(202);
    },
  );

  test("has one byte more than may be parsed; one less is taken", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    const bare = JSON.stringify([{ ...CHAIR, image_path: "" }]).length;
    const ofLength = (bytes: number) => [{ ...CHAIR, image_path: "x".repeat(bytes - bare) }];
    expect((await as(key, "POST", `/inference/${model}`, ofLength(JSON_BODY_BYTES))).status).toBe(202);
    const refused = await as(key, "POST", `/inference/${model}`, ofLength(JSON_BODY_BYTES + 1));
    expect(await seen(refused)).toStrictEqual(refusal(413, "Content Too Large", `The body exceeds ${JSON_BODY_BYTES} bytes.`));
  });

  test("is not read at all when its length says that it is too large", async () => {
    const { key } = await newTenant();
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({ pull: () => void pulled++ }, { highWaterMark: 0 });
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Content-Length": String(JSON_BODY_BYTES + 1) };
    const request = new Request(`${ORIGIN}/inference/${await newModel()}`, { method: "POST", headers, body });
    expect(await seen(handle(request, env, createExecutionContext()))).toStrictEqual(refusal(413, "Content Too Large"));
    expect(pulled).toBe(0);
  });

  test("is read no further than its limit when it comes in chunks without a length", async () => {
    const { key } = await newTenant();
    const megabyte = new TextEncoder().encode("x".repeat(1_000_000));
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(megabyte);
        if (++sent === 200) controller.close();
      },
    });
    const headers = { Authorization: `Bearer ${key}`, "Content-Type": "application/json" };
    const request = new Request(`${ORIGIN}/inference/${await newModel()}`, { method: "POST", headers, body });
    expect(await seen(handle(request, env, createExecutionContext()))).toStrictEqual(refusal(413, "Content Too Large"));
    expect(sent).toBeLessThan(20);
  });

  test.each(["no-such-model", "color%20classification", "%00", "%E0%A4%A", "..%2Fadmin"])(
    "names the model %s, which is not there",
    async (name) => {
      const { key } = await newTenant();
      expect(await seen(as(key, "POST", `/inference/${name}`, [CHAIR]))).toStrictEqual(refusal(404, "Not Found"));
      const large = [{ ...CHAIR, image_path: "x".repeat(INLINE_BYTES) }];
      expect(await seen(as(key, "POST", `/inference/${name}`, large))).toStrictEqual(refusal(404, "Not Found"));
    },
  );
});

describe("who may call the Vody API", () => {
  const READS = ["status", "results"] as const;

  /** Nobody can tell these apart: unknown, impossible (without dashes, a letter too many), another account's. */
  async function strangeIds(): Promise<string[]> {
    const other = await newTenant();
    const id = crypto.randomUUID();
    return [id, "nope", id.replaceAll("-", ""), `${id}0`, await submit(other.key, await newModel())];
  }

  test.each(READS)("finds nothing under %s of an id that is not the caller's, in the published words", async (what) => {
    const { key } = await newTenant();
    const answers = await Promise.all(
      (await strangeIds()).map(async (id) => {
        const answer = await as(key, "GET", `/inference/${id}/${what}`);
        expect(await answer.text()).toBe(`{"error":"Not Found","message":"Inference event with ID ${id} not found.","code":404}`);
        const headers = [...answer.headers].filter(([header]) => header !== "x-request-id" && header !== "ratelimit");
        return { status: answer.status, headers };
      }),
    );
    expect(answers[0]?.status).toBe(404);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  const ROUTES: [method: string, path: string][] = [
    ["POST", "/inference/any-model"],
    ["GET", `/inference/${crypto.randomUUID()}/status`],
    ["GET", `/inference/${crypto.randomUUID()}/results`],
  ];

  describe.each(ROUTES)("%s %s", (method, path) => {
    const send = (key: string | null) =>
      call(path, {
        method,
        headers: { "Content-Type": "application/json", ...(key === null ? {} : { "x-vody-api-key": key }) },
        ...(method === "POST" ? { body: JSON.stringify([CHAIR]) } : {}),
      });

    test.each([...BAD_KEYS, ["with an empty key", async (): Promise<string | null> => ""]] as const)(
      "is not answered %s",
      async (_fault, makeKey) => {
        const answer = await send(await makeKey());
        expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
        expect(answer.headers.get("cache-control")).toBe("private, no-store");
        expect(await seen(answer)).toStrictEqual(refusal(401, "Unauthorized"));
      },
    );

    test("needs its scope", async () => {
      const scope = method === "POST" ? "submit" : "read";
      const { key } = await newTenant({ scopes: ["submit", "read", "cancel"].filter((other) => other !== scope) });
      expect(await seen(send(key))).toStrictEqual(refusal(403, "Forbidden", `This call needs a key with the scope "${scope}".`));
    });

    test("is refused beyond the key's limit, and says when to come back", async () => {
      const { key } = await newTenant({ limits: { read: 1, submit: 1 } });
      const scope = method === "POST" ? "submit" : "read";
      const [first, second] = [await send(key), await send(key)];
      expect(first.status).toBe(404);
      expect(second.headers.get("retry-after")).toBe("1");
      expect(second.headers.get("ratelimit-policy")).toBe(`"${scope}";q=1;w=1`);
      expect(second.headers.get("ratelimit")).toBe(`"${scope}";r=0;t=1`);
      expect(await seen(second)).toStrictEqual(refusal(429, "Too Many Requests"));
    });
  });

  test.each([
    ["GET", "/inference/any-model", "POST"],
    ["DELETE", "/inference/any-model", "POST"],
    ["POST", `/inference/${crypto.randomUUID()}/status`, "GET, HEAD"],
    ["DELETE", `/inference/${crypto.randomUUID()}/results`, "GET, HEAD"],
    ["PATCH", `/inference/${crypto.randomUUID()}/results`, "GET, HEAD"],
  ])("does not know %s %s and says what it knows", async (method, path, allow) => {
    const { key } = await newTenant();
    const answer = await as(key, method, path);
    expect(answer.headers.get("allow")).toBe(allow);
    expect(await seen(answer)).toStrictEqual(refusal(405, "Method Not Allowed"));
  });

  test.each(["/inference", "/inference/", "/inference/a/b", "/inference/a/status/b"])("has nothing at %s", async (path) => {
    const { key } = await newTenant();
    expect(await seen(as(key, "GET", path))).toStrictEqual(refusal(404, "Not Found"));
  });
});
