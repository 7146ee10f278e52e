/** Replicate's wire: what its real clients need, what is refused and in which form, and what nobody may see. */
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES, REPEATS_MAX } from "../../src/limits.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { fileInForm } from "../../src/files/form.ts";
import { ended, expire, rowOf, submitted } from "./support/inferences.ts";
import { type ScriptedBackend, backendIs, hang, publicNames } from "./support/outside.ts";
import { faultyDatabase, ports, stillAs, stillEnv } from "./support/ports.ts";
import { newBackend, newModel, newTenant, servedBy } from "./support/tenants.ts";
import { ORIGIN, as, call, object, operator, seen, until } from "./support/requests.ts";

// What backs off waits for ticks of the sweep, and a busy machine is slow.
vi.setConfig({ testTimeout: 30_000 });

const ROOT = "/replicate/v1";
const { key, keyId } = await newTenant();

type Shown = Record<string, unknown> & { id: string; status: string; urls: Record<string, string> };

const post = (path: string, body: unknown, headers: Record<string, string> = {}, by = key) => as(by, "POST", ROOT + path, body, headers);
const get = (path: string, headers: Record<string, string> = {}) => as(key, "GET", ROOT + path, undefined, headers);
const predict = (model: string, body: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  post(`/models/${model}/predictions`, { input: { x: 1 }, ...body }, headers);
const made = async (answer: Response | Promise<Response>) => (await object(answer)) as Shown;

/** The prediction at its end. */
async function predicted(id: string): Promise<Shown> {
  await ended(key, id);
  return made(get(`/predictions/${id}`));
}

/** The published error, as `seen` shows an answer. */
const refusal = (status: number, detail: unknown = expect.stringMatching(/\S/), invalid?: unknown) => ({
  status,
  type: "application/problem+json",
  body: { title: expect.stringMatching(/\S/), detail, status, ...(invalid === undefined ? {} : { invalid_fields: invalid }) },
});
const of = (field: string, description: unknown = expect.stringMatching(/\S/)) => [{ type: "invalid", field, description }];

/** What comes at an address of an answer, without a key. */
const followed = (url: unknown, headers: Record<string, string> = {}) => call(String(url).replace(ORIGIN, ""), { headers });

describe("a prediction", () => {
  test("has the published members from its creation to its end", async () => {
    const model = await servedBy(() => Response.json({ y: [1, "é"] }));
    const answer = await predict(model);
    const shown = await made(answer.clone());
    const self = `${ORIGIN}${ROOT}/predictions/${shown.id}`;
    expect([answer.status, answer.headers.get("location")]).toEqual([201, self]);
    expect(shown).toStrictEqual({
      id: shown.id,
      model,
      version: "hidden",
      logs: "",
      error: null,
      status: "starting",
      data_removed: false,
      source: "api",
      created_at: expect.stringMatching(/Z$/),
      started_at: null,
      completed_at: null,
      metrics: {},
      urls: {
        get: self,
        cancel: `${self}/cancel`,
        web: `${ORIGIN}/console/inferences/${shown.id}`,
        stream: expect.stringContaining(`${ORIGIN}${ROOT}/streams/`),
      },
      input: { x: 1 },
      output: null,
    });
    expect(await predicted(shown.id)).toStrictEqual({
      ...shown,
      status: "succeeded",
      started_at: expect.stringMatching(/Z$/),
      completed_at: expect.stringMatching(/Z$/),
      metrics: { predict_time: expect.any(Number), total_time: expect.any(Number) },
      output: { y: [1, "é"] },
    });
  });

  test("that failed says why, and one that waited too long says so too", async () => {
    const model = await servedBy(() => Response.json({ error: "too blue" }, { status: 400 }));
    const failed = await made(predict(model));
    expect(await predicted(failed.id)).toMatchObject({ status: "failed", error: expect.stringContaining("too blue"), output: null });
    const waiting = await made(predict(await newModel()));
    await expire(waiting.id);
    expect(await predicted(waiting.id)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("max_time_in_queue_seconds"),
      output: null,
    });
  });

  test("that has begun stays `processing` while it waits for another attempt", async () => {
    const model = await servedBy(() => new Response("busy", { status: 503, headers: { "Retry-After": "60" } }));
    const { id } = await made(predict(model));
    const shown = await until(
      () => made(get(`/predictions/${id}`)),
      ({ status }) => status !== "starting",
    );
    await until(
      () => rowOf(id),
      ({ status }) => status === "queued",
    );
    expect([shown.status, (await made(get(`/predictions/${id}`))).status]).toEqual(["processing", "processing"]);
    await post(`/predictions/${id}/cancel`, undefined);
  });

  test("is canceled, and a cancel of what has ended answers it as it stands", async () => {
    const { id } = await made(predict(await newModel()));
    for (const _ of [1, 2])
      expect(await made(post(`/predictions/${id}/cancel`, undefined))).toMatchObject({ id, status: "canceled", error: null });
    const done = await made(predict(await servedBy(() => Response.json(1))));
    await predicted(done.id);
    expect(await seen(post(`/predictions/${done.id}/cancel`, undefined))).toMatchObject({
      status: 200,
      body: { status: "succeeded", output: 1 },
    });
  });

  test("is shown by a cancel without its input, output and stream to a key that may not read", async () => {
    const tenant = await newTenant();
    const made_ = await object(operator("POST", "/keys", { account_id: tenant.accountId, scopes: ["cancel"] }));
    const path = async (model: string) => {
      const { id } = await made(post(`/models/${model}/predictions`, { input: { prompt: "a secret" } }, {}, tenant.key));
      return [id, `/predictions/${id}/cancel`] as const;
    };
    const [done, ofDone] = await path(await servedBy(() => Response.json("another secret")));
    await ended(tenant.key, done);
    const [, ofWaiting] = await path(await newModel());
    for (const [at, status] of [[ofDone, "succeeded"] as const, [ofWaiting, "canceled"] as const]) {
      const shown = await made(post(at, undefined, {}, String(made_["key"])));
      expect(shown).toMatchObject({ status, input: {}, output: null, logs: "" });
      expect(shown.urls).not.toHaveProperty("stream");
    }
  });

  test("shows the lines of its model, and its input once", async () => {
    const model = await newModel();
    const { id } = await made(predict(model));
    const log = JSON.stringify([
      { at: 1, event: "queued" },
      { at: 2, event: "log", message: "50%" },
      { at: 3, event: "log", message: "100%" },
    ]);
    await env.DB.prepare("UPDATE inferences SET log = ? WHERE id = ?").bind(log, id).run();
    expect(await made(get(`/predictions/${id}`))).toMatchObject({ logs: "50%\n100%\n", input: { x: 1 } });
  });

  test("of another wire is shown with an input that is an object", async () => {
    const model = await newModel();
    const list = await submitted(key, model, [1, 2]);
    const large = await submitted(key, model, { text: "x".repeat(INLINE_BYTES) });
    expect(await made(get(`/predictions/${list}`))).toMatchObject({ input: { value: [1, 2] } });
    expect(await made(get(`/predictions/${large}`))).toMatchObject({ input: { url: `${ORIGIN}/v1/inferences/${large}/input` } });
  });

  test("whose data were removed says so", async () => {
    const { id } = await made(predict(await servedBy(() => Response.json({ y: 1 }))));
    const before = (await predictedAnswer(id)).headers.get("etag");
    await env.DB.prepare("UPDATE inferences SET data_removed_at = 1, input = NULL, output = NULL WHERE id = ?").bind(id).run();
    const after = await get(`/predictions/${id}`, { "If-None-Match": before ?? "" });
    const shown = await made(after.clone());
    expect(shown).toMatchObject({ data_removed: true, output: null, input: {} });
    expect(shown.urls).not.toHaveProperty("stream");
  });

  const predictedAnswer = async (id: string) => {
    await ended(key, id);
    return get(`/predictions/${id}`);
  };

  test("need not be sent again to the key that has it, and its links are no other key's", async () => {
    const { id } = await made(predict(await servedBy(() => Response.json({ y: 1 }))));
    const answer = await predictedAnswer(id);
    const etag = answer.headers.get("etag") ?? "";
    expect([etag.includes(keyId), answer.headers.get("cache-control")]).toEqual([true, "private, no-cache"]);
    expect((await get(`/predictions/${id}`, { "If-None-Match": etag })).status).toBe(304);
  });

  test("is created once for one Idempotency-Key", async () => {
    const model = await newModel();
    const again = () => predict(model, {}, { "Idempotency-Key": "order-7" });
    const [first, second] = [await again(), await again()];
    expect([second.status, second.headers.get("idempotency-replayed")]).toEqual([201, "true"]);
    expect((await made(second)).id).toBe((await made(first)).id);
    const other = predict(model, { input: { x: 2 } }, { "Idempotency-Key": "order-7" });
    expect(await seen(other)).toStrictEqual(refusal(422));
  });
});

describe("Prefer: wait", () => {
  test.each(["wait", "wait=30", "respond-async, wait=60"])("%s waits for the end", async (prefer) => {
    const model = await servedBy(() => Response.json(["a"]));
    const answer = await predict(model, {}, { Prefer: prefer });
    expect([answer.status, answer.headers.get("preference-applied")]).toEqual([201, `wait=${/\d+/.exec(prefer)?.[0] ?? 60}`]);
    expect(await made(answer)).toMatchObject({ status: "succeeded", output: ["a"] });
  });

  test("that runs out answers exactly `starting`, though the prediction runs", async () => {
    const model = await servedBy(hang);
    const shown = await made(predict(model, {}, { Prefer: "wait=1" }));
    expect(shown).toMatchObject({ status: "starting", started_at: null, output: null });
    expect(await made(get(`/predictions/${shown.id}`))).toMatchObject({ status: "processing" });
    await post(`/predictions/${shown.id}/cancel`, undefined);
  });

  test.each(["wait=0", "wait=61", "wait=soon"])("%s is refused before anything is stored", async (prefer) => {
    expect(await seen(predict(await newModel(), {}, { Prefer: prefer }))).toStrictEqual(
      refusal(400, expect.stringContaining("from 1 to 60")),
    );
  });
});

describe("Cancel-After", () => {
  test.each([
    ["5", 5],
    ["30s", 30],
    ["5m", 300],
    ["1h30m45s", 5_445],
    ["240h", 864_000],
  ])("%s is a deadline, after which it is canceled", async (duration, seconds) => {
    const shown = await made(predict(await newModel(), {}, { "Cancel-After": duration }));
    const deadline = Date.parse(String(shown["created_at"])) + seconds * 1000;
    expect(Date.parse(String(shown["deadline"]))).toBe(deadline);
    expect(Date.parse(String((await made(get(`/predictions/${shown.id}`)))["deadline"]))).toBe(deadline);
    await env.DB.prepare("UPDATE inferences SET cancel_at = 1, noted = 0 WHERE id = ?").bind(shown.id).run();
    await sweep(ports());
    const after = await made(get(`/predictions/${shown.id}`));
    expect(after).toMatchObject({ status: "canceled" });
    expect(after).not.toHaveProperty("deadline");
  });

  test.each(["4", "0s", "241h", "", "1d", "5 m", "-5", "1m1h", "h", "9".repeat(400)])("%j is refused", async (duration) => {
    const answer = predict(await newModel(), {}, { "Cancel-After": duration });
    expect(await seen(answer)).toStrictEqual(refusal(400, expect.stringContaining("Cancel-After must be a duration from 5 s to 10 days")));
  });
});

describe("the version", () => {
  const uniqueVersion = () => crypto.randomUUID().replaceAll("-", "");
  const createOf = (version: string) => post("/predictions", { version, input: {} });

  test("names a model, a version of it, or a version alone", async () => {
    const version = uniqueVersion();
    const model = `acme/${await newModel()}`;
    await as(env.ADMIN_TOKEN, "POST", "/admin/v1/models", { name: model, versions: ["old", version], default_version: "old" });
    expect(await made(createOf(model))).toMatchObject({ model, version: "old" });
    expect(await made(createOf(`${model}:${version}`))).toMatchObject({ model, version });
    expect(await made(createOf(version))).toMatchObject({ model, version });
    expect(await made(post(`/deployments/${model}/predictions`, { input: {} }))).toMatchObject({ model, version: "old" });
    expect(await seen(createOf(`${model}:none`))).toStrictEqual(refusal(404, expect.stringContaining('no version "none"')));
    expect(await seen(createOf("nobody"))).toStrictEqual(refusal(404, expect.stringContaining('"nobody"')));
    expect(await seen(predict("acme/nobody"))).toStrictEqual(refusal(404, 'There is no model "acme/nobody".'));
  });

  test("that is a model's very name is that model", async () => {
    const version = uniqueVersion();
    const other = await newModel({ versions: [version], default_version: version });
    for (const name of [version, `${other}:${version}`]) {
      await as(env.ADMIN_TOKEN, "POST", "/admin/v1/models", { name });
      expect(await made(createOf(name))).toMatchObject({ model: name, version: "hidden" });
    }
  });

  test("of several models is refused with what to send", async () => {
    const version = uniqueVersion();
    const models = [
      await newModel({ versions: [version], default_version: version }),
      await newModel({ versions: [version], default_version: version }),
    ];
    const [first = ""] = models.toSorted();
    expect(await seen(createOf(version))).toStrictEqual(
      refusal(422, expect.stringContaining(`"${first}:${version}"`), of("version", expect.stringContaining("must name its model"))),
    );
  });
});

describe("a body that is wrong", () => {
  test.each<[what: string, body: unknown, status: number, field: string | null, says: string]>([
    ["without input", { input: undefined }, 422, "input", '"input" is missing'],
    ["with a list for input", { input: [1] }, 422, "input", '"input" must be an object'],
    ["with a webhook on this machine", { webhook: "https://localhost/x" }, 422, "webhook", '"webhook" '],
    ["with a webhook without TLS", { webhook: "http://example.com" }, 422, "webhook", '"webhook" must use https'],
    ["with a webhook that is no text", { webhook: 5 }, 422, "webhook", '"webhook" '],
    ["with another event", { webhook_events_filter: ["end"] }, 422, "webhook_events_filter.0", '"webhook_events_filter.0" '],
    ["with a stream in words", { stream: "yes" }, 422, "stream", '"stream" '],
  ])("%s is refused in Replicate's form", async (_what, body, status, field, says) => {
    const answer = predict(await newModel(), body as Record<string, unknown>);
    expect(await seen(answer)).toStrictEqual(refusal(status, expect.stringContaining(says), of(field ?? "")));
  });

  test.each<[what: string, body: string, headers: Record<string, string>, status: number]>([
    ["that is no JSON", "{", {}, 400],
    ["that is a list", "[]", {}, 422],
    ["of another type", "{}", { "Content-Type": "text/plain" }, 415],
    ["that is too large", JSON.stringify({ input: { x: "x".repeat(10_000_000) } }), {}, 413],
  ])("%s is refused", async (_what, body, headers, status) => {
    const answer = await as(key, "POST", `${ROOT}/models/${await newModel()}/predictions`, body, headers);
    expect(await seen(answer)).toMatchObject({ status, type: "application/problem+json", body: { status } });
  });

  test("without a version names it", async () => {
    expect(await seen(post("/predictions", { input: {} }))).toStrictEqual(refusal(422, expect.any(String), of("version")));
  });
});

describe("refusals", () => {
  const id = "0190a5a0-0000-7000-8000-00000000abcd";

  test.each<[what: string, answer: () => Promise<Response>, status: number]>([
    ["no key", () => call(`${ROOT}/predictions`), 401],
    ["a key without the scope", async () => as((await newTenant({ scopes: ["submit"] })).key, "GET", `${ROOT}/predictions`), 403],
    ["an unknown prediction", () => get(`/predictions/${id}`), 404],
    ["what is no id", () => get("/predictions/none"), 404],
    ["a cancel of nothing", () => post(`/predictions/${id}/cancel`, undefined), 404],
    ["an unknown path", () => get("/trainings"), 404],
    ["the root", () => call("/replicate"), 404],
    ["another method", () => as(key, "PUT", `${ROOT}/predictions`), 405],
    ["a method of a model's path", () => as(key, "DELETE", `${ROOT}/models/acme/painter`), 405],
    ["a cursor of no list", () => get("/predictions?cursor=x"), 422],
    ["a time that is none", () => get("/predictions?created_after=yesterday"), 422],
    ["a link that is none", () => call(`${ROOT}/streams/none`), 403],
  ])("%s is refused in Replicate's form", async (_what, answer, status) => {
    expect(await seen(answer())).toMatchObject({
      status,
      type: "application/problem+json",
      body: { title: expect.any(String), detail: expect.any(String), status },
    });
  });

  test("another account's prediction is not there", async () => {
    const mine = await made(predict(await newModel()));
    const other = (await newTenant()).key;
    for (const answer of [as(other, "GET", `${ROOT}/predictions/${mine.id}`), as(other, "POST", `${ROOT}/predictions/${mine.id}/cancel`)])
      expect(await seen(answer)).toStrictEqual(refusal(404, `There is no prediction "${mine.id}".`));
    expect(await object(as(other, "GET", `${ROOT}/predictions`))).toStrictEqual({ next: null, previous: null, results: [] });
  });

  test("a key that asks too often is told when to come back", async () => {
    const limited = (await newTenant({ limits: { read: 1, submit: 1, cancel: 1 } })).key;
    const answers = await Promise.all(Array.from({ length: 6 }, () => as(limited, "GET", `${ROOT}/predictions/${id}`)));
    const refused = answers.find(({ status }) => status === 429);
    expect(refused?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await seen(refused ?? new Response())).toMatchObject({ type: "application/problem+json", body: { status: 429 } });
  });
});

describe("an output", () => {
  const png: ScriptedBackend = () => new Response(Uint8Array.of(1, 2, 3), { headers: { "Content-Type": "image/png" } });

  test("that is bytes is a link that needs no key, and dies with the key", async () => {
    const model = await servedBy(png);
    const tenant = await newTenant();
    const { id } = await made(post(`/models/${model}/predictions`, { input: {} }, { Prefer: "wait" }, tenant.key));
    const shown = await made(as(tenant.key, "GET", `${ROOT}/predictions/${id}`));
    const answer = await followed(shown["output"]);
    expect([answer.status, answer.headers.get("content-type"), new Uint8Array(await answer.arrayBuffer())]).toEqual([
      200,
      "image/png",
      Uint8Array.of(1, 2, 3),
    ]);
    await as(env.ADMIN_TOKEN, "DELETE", `/admin/v1/keys/${tenant.keyId}`);
    expect((await followed(shown["output"])).status).toBe(403);
    expect((await followed(shown.urls["stream"])).status).toBe(403);
  });

  test("of JSON is whole, though it is not in its row, and a link beyond what is read", async () => {
    const text = "x".repeat(INLINE_BYTES * 2);
    const model = await servedBy(() => Response.json({ text }));
    const large = await made(predict(model, {}, { Prefer: "wait" }));
    expect(large["output"]).toEqual({ text });
    backendIs(() => Response.json("x".repeat(BACKEND_ANSWER_BYTES)));
    const beyond = await made(predict(model, {}, { Prefer: "wait" }));
    expect(beyond).toMatchObject({ status: "succeeded", output: expect.stringContaining("/v1/links/") });
    expect((await followed(beyond["output"])).status).toBe(200);
    const { results } = (await object(get("/predictions"))) as { results: Shown[] };
    expect(results.find(({ id }) => id === large.id)?.["output"]).toEqual(expect.stringContaining("/v1/links/"));
  });

  test("with files in it has a link in the place of each", async () => {
    const model = await newModel({ output_files: [{ field: "images" }] });
    await newBackend(model, { protocol: "http" });
    backendIs(() => Response.json({ seed: 7, images: [btoa("first"), btoa("second")] }));
    const { output } = (await made(predict(model, {}, { Prefer: "wait" }))) as unknown as { output: { seed: number; images: string[] } };
    expect(output).toEqual({ seed: 7, images: [expect.stringContaining("/v1/links/"), expect.stringContaining("/v1/links/")] });
    const files = await Promise.all(output.images.map(async (url) => (await followed(url)).text()));
    expect(files).toEqual(["first", "second"]);
  });

  test.each([
    ["one file beside it is a link", ["a"]],
    ["several files beside it is a list of links", ["a", "b"]],
  ])("with %s", async (_what, files) => {
    const parts = files.map((text) => `--b\r\nContent-Type: image/png\r\n\r\n${text}\r\n`).join("");
    const model = await servedBy(() => new Response(`${parts}--b--`, { headers: { "Content-Type": "multipart/mixed; boundary=b" } }));
    const { output } = await made(predict(model, {}, { Prefer: "wait" }));
    expect(Array.isArray(output)).toBe(files.length > 1);
    expect(await Promise.all([output].flat().map(async (url) => (await followed(url)).text()))).toEqual(files);
  });
});

describe("a stream", () => {
  const events = (text: string) => text.split("\n\n").filter((it) => it.includes("event:"));
  const idsIn = (text: string) => [...text.matchAll(/^id: (.+)$/gm)].map(([, its = ""]) => its);

  test("of a prediction that is not kept tells its lines and its output, from any place in it", async () => {
    const { id, urls } = await made(predict(await servedBy(() => Response.json(["one\ntwo", "three"]))));
    await ended(key, id);
    const stream = String(urls["stream"]);
    const whole = await (await followed(stream)).text();
    expect(events(whole).map((it) => it.replaceAll(/^(?:id|retry): .*\n/gm, ""))).toEqual([
      "event: output\ndata: one\ndata: two",
      "event: output\ndata: three",
      "event: done\ndata: {}",
    ]);
    const [first = "", , last = ""] = idsIn(whole);
    const rest = await (await followed(stream, { "Last-Event-ID": first })).text();
    expect(events(rest)).toEqual(
      events(whole)
        .slice(1)
        .map((it) => it.replace(/^retry: .*\n/, ""))
        .map((it, index) => (index === 0 ? `retry: 1000\n${it}` : it)),
    );
    expect((await followed(stream, { "Last-Event-ID": last })).status).toBe(204);
  });

  test.each([
    [
      "failed",
      () => Response.json({ error: "too blue" }, { status: 400 }),
      /event: error\nid: .+\ndata: \{"detail":".*too blue.*"\}\n\nevent: done\ndata: \{"reason":"error"\}/,
    ],
  ])("of one that %s says why", async (_what, script, said) => {
    const { id, urls } = await made(predict(await servedBy(script)));
    await ended(key, id);
    expect(await (await followed(urls["stream"])).text()).toMatch(said);
  });

  test("of one that was canceled says so", async () => {
    const { id, urls } = await made(predict(await newModel()));
    await post(`/predictions/${id}/cancel`, undefined);
    expect(await (await followed(urls["stream"])).text()).toContain("event: done\nid: ");
  });

  const chunk = (content: string) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`;
  const LAST = `data: ${JSON.stringify({ id: "c", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;
  const speaks: ScriptedBackend = ({ method }) =>
    method === "GET"
      ? Response.json({ data: [] })
      : new Response(chunk("Hel") + chunk("lo\nyou") + LAST, { headers: { "Content-Type": "text/event-stream" } });

  test("of a text model is kept, and told in pieces from any place", async () => {
    const model = await servedBy(speaks, { protocol: "openai" });
    const { id, urls } = await made(predict(model, { input: { messages: [{ role: "user", content: "Hi." }] } }));
    expect(await rowOf(id)).toMatchObject({ resumable: 1 });
    await ended(key, id);
    const whole = await (await followed(urls["stream"])).text();
    expect(events(whole).map((it) => it.replaceAll(/^(?:id|retry): .*\n/gm, ""))).toEqual([
      "event: output\ndata: Hel",
      "event: output\ndata: lo\ndata: you",
      "event: done\ndata: {}",
    ]);
    const [first = ""] = idsIn(whole);
    const rest = await (await followed(urls["stream"], { "Last-Event-ID": first })).text();
    expect(rest).not.toContain("data: Hel");
    expect(rest).toContain("data: lo");
    expect((await followed(urls["stream"], { "Last-Event-ID": "9.9" })).status).toBe(400);
  });

  test.each<[what: string, body: Record<string, unknown>, headers: Record<string, string>, kept: number]>([
    ["a text without a wait", { input: { prompt: "x" } }, {}, 1],
    ["a text that is waited for", { input: { prompt: "x" } }, { Prefer: "wait=1" }, 0],
    ["what asks for it", { input: {}, stream: true }, { Prefer: "wait=1" }, 1],
    ["what asks for none", { input: { prompt: "x" }, stream: false }, {}, 0],
    ["anything else", { input: { image: "x" } }, {}, 0],
  ])("is kept of %s: %#", async (_what, body, headers, kept) => {
    const { id } = await made(predict(await newModel(), body, headers));
    expect(await rowOf(id)).toMatchObject({ resumable: kept });
  });

  test("is followed by its own link alone", async () => {
    const { urls } = await made(predict(await newModel()));
    const token = String(urls["stream"]).split("/").at(-1) ?? "";
    expect((await call(`/v1/links/${token}`)).status).toBe(403);
    const output = (
      await made(predict(await servedBy(() => new Response("x", { headers: { "Content-Type": "image/png" } })), {}, { Prefer: "wait" }))
    )["output"];
    expect((await call(`${ROOT}/streams/${String(output).split("/").at(-1) ?? ""}`)).status).toBe(403);
  });
});

test("the list is newest first, a hundred a page, by time", async () => {
  const tenant = (await newTenant()).key;
  const model = await newModel();
  const ids: string[] = [];
  for (let count = 0; count < 103; count++) ids.unshift(await submitted(tenant, model, { count }));
  const page = async (path: string) => (await object(as(tenant, "GET", path))) as { next: string | null; previous: null; results: Shown[] };
  const first = await page(`${ROOT}/predictions?source=api`);
  expect(first.results.map(({ id }) => id)).toEqual(ids.slice(0, 100));
  expect(first.next).toContain(`${ORIGIN}${ROOT}/predictions?source=api&cursor=`);
  const second = await page(String(first.next).replace(ORIGIN, ""));
  expect([second.results.map(({ id }) => id), second.next, second.previous]).toEqual([ids.slice(100), null, null]);
  const at = String(first.results[50]?.["created_at"]);
  const since = await page(`${ROOT}/predictions?created_after=${at}`);
  const before = await page(`${ROOT}/predictions?created_before=${at}`);
  expect(since.results.every((it) => String(it["created_at"]) >= at)).toBe(true);
  expect(since.results.some(({ id }) => id === first.results[50]?.id)).toBe(true);
  expect(before.results.every((it) => String(it["created_at"]) < at)).toBe(true);
  expect((await page(`${ROOT}/predictions?source=web`)).results).toEqual([]);
});

describe("a webhook", () => {
  test.each<[filter: unknown, events: string[]]>([
    [["completed"], ["inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"]],
    [["start"], ["inference.started"]],
    [["output"], ["inference.progress", "inference.succeeded"]],
    [["logs"], ["inference.progress"]],
    [[], ["inference.started", "inference.progress", "inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"]],
    [
      undefined,
      ["inference.started", "inference.progress", "inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"],
    ],
  ])("with the filter %j hears of %j", async (webhook_events_filter, events) => {
    backendIs(publicNames);
    const { id } = await made(predict(await newModel(), { webhook: "https://app.example.com/hook", webhook_events_filter }));
    const { events: heard } = JSON.parse(String((await rowOf(id))["webhook"])) as { events: string[] };
    expect(heard).toEqual(events);
  });

  test("is sent the prediction, with links that need no key", async () => {
    const told: { body: Shown; headers: Headers }[] = [];
    const model = await servedBy(async (request) => {
      if (request.url.includes(".gpu.test")) return new Response("a picture", { headers: { "Content-Type": "image/png" } });
      if (!request.url.startsWith("https://app.example.com/")) return publicNames(request);
      told.push({ body: await request.json(), headers: request.headers });
      return new Response("taken");
    });
    const { id } = await made(predict(model, { webhook: "https://app.example.com/hook", webhook_events_filter: ["completed"] }));
    await until(
      async () => told.length,
      (count) => count > 0,
    );
    const [{ body, headers } = { body: {}, headers: new Headers() }] = told;
    expect(body).toMatchObject({ id, status: "succeeded", input: { x: 1 }, output: expect.stringContaining("/v1/links/") });
    expect((body as Shown).urls).not.toHaveProperty("stream");
    expect(headers.get("webhook-signature")).toMatch(/^v1,/);
    expect(await (await followed((body as Shown)["output"])).text()).toBe("a picture");
  });

  test("has a secret that is shown once, to a key that may submit", async () => {
    const tenant = await newTenant();
    const reader = await newTenant({ scopes: ["read"] });
    expect((await as(reader.key, "GET", `${ROOT}/webhooks/default/secret`)).status).toBe(403);
    const asked = await as(tenant.key, "HEAD", `${ROOT}/webhooks/default/secret`);
    expect([asked.status, asked.headers.get("allow")]).toEqual([405, "GET"]); // its answer has no room for the secret
    const first = await as(tenant.key, "GET", `${ROOT}/webhooks/default/secret`);
    expect([first.headers.get("cache-control"), await first.json()]).toEqual([
      "private, no-store",
      { key: expect.stringMatching(/^whsec_/) },
    ]);
    expect(await seen(as(tenant.key, "GET", `${ROOT}/webhooks/default/secret`))).toStrictEqual(
      refusal(409, expect.stringContaining("shown once")),
    );
  });
});

describe("files", () => {
  const field = (head: string, text: string) => `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`;
  const CONTENT = field('name="content"; filename="a.png"\r\nContent-Type: image/png', "a picture");
  const upload = (parts: readonly string[], by = key) =>
    call(`${ROOT}/files`, {
      method: "POST",
      headers: { Authorization: `Bearer ${by}`, "Content-Type": "multipart/form-data; boundary=b" },
      body: `${parts.join("")}--b--`,
    });

  test.each([
    [
      "first",
      [
        CONTENT,
        field('name="filename"', "sky.jpg"),
        field('name="type"', "image/jpeg"),
        field('name="metadata"; filename="blob"', '{"a":1}'),
      ],
    ],
    ["last", [field('name="type"', "image/jpeg"), field('name="metadata"', '{"a":1}'), field('name="filename"', "sky.jpg"), CONTENT]],
  ])("may have the content %s in their form", async (_what, parts) => {
    const answer = await upload(parts);
    expect(answer.status).toBe(201);
    const file = await object(answer);
    expect(file).toMatchObject({
      name: "sky.jpg",
      content_type: "image/jpeg",
      size: 9,
      metadata: { a: 1 },
      checksums: { sha256: expect.any(String) },
    });
    const path = `/files/${String(file["id"])}`;
    expect(file["urls"]).toEqual({ get: `${ORIGIN}${ROOT}${path}` });
    expect(await object(get(path))).toStrictEqual({ ...file, metadata: {} });
    const bytes = await get(`${path}/download?owner=x&expiry=1&signature=y`);
    expect([bytes.headers.get("content-type"), await bytes.text()]).toEqual(["image/jpeg", "a picture"]);
    expect((await as((await newTenant()).key, "GET", ROOT + path)).status).toBe(404);
    expect((await as(key, "DELETE", ROOT + path)).status).toBe(204);
    expect(await seen(get(path))).toMatchObject({ status: 404, type: "application/problem+json" });
  });

  test("are named and typed by the field alone if the form says no more", async () => {
    expect(await object(upload([CONTENT]))).toMatchObject({ name: "a.png", content_type: "image/png", metadata: {} });
  });

  test.each<[what: string, parts: string[], status: number]>([
    ["without a content", [field('name="file"; filename="a.png"', "x")], 400],
    ["with two", [CONTENT, CONTENT], 400],
    ["with metadata that is no object", [CONTENT, field('name="metadata"', "[1]")], 422],
    ["with a type that is none", [CONTENT, field('name="type"', "picture")], 422],
    ["with a name that leads elsewhere", [CONTENT, field('name="filename"', "../a")], 422],
  ])("in a form %s are refused, and nothing of them stays", async (_what, parts, status) => {
    const tenant = await newTenant();
    expect(await seen(upload(parts, tenant.key))).toMatchObject({ status, type: "application/problem+json" });
    expect(await env.DB.prepare("SELECT count(*) AS files FROM files WHERE account_id = ?").bind(tenant.accountId).first()).toEqual({
      files: 0,
    });
  });

  test("that are no form are refused", async () => {
    expect(await seen(post("/files", {}))).toMatchObject({ status: 415 });
  });

  test("stand in an input for themselves, wherever their address does", async () => {
    const file = await object(upload([CONTENT]));
    const { get: address } = file["urls"] as { get: string };
    const got: unknown[] = [];
    const model = await servedBy(async (request) => {
      got.push(await request.json());
      return Response.json(1);
    });
    const input = { image: address, list: [address, `${address}/download`], text: `see ${address}`, [address]: "a name" };
    const { id } = await made(predict(model, { input }));
    expect((await predicted(id))["input"]).toEqual(input);
    const [{ image, ...others }] = got as [{ image: string }];
    expect(await (await followed(image)).text()).toBe("a picture");
    expect(others).toMatchObject({ list: [image, `${address}/download`], text: `see ${address}`, [address]: "a name" });
    const gone = predict(model, { input: { image: address.replace(/[^/]+$/, "0190a5a0-0000-7000-8000-00000000abcd") } });
    expect(await seen(gone)).toStrictEqual(refusal(422, expect.stringContaining("not there"), of("input.image")));
  });

  test("are listed newest first", async () => {
    const tenant = (await newTenant()).key;
    const ids: unknown[] = [];
    for (const _ of [1, 2, 3]) ids.unshift((await object(upload([CONTENT], tenant)))["id"]);
    const { results, next } = (await object(as(tenant, "GET", `${ROOT}/files`))) as { results: { id: string }[]; next: null };
    expect([results.map(({ id }) => id), next]).toEqual([ids, null]);
  });

  test("in a form tell their other fields by the end of the file", async () => {
    const body = new Response(`${CONTENT}${field('name="type"', "x/y")}--b--`).body ?? new ReadableStream();
    const form = await fileInForm(body, "b", new AbortController().signal, "content");
    await new Response(form.body).text();
    expect([...form.fields]).toEqual([["type", "x/y"]]);
  });
});

test("the catalogue has each model under its owner, and what its versions take", async () => {
  const name = `acme/${await newModel()}`;
  await as(env.ADMIN_TOKEN, "POST", "/admin/v1/models", { name, description: "Paints.", versions: ["v1", "v2"], default_version: "v2" });
  const schema = { type: "object", required: ["prompt"] };
  await as(env.ADMIN_TOKEN, "PUT", `/admin/v1/models/${encodeURIComponent(name)}/schema`, { input_schema: schema });
  const latest_version = { id: "v2", cog_version: "", openapi_schema: { components: { schemas: { Input: schema, Output: {} } } } };
  const shown = await object(get(`/models/${name}`));
  expect(shown).toMatchObject({
    owner: "acme",
    name: name.slice(5),
    description: "Paints.",
    url: `${ORIGIN}${ROOT}/models/${name}`,
    latest_version,
  });
  expect(await object(get(`/models/${name}/versions`))).toMatchObject({ next: null, results: [{ id: "v1" }, { id: "v2" }] });
  expect(await object(get(`/models/${name}/versions/v1`))).toMatchObject({ ...latest_version, id: "v1" });
  expect(await seen(get(`/models/${name}/versions/v3`))).toStrictEqual(refusal(404));
  expect(await seen(get("/models/acme/nobody"))).toStrictEqual(refusal(404));
  const plain = await newModel();
  expect(await object(get(`/models/${plain}`))).toMatchObject({ owner: "", name: plain, latest_version: { id: "hidden" } });
  const { results } = (await object(get("/models"))) as { results: unknown[] };
  expect(results).toContainEqual(expect.objectContaining({ owner: "acme", name: name.slice(5) }));
  expect(await object(get("/account"))).toMatchObject({ type: "organization", name: "tenant" });
});

test("a client that repeats at once what can't be answered now is told 429 in the end", async () => {
  const broken = stillEnv({ DB: faultyDatabase(() => Promise.reject(new Error("the network is down"))) });
  const path = `${ROOT}/predictions/0190a5a0-0000-7000-8000-00000000abcd`;
  const statuses: number[] = [];
  for (let tries = 0; tries <= REPEATS_MAX; tries++) {
    const answer = await stillAs(key, "GET", path, undefined, {}, broken);
    statuses.push(answer.status);
    expect(await seen(answer)).toMatchObject({ type: "application/problem+json", body: { status: answer.status } });
  }
  expect(statuses).toEqual([...Array<number>(REPEATS_MAX).fill(503), 429]);
});
