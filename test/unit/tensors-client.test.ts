/** The client of tensor servers, over a network that is a function: which form goes out, which comes back. */
import { describe, expect, test } from "vitest";
import type { Server } from "../../src/backends/backend.ts";
import { oip } from "../../src/backends/oip.ts";
import type { Outcome } from "../../src/backends/outcome.ts";
import type { Content } from "../../src/content/content.ts";
import { Memory } from "../../src/platform/memory.ts";
import { contentOf, tensorsType, writeInferRequest, writeInferResponse } from "../../src/tensors/wire.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const HEAD = "Inference-Header-Content-Length";
const X: Tensor = { name: "x", shape: [2], datatype: "INT64", data: [1, -9223372036854775808n] };
const backend: Server = { id: "b1", url: "http://gpu", protocol: "oip", remoteModel: "m", credential: null };

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
}

/** The outcome of an inference with that input, and what the server was sent, which gives that answer; it may be known to take raw data. */
async function infer(input: Content, answer: Response, binary?: boolean): Promise<{ outcome: Outcome; sent: Sent[] }> {
  const sent: Sent[] = [];
  const forms = new Memory<boolean>(1);
  if (binary !== undefined) forms.set("b1 http://gpu", binary, Number.POSITIVE_INFINITY);
  const outside = {
    fetch: async (url: string, init: RequestInit) => {
      const bytes = new Uint8Array(await new Response(init.body ?? null).arrayBuffer());
      sent.push({ url, headers: new Headers(init.headers), bytes });
      return answer;
    },
    clock: { now: () => 0, after: () => () => {}, timeout: () => new AbortController().signal },
    ...(binary !== undefined && { forms }),
  };
  const identity = { headers: {}, conceal: (text: string) => text };
  const stop = new AbortController().signal;
  const attempt = { inferenceId: INFERENCE, number: 1 };
  const takeIn = () => Promise.reject(new Error("nothing goes to the bucket"));
  const outcome = await oip.infer(
    { backend, model: "ours", version: "", attempt, input, capability: "", timeoutMs: 1_000, stop, identity, takeIn, extract: null },
    outside,
  );
  return { outcome, sent };
}

const INFERENCE = "01990000-0000-7000-8000-000000000001";
const json = (text: string): Content => ({ body: text, contentType: "application/json" });
const echo = { outputs: [{ name: "x", shape: [2], datatype: "INT64", data: [1, 2] }] };
/** An answer with the raw data of a tensor, said to have JSON of that length. */
function rawAnswer(said?: string) {
  const written = writeInferResponse({ model_name: "m", outputs: [X] }, { outputs: null, binary: true });
  const { body, headLength } = written.ok ? written.value : expect.fail(written.fault.detail);
  const length = headLength ?? expect.fail("no raw data");
  return {
    answer: new Response(new Blob([body]), { headers: { [HEAD]: said ?? String(length) } }),
    bytes: body,
    length,
  };
}

describe("the client of tensor servers", () => {
  test("passes tensors with raw data on as they came, and keeps the answer as it came", async () => {
    const input = contentOf(writeInferRequest({ id: "7", inputs: [X] }, { binary: true }));
    const { answer, bytes, length } = rawAnswer();
    const { outcome, sent } = await infer(input, answer, true);
    expect(
      sent.map(({ url, headers, bytes: body }) => ({ url, type: headers.get("content-type"), head: headers.get(HEAD), body })),
    ).toEqual([
      {
        url: "http://gpu/v2/models/m/infer",
        type: "application/octet-stream",
        head: /head=(\d+)/.exec(input.contentType)?.[1],
        body: input.body,
      },
    ]);
    expect(outcome).toEqual({ kind: "done", output: { body: bytes, contentType: tensorsType(length), items: 2 } });
  });

  test("passes tensors in JSON on as they came, and takes either form for an answer", async () => {
    const text = '{"id":"7",  "inputs":[{"name":"x","shape":[1],"datatype":"UINT64","data":[18446744073709551615]}]}';
    const asJson = await infer(json(text), Response.json(echo));
    expect(
      asJson.sent.map(({ headers, bytes }) => [headers.get("content-type"), headers.get(HEAD), new TextDecoder().decode(bytes)]),
    ).toEqual([["application/json", null, text]]);
    expect(asJson.outcome).toEqual({ kind: "done", output: { ...json(JSON.stringify(echo)), items: 2 } });
    const { answer, bytes, length } = rawAnswer();
    const asRaw = await infer(json(text), answer);
    expect(asRaw.outcome).toEqual({ kind: "done", output: { body: bytes, contentType: tensorsType(length), items: 2 } });
  });

  test("maps plain JSON there and back, integers exact, from either form of an answer", async () => {
    const { answer } = rawAnswer();
    const { outcome, sent } = await infer(json('{"x":[1,-9223372036854775808]}'), answer);
    expect(new TextDecoder().decode(sent[0]?.bytes)).toBe(
      '{"id":"01990000-0000-7000-8000-000000000001","inputs":[{"name":"x","shape":[2],"datatype":"INT64","data":[1,-9223372036854775808]}]}',
    );
    expect(outcome).toEqual({ kind: "done", output: { ...json('{"x":[1,-9223372036854775808]}'), items: 1 } });
  });

  test.each(["0", "-1", "1.5", "", "x", "99999", "1"])(
    "calls an answer whose JSON is said to be %j bytes long not valid",
    async (length) => {
      const { outcome } = await infer(json('{"x":1}'), rawAnswer(length).answer);
      expect(outcome).toMatchObject({ kind: "rejected", error: { code: "backend_garbage" } });
    },
  );

  test.each([
    ["a picture", { body: Uint8Array.of(0x89, 0x50), contentType: "image/png" }],
    ["text that is no JSON", { body: "{", contentType: "application/json" }],
    ["JSON that no tensor can hold", json('{"x":18446744073709551616}')],
  ])("refuses %s without asking the server", async (_, input) => {
    const { outcome, sent } = await infer(input, Response.json(echo));
    expect(sent).toEqual([]);
    expect(outcome).toMatchObject({ kind: "rejected", error: { class: "input", code: "input_not_tensors" } });
  });

  test("gives a refusal's reason", async () => {
    const { outcome } = await infer(json('{"x":1}'), Response.json({ error: "no such input" }, { status: 400 }));
    expect(outcome).toMatchObject({ kind: "rejected", error: { class: "input", message: "The backend answered 400: no such input" } });
  });
});
