/**
 * Streams that resume: what is said while an inference runs is kept, and read from any place by whoever comes, while it runs and
 * after; a client that leaves stops nothing, and an attempt that is lost is told.
 */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { LogSink } from "../../src/inferences/streams/sink.ts";
import { changeStatements, redriveInference } from "../../src/inferences/sql/change.ts";
import { findInference } from "../../src/inferences/sql/read.ts";
import { START, type StreamPlace, placeText } from "../../src/inferences/streams/place.ts";
import { type StreamNews, locate, newsOf } from "../../src/inferences/streams/reader.ts";
import { Unavailable } from "../../src/platform/unavailable.ts";
import type { StreamPort } from "../../src/ports.ts";
import { Claimcheck } from "../../client/typescript/client.ts";
import { allOf } from "../support/client-cases.ts";
import { DECODERS } from "../support/decoders.ts";
import { claimed, ended, queued, submitted } from "./support/inferences.ts";
import { backendIs } from "./support/outside.ts";
import { ports } from "./support/ports.ts";
import { ORIGIN, as, call, object, until } from "./support/requests.ts";
import { newBackend, newModel, newTenant, served } from "./support/tenants.ts";

const CHAT = "/v1/chat/completions";
const TOKENS = 2_000;
const encoder = new TextEncoder();

/** A chunk of a chat. */
const chunk = (content: string, finish: string | null = null) =>
  `data: ${JSON.stringify({ id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: finish }] })}\n\n`;

const tokens = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => chunk(`${from + index} `));
const DONE = "data: [DONE]\n\n";

/** A call of a chat server: what it has yet to say, and how it ends. */
interface Spoken {
  readonly pieces: string[];
  end: "close" | "break" | null;
}

/** A chat server that says what the test has it say, when it has it say it; its calls are counted from 0. */
class Speaker {
  readonly #calls: Spoken[] = [];

  constructor() {
    backendIs((request) => {
      if (request.method === "GET") return Response.json({ data: [] }); // it is asked whether it is ready
      const spoken: Spoken = { pieces: [], end: null };
      this.#calls.push(spoken);
      // Looks by itself for what to say: a stream belongs to whoever reads it, and no test may write to it.
      const body = new ReadableStream<Uint8Array>({
        async pull(controller) {
          await until(
            async () => spoken,
            ({ pieces, end }) => pieces.length > 0 || end !== null,
          );
          const text = spoken.pieces.splice(0).join("");
          if (text !== "") controller.enqueue(encoder.encode(text));
          else if (spoken.end === "close") controller.close();
          else controller.error(new Error("reset"));
        },
      });
      return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    });
  }

  async #asked(number: number): Promise<Spoken> {
    const spoken = await until(
      async () => this.#calls[number],
      (asked) => asked !== undefined,
    );
    if (!spoken) throw new Error(`no call ${number}`);
    return spoken;
  }

  async says(pieces: readonly string[], number = 0): Promise<void> {
    (await this.#asked(number)).pieces.push(pieces.join(""));
  }

  async ends(number = 0): Promise<void> {
    const spoken = await this.#asked(number);
    spoken.pieces.push(chunk("", "stop") + DONE);
    spoken.end = "close";
  }

  async breaks(number = 0): Promise<void> {
    (await this.#asked(number)).end = "break";
  }
}

interface World {
  readonly key: string;
  readonly accountId: string;
  readonly model: string;
  readonly gpu: Speaker;
}

async function world(protocol = "openai"): Promise<World> {
  const { key, accountId } = await newTenant();
  const model = await newModel();
  await newBackend(model, { protocol, max_concurrency: 100 });
  return { key, accountId, model, gpu: new Speaker() };
}

const chat = ({ key, model }: World, headers: Record<string, string> = {}) =>
  as(
    key,
    "POST",
    "Prefer" in headers ? CHAT : `${CHAT}?detach=1`,
    { model, messages: [{ role: "user", content: "Hi" }], stream: true },
    headers,
  );

/** A chat that has begun. */
async function begun(it: World, headers: Record<string, string> = {}): Promise<{ id: string; reading: Reading }> {
  const answer = await chat(it, headers);
  return { id: idOf(answer), reading: new Reading(answer) };
}

const idOf = (answer: Response) => answer.headers.get("x-inference-id") ?? "none";

const readAgain = ({ key }: World, id: string, after = "", headers: Record<string, string> = {}) =>
  as(key, "GET", `/v1/inferences/${id}/stream${after === "" ? "" : `?after=${after}`}`, undefined, headers);

/** An answer while it comes. */
class Reading {
  text = "";
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();

  constructor(answer: Response) {
    if (!answer.body) throw new Error("no body");
    this.#reader = answer.body.getReader();
  }

  /** All up to and with what it must have. */
  async until(part: string): Promise<string> {
    while (!this.text.includes(part)) {
      const { done, value } = await this.#reader.read();
      if (done) throw new Error(`ended without ${part}: ${this.text.slice(-300)}`);
      this.text += this.#decoder.decode(value, { stream: true });
    }
    return this.text;
  }

  async rest(): Promise<string> {
    for (let read = await this.#reader.read(); !read.done; read = await this.#reader.read()) this.text += this.#decoder.decode(read.value);
    return this.text;
  }

  async leave(): Promise<void> {
    await this.#reader.cancel();
  }
}

/** Of a stream, what has ids: what must be the same for whoever reads it. */
const eventsIn = (text: string) =>
  text
    .split("\n\n")
    .flatMap((event) => (/^(?:(?::|retry: \d+)\n)*id: /.test(event) ? [event.replace(/^(?:(?::|retry: \d+)\n)+/, "")] : []));
const lastIdIn = (text: string) => [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? "";

/** What the object of an inference keeps. */
const keptOf = ({ accountId }: World, id: string) => ports().streams.after(accountId, id, START.attempt, START.offset, 0);
const objectOf = ({ accountId }: World, id: string) => env.STREAM.getByName(`${accountId}/${id}`);

/** An object dies, with the calls that it has not answered. */
async function dies(object_: ReturnType<typeof objectOf>): Promise<void> {
  const death = runInDurableObject(object_, (_, state) => state.abort("dies"));
  await expect(death).rejects.toThrow("dies");
}

describe("a chat of 2,000 tokens", () => {
  test("gives three readers the same bytes, one from the beginning, one from the middle, and one after the end", async () => {
    const it = await world();
    const answer = await chat(it);
    const id = idOf(answer);
    expect([answer.status, answer.headers.get("content-location")]).toEqual([200, `http://claimcheck.test/v1/inferences/${id}/stream`]);
    const first = new Reading(answer);
    await it.gpu.says(tokens(0, 700));
    const middle = lastIdIn(await first.until(`"699 "`));
    const second = new Reading(await readAgain(it, id, middle));
    for (let from = 700; from < TOKENS; from += 100) await it.gpu.says(tokens(from, from + 100));
    await second.until(`"${TOKENS - 1} "`);
    await dies(objectOf(it, id)); // it forgets nothing that it has answered
    await it.gpu.ends();
    const whole = eventsIn(await first.rest());
    const values = DECODERS["openai-python"]?.(first.text).values as { choices: { delta: { content: string } }[] }[]; // the form of chunks
    expect(values.map(({ choices }) => choices[0]?.delta.content).join("")).toBe(
      Array.from({ length: TOKENS }, (_, index) => `${index} `).join(""),
    );
    expect(whole).toHaveLength(TOKENS + 2); // with the one that says why it stops, and [DONE]
    const place = whole.findIndex((event) => event.startsWith(`id: ${middle}\n`));
    expect([place, eventsIn(await second.rest())]).toEqual([699, whole.slice(700)]);
    await ended(it.key, id);
    for (const from of [0, 1, 1_234, TOKENS]) {
      const third = await readAgain(it, id, "", from === 0 ? {} : { "Last-Event-ID": lastIdIn(whole[from - 1] ?? "") });
      expect([from, eventsIn(await third.text())]).toEqual([from, whole.slice(from)]);
    }
  });

  test("is written to its log in a hundredth of as many pieces if it comes at once", async () => {
    const it = await world();
    const { id, reading } = await begun(it);
    await it.gpu.says(tokens(0, 1));
    await reading.until(`"0 "`);
    for (let from = 1; from < TOKENS; from += 10) await it.gpu.says(tokens(from, Math.min(TOKENS, from + 10)));
    await it.gpu.ends();
    await reading.rest();
    const { pieces } = await keptOf(it, id);
    expect([pieces.length > 0, pieces.length < TOKENS / 100]).toEqual([true, true]);
  });
});

test("a client that leaves cancels nothing, and comes back for the rest", async () => {
  const it = await world();
  const { id, reading } = await begun(it, { Prefer: "respond-async" });
  await it.gpu.says(tokens(0, 5));
  const text = await reading.until(`"4 "`);
  await reading.leave();
  await it.gpu.says(tokens(5, 10));
  await it.gpu.ends();
  expect(await ended(it.key, id)).toMatchObject({
    status: "succeeded",
    attempts: 1,
    urls: { stream: expect.stringContaining(`${id}/stream`) },
  });
  const rest = await (await readAgain(it, id, lastIdIn(text))).text();
  expect(eventsIn(rest)).toHaveLength(7);
  expect(rest).toContain(`"9 "`);
  expect(rest).not.toContain(`"4 "`);
  expect((await readAgain(it, id, lastIdIn(rest))).status).toBe(204);
});

describe("an attempt that is lost", () => {
  test("is begun again: readers are told so and have all that the next one says, and OpenAI's clients are told to read it", async () => {
    const it = await world();
    const { id, reading: wire } = await begun(it);
    await it.gpu.says(tokens(0, 3));
    const own = new Reading(await readAgain(it, id));
    const lost = lastIdIn(await own.until(`"2 "`));
    await it.gpu.breaks();
    await it.gpu.says(tokens(100, 103), 1);
    await own.until(`"102 "`);
    await it.gpu.ends(1);
    const [before = "", after = ""] = (await own.rest()).split("event: restart\n");
    expect(eventsIn(before)).toHaveLength(3);
    expect(after).toContain(`data: {"inference_id":"${id}","attempt":2}\n\n`);
    expect(
      eventsIn(after)
        .slice(0, 3)
        .map((event) => event.split("\n")[1]),
    ).toEqual(tokens(100, 103).map((event) => event.trimEnd()));
    const { values, error } = DECODERS["openai-python"]?.(await wire.rest()) ?? { values: [], error: null };
    expect(values).toHaveLength(3);
    expect(error).toContain("stream_restarted");
    const again = await (await readAgain(it, id, lost)).text();
    expect(again).toContain(`"attempt":2`);
    expect(eventsIn(again)).toEqual(eventsIn(after));
  });

  test("can write no more once the next one does", async () => {
    const it = await world();
    const { streams } = ports();
    const id = crypto.randomUUID();
    const fence = { accountId: it.accountId, id, lease: "lease" };
    const [old, next] = [1, 2].map((attempt) => new LogSink(ports(), { ...fence, attempt }));
    await old?.write(encoder.encode("data: 1\n\n"));
    expect(
      await until(
        () => streams.after(it.accountId, id, 0, 0, 0),
        ({ length }) => length > 0,
      ),
    ).toMatchObject({ attempt: 1 });
    await next?.write(encoder.encode("data: 2\n\n"));
    expect(await next?.end()).toBeNull();
    await old?.write(encoder.encode("data: late\n\n"));
    expect(await old?.end()).toMatchObject({ kind: "retry", error: { code: "stream_not_kept" } });
    const { attempt, pieces } = await streams.after(it.accountId, id, 0, 0, 0);
    expect([attempt, new TextDecoder().decode(pieces[0])]).toEqual([2, "data: 2\n\n"]);
  });

  test("keeps each piece once, though answers of its writes are lost", async () => {
    const it = await world();
    let calls = 0;
    const { streams } = ports();
    const losing: StreamPort = {
      ...streams,
      async append(...piece) {
        const appended = await streams.append(...piece);
        if (calls++ % 2 === 0) throw new Unavailable("streams", false);
        return appended;
      },
    };
    const id = crypto.randomUUID();
    const sink = new LogSink(ports({ streams: losing }), { accountId: it.accountId, id, lease: "lease", attempt: 1 });
    await sink.write(encoder.encode("data: 1\n\n"));
    await sink.write(encoder.encode("data: 2\n\n"));
    expect(await sink.end()).toBeNull();
    expect(await keptOf(it, id)).toMatchObject({ length: 18 });
  });
});

describe("the end of a stream", () => {
  test("that failed is told after what came of it, and what is kept of it goes some minutes later", async () => {
    const it = await world();
    const { id, reading } = await begun(it);
    await it.gpu.says(tokens(0, 2));
    await reading.until(`"1 "`);
    await it.gpu.says([`data: {"error":{"message":"out of memory","type":"invalid_request_error","code":400}}\n\n`]);
    const { values, error } = DECODERS["openai-python"]?.(await reading.rest()) ?? { values: [], error: null };
    expect([values.length, error]).toEqual([2, expect.stringContaining("out of memory")]);
    expect(eventsIn(await (await readAgain(it, id)).text())).toEqual(eventsIn(reading.text));
    await runDurableObjectAlarm(objectOf(it, id));
    expect(await keptOf(it, id)).toMatchObject({ attempt: 1 });
    await env.DB.prepare("UPDATE inferences SET finished_at = finished_at - 301000 WHERE id = ?").bind(id).run();
    await runDurableObjectAlarm(objectOf(it, id));
    expect(await keptOf(it, id)).toMatchObject({ attempt: 0, length: 0 });
    expect(eventsIn(await (await readAgain(it, id)).text())).toHaveLength(1);
  });

  test("by a cancel is told to its readers at once", async () => {
    const it = await world();
    const { id, reading } = await begun(it);
    await it.gpu.says(tokens(0, 1));
    await reading.until(`"0 "`);
    await as(it.key, "POST", `/v1/inferences/${id}/cancel`);
    expect(await reading.rest()).toContain(`"code":"canceled"`);
  });

  test("leaves its bytes in the bucket as a part of the output, charged to the account, and a delete takes them all", async () => {
    const it = await world();
    const { id, reading } = await begun(it);
    await it.gpu.says(tokens(0, 400));
    await it.gpu.ends();
    const events = eventsIn(await reading.rest());
    const shown = await ended(it.key, id);
    const said = [...tokens(0, 400), chunk("", "stop")].join("");
    expect(shown["output_parts"]).toMatchObject([{ name: "stream", content_type: "text/event-stream", bytes: said.length }]);
    expect(events).toHaveLength(402);
    const key = `outputs/${it.accountId}/${id}/1/stream`;
    expect(await (await env.PAYLOADS.get(key))?.text()).toBe(said);
    const row = await env.DB.prepare("SELECT parts_bytes, charged_bytes FROM inferences WHERE id = ?").bind(id).first();
    expect(row).toMatchObject({ parts_bytes: said.length });
    expect(Number(row?.["charged_bytes"])).toBeGreaterThan(said.length);
    expect((await as(it.key, "DELETE", `/v1/inferences/${id}`)).status).toBe(204);
    await until(
      () => keptOf(it, id),
      ({ attempt }) => attempt === 0,
    );
    expect([
      (await keptOf(it, id)).attempt,
      await until(
        () => env.PAYLOADS.head(key),
        (object_) => object_ === null,
      ),
    ]).toEqual([0, null]);
    expect((await readAgain(it, id)).status).toBe(404);
  });
});

describe("every wire", () => {
  test("our own submits a stream, and its readers have the backend's words and the inference at its end", async () => {
    const it = await world();
    const id = await submitted(it.key, it.model, { messages: [{ role: "user", content: "Hi" }] }, { stream: true });
    const reading = new Reading(await readAgain(it, id));
    await it.gpu.says(tokens(0, 2));
    await reading.until(`"1 "`);
    await it.gpu.ends();
    const text = await reading.rest();
    expect(text).toMatch(/^retry: 1000\nid: /);
    const client = new Claimcheck({ url: ORIGIN, key: it.key, fetch: (url, init) => call(url.slice(ORIGIN.length), init) });
    const events = await allOf(client.stream(id, { after: lastIdIn(eventsIn(text)[0] ?? "") }));
    expect(events.map(({ event }) => event)).toEqual(["message", "message", "final"]); // after the first of two, and what says why it stops
    const last = text.split("event: final\ndata: ")[1] ?? "{}";
    expect(JSON.parse(last)).toMatchObject({ inference_id: id, inference: { status: "succeeded", output: { object: "chat.completion" } } });
  });

  test.each([
    ["an input of text, asked so with it", { text_input: "Hi" }, { stream: true }],
    ["an input of text that asks so itself", { text_input: "Hi", parameters: { max_tokens: 9 }, stream: true }, {}],
  ])("our own streams %s, of a text server as of a chat server", async (_what, input, more) => {
    const { key } = await newTenant();
    const asked: string[] = [];
    backendIs(async (request) => {
      if (request.method === "GET") return Response.json({ data: [] });
      asked.push(new URL(request.url).pathname);
      const isChat = request.url.endsWith("/chat/completions");
      const words = ["Hel", "lo"].map((word) => (isChat ? chunk(word) : `data: ${JSON.stringify({ text_output: word })}\n\n`));
      return new Response(words.join("") + (isChat ? chunk("", "stop") + DONE : ""), { headers: { "Content-Type": "text/event-stream" } });
    });
    for (const protocol of ["oip", "openai"]) {
      const model = await newModel();
      await newBackend(model, { protocol });
      const shown = await object(as(key, "POST", "/v1/inferences", { model, input, ...more }));
      expect(shown["urls"]).toMatchObject({ stream: `${ORIGIN}/v1/inferences/${String(shown["id"])}/stream` });
      const text = await (await as(key, "GET", `/v1/inferences/${String(shown["id"])}/stream`)).text();
      expect(text.match(/(?<="text_output":")[^"]*/g)).toEqual(["Hel", "lo", "Hello"]); // the last of the event `final`
      expect(text).toContain("event: final\n");
    }
    expect(asked).toMatchObject([expect.stringMatching(/\/generate_stream$/), "/v1/chat/completions"]);
  });

  test("our own streams the body of a chat that asks so, unless the submit says otherwise", async () => {
    const { key } = await newTenant();
    const model = await newModel(); // nothing runs it
    const input = { messages: [{ role: "user", content: "Hi" }], stream: true };
    const streamOf = async (body: object) =>
      ((await object(as(key, "POST", "/v1/inferences", body)))["urls"] as { stream?: string }).stream;
    expect(await streamOf({ model, input })).toContain("/stream");
    expect(await streamOf({ model, input, stream: false })).toBeUndefined();
    expect(await streamOf({ model, input: { picture: "x", stream: true } })).toBeUndefined();
  });

  test.each(["2", "yes", ""])("is not asked for by ?detach=%s, which is refused in the words of the wire", async (value) => {
    const it = await world();
    const messages = [{ role: "user", content: "Hi" }];
    for (const [path, body] of [
      [CHAT, { model: it.model, messages, stream: true }],
      [`/baseten/${it.model}/sync${CHAT}`, { messages, stream: true }],
      [`/v2/models/${it.model}/generate_stream`, { text_input: "Hi" }],
    ] as const) {
      const answer = await as(it.key, "POST", `${path}?detach=${value}`, body);
      expect([path, answer.status]).toEqual([path, path.startsWith("/v2") ? 422 : 400]);
      expect(await answer.text()).toContain("must be one of");
    }
    const off = await as(it.key, "GET", "/v1/inferences?limit=1");
    expect((await object(off))["data"]).toEqual([]); // none was submitted
  });

  test("the Open Inference Protocol streams text so, and ends it without a word", async () => {
    const it = await world();
    const answer = await as(it.key, "POST", `/v2/models/${it.model}/generate_stream?detach=1`, { text_input: "Hi" });
    const reading = new Reading(answer);
    await it.gpu.says(tokens(0, 2));
    await it.gpu.ends();
    const text = await reading.rest();
    expect(DECODERS["openai-python"]?.(text).values).toMatchObject([{ text_output: "0 " }, { text_output: "1 " }]);
    const again = await (await readAgain(it, idOf(answer))).text();
    expect(eventsIn(again).slice(0, -1)).toEqual(eventsIn(text));
    expect(again).toMatch(/\nid: 1\.\d+\.\d+\.end\nevent: end\ndata: \{\}\n\n$/);
    expect((await readAgain(it, idOf(answer), lastIdIn(again))).status).toBe(204);
  });

  test("the Open Inference Protocol tells what a server says at once by the id of its request", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    backendIs(() => Response.json({ text_output: "Hello", id: "the server's" }));
    const path = `/v2/models/${model}/generate_stream?detach=1`;
    const events = async (more: object) => (await as(key, "POST", path, { text_input: "Hi", ...more })).text();
    expect(await events({ id: "mine" })).toContain(`data: {"model_name":"${model}","text_output":"Hello","id":"mine"}\n`);
    expect(await events({})).toContain(`data: {"model_name":"${model}","text_output":"Hello"}\n`);
  });

  test.each(Object.keys(DECODERS))("is read by the decoder %s with ids as without", async (name) => {
    const text = `:\nid: 1.20\n${chunk("Hel")}id: 1.40\n${chunk("lo")}id: 1.40.1769860800000.end\n${DONE}`;
    const { values, error } = DECODERS[name]?.(text) ?? { values: [], error: "none" };
    expect([values.length, error]).toEqual([2, null]);
  });

  test("a backend that does not stream is one event, with the tokens if they were asked for", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: "http" });
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    const choices = [{ index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" }];
    backendIs(() => Response.json({ id: "c", object: "chat.completion", choices, usage }));
    const body = { model, messages: [{ role: "user", content: "Hi" }], stream: true, stream_options: { include_usage: true } };
    const text = await (await as(key, "POST", `${CHAT}?detach=1`, body)).text();
    const { values, error } = DECODERS["openai-python"]?.(text) ?? { values: [], error: null };
    expect([values, error]).toMatchObject([[{ choices: [{ delta: { content: "Hello" } }] }, { choices: [], usage }], null]);
    expect(text.endsWith(DONE)).toBe(true);
  });
});

describe("a place in a stream", () => {
  test("that is none, or lies beyond what was said, is refused in plain words", async () => {
    const it = await world();
    const id = await submitted(it.key, it.model, { messages: [] }, { stream: true });
    await it.gpu.says(tokens(0, 1));
    const { length } = await until(
      () => keptOf(it, id),
      (kept) => kept.length > 0,
    );
    const end = `1.${length}.end`; // which it had if it ended there, and was redriven
    for (const after of ["x", "1", "0.0", "1.5", "1.99999", "2.0", "1.5.end", end]) {
      const answer = await readAgain(it, id, after);
      expect([after, answer.status]).toEqual([after, after === end ? 200 : 400]);
      if (answer.status === 400)
        expect(String((await object(answer))["detail"])).toContain(`must be the id of an event of this stream, and is "${after}"`);
      else await answer.body?.cancel();
    }
    await it.gpu.ends();
    await ended(it.key, id);
    expect((await readAgain(it, id, "1.99999")).status).toBe(400);
  });

  test("within an event is refused while it runs, after its end and after its failure; every end of one is taken", async () => {
    const it = await world();
    for (const ends of ["succeeds", "fails"] as const) {
      const id = await submitted(it.key, it.model, { messages: [] }, { stream: true, retry: { max_attempts: 1 } });
      const number = ends === "succeeds" ? 0 : 1;
      await it.gpu.says(tokens(0, 3), number);
      const { length } = await until(
        () => keptOf(it, id),
        (kept) => kept.length > 0,
      );
      const places = Array.from({ length: length + 1 }, (_, offset) => offset);
      const taken = async () => {
        const { accountId } = it;
        const inference = await findInference(ports().db, accountId, id);
        if (!inference) throw new Error("no inference");
        const have = await Promise.all(places.map((offset) => locate(ports(), inference, { attempt: 1, offset })));
        return places.filter((offset) => have[offset]);
      };
      const bounds = [0, 1, 2, 3].map((count) => encoder.encode(tokens(0, count).join("")).byteLength);
      expect([ends, await taken()]).toEqual([ends, bounds]);
      const within = await readAgain(it, id, `1.${length - 1}`);
      expect([within.status, (await object(within))["code"]]).toEqual([400, "bad_request"]);
      if (ends === "succeeds") await it.gpu.ends(number);
      else await it.gpu.breaks(number);
      await ended(it.key, id);
      expect([ends, await taken()]).toEqual([ends, bounds]);
    }
  });

  test("of an end is the end until a redrive: then it is where another attempt begins, and again once that has succeeded", async () => {
    const it = await world();
    for (const [number, words] of [tokens(0, 2), []].entries()) {
      const [fails, succeeds] = [2 * number, 2 * number + 1];
      const id = await submitted(it.key, it.model, { messages: [] }, { stream: true, retry: { max_attempts: 1 } });
      if (words.length > 0) {
        await it.gpu.says(words, fails);
        await until(
          () => keptOf(it, id),
          (kept) => kept.length > 0,
        );
      }
      await it.gpu.breaks(fails);
      await ended(it.key, id);
      const end = lastIdIn(await (await readAgain(it, id)).text());
      expect(end).toMatch(words.length > 0 ? /^1\.\d+\.\d{13}\.end$/ : /^0\.0\.\d{13}\.end$/);
      expect((await readAgain(it, id, end)).status).toBe(204);
      expect((await as(it.key, "POST", `/v1/inferences/${id}/redrive`)).status).toBe(202);
      const live = new Reading(await readAgain(it, id, end));
      await it.gpu.says(tokens(0, 1), succeeds);
      await live.until('"0 "');
      await it.gpu.ends(succeeds);
      const after = await live.rest();
      expect([after.includes("event: restart"), after.includes("event: final")]).toEqual([words.length > 0, true]);
      const later = await (await readAgain(it, id, end)).text();
      expect(eventsIn(later)).toEqual(eventsIn(after));
      expect((await readAgain(it, id, lastIdIn(later))).status).toBe(204);
    }
  });

  test("of an end is not the next one's, though no word comes between them", async () => {
    const it = await world();
    const id = await submitted(it.key, it.model, { messages: [] }, { stream: true, retry: { max_attempts: 1 } });
    await it.gpu.says(tokens(0, 2));
    await it.gpu.breaks();
    await ended(it.key, id);
    const first = await (await readAgain(it, id)).text();
    expect(eventsIn(first).at(-1)).toContain('"status":"failed"');
    expect((await readAgain(it, id, lastIdIn(first))).status).toBe(204);
    expect((await as(it.key, "POST", `/v1/inferences/${id}/redrive`)).status).toBe(202);
    expect((await as(it.key, "POST", `/v1/inferences/${id}/cancel`)).ok).toBe(true);
    await ended(it.key, id);
    const second = await (await readAgain(it, id, lastIdIn(first))).text();
    expect(eventsIn(second)).toHaveLength(1);
    expect(eventsIn(second).at(-1)).toContain('"status":"canceled"');
    expect((await readAgain(it, id, lastIdIn(second))).status).toBe(204);
    const plain = lastIdIn(first).replace(/\.\d+\.end$/, ".end"); // as earlier versions wrote it
    expect((await readAgain(it, id, plain)).status).toBe(204);
  });

  test("of an end has none of the words that an attempt says after it, though a redrive comes before it is told", async () => {
    const { accountId } = await newTenant();
    const lane = await served();
    const id = await queued(lane, { accountId, resumable: true });
    const { db, streams } = ports();
    const word = encoder.encode("data: one\n\n");
    const end = word.byteLength;
    const first = await claimed(lane);
    await streams.append(accountId, id, first.attempt, 0, word);
    await db.all(changeStatements.fail(first, { class: "model", code: "model_failed", message: "It failed.", status: 500 }));
    const failed = await findInference(db, accountId, id);
    if (!failed) throw new Error("no inference");
    const told = async (from: StreamPlace | null) => {
      const all: StreamNews[] = [];
      const follow = { endAt: Infinity, gone: new AbortController().signal, after: () => undefined };
      for await (const news of newsOf(ports(), failed, from, follow)) all.push(news);
      return all.map((news) => (news.kind === "ended" ? [news.kind, placeText(news.place)] : [news.kind]));
    };
    expect(await told(null)).toEqual([["listening"], ["events"], ["ended", `1.${end}`]]);
    expect(await redriveInference(db, accountId, id)).toMatchObject({ status: "queued" });
    const second = await claimed(lane);
    await streams.append(accountId, id, second.attempt, 0, word);
    expect(await told({ attempt: 1, offset: end })).toEqual([["listening"], ["ended", `1.${end}`]]);
    expect(await told(null)).toEqual([["listening"], ["ended", "0.0"]]);
  });

  test("is only for streams, and only the account's own", async () => {
    const it = await world();
    const plain = await submitted(it.key, it.model, { messages: [] });
    const answer = await readAgain(it, plain);
    expect([answer.status, (await object(answer))["code"]]).toEqual([409, "conflict"]);
    const { key } = await newTenant();
    const id = await submitted(it.key, it.model, { messages: [] }, { stream: true });
    expect((await as(key, "GET", `/v1/inferences/${id}/stream`)).status).toBe(404);
    expect(JSON.stringify(await object(as(it.key, "GET", `/v1/inferences/${plain}`)))).not.toContain("/stream");
  });
});

test("a stream whose log can't be written fails its attempt for a reason that is nobody else's", async () => {
  const it = await world();
  const broken: StreamPort = { ...ports().streams, append: async () => "gap" };
  const sink = new LogSink(ports({ streams: broken }), { accountId: it.accountId, id: crypto.randomUUID(), lease: "lease", attempt: 1 });
  await sink.write(encoder.encode("data: 1\n\n"));
  expect(await sink.end()).toMatchObject({ kind: "retry", error: { class: "infrastructure", code: "stream_not_kept" } });
  await expect(sink.write(encoder.encode("data: 2\n\n"))).rejects.toThrow("could not be stored");
});
