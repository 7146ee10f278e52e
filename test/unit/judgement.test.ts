/** One judgement of every answer: what a client is told, whether it is tried again, and what the circuit learns from it. */
import { describe, expect, test } from "vitest";
import {
  type FindingName,
  FINDINGS,
  UNREACHABLE,
  cutOff,
  evidenceOf,
  garbage,
  oversized,
  refusal,
  refusedInside,
  tooSlow,
  unsendable,
} from "../../src/backends/judgement.ts";
import type { Outcome } from "../../src/backends/outcome.ts";
import { failureIn } from "../../src/backends/streams/stream-events.ts";
import { reasonOf } from "../../src/backends/reason.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function answer(status: number, { headers = {}, body = "" }: { headers?: Record<string, string>; body?: string } = {}) {
  return {
    status,
    headers: new Headers(headers),
    at: 0,
    bytes: bytes(body),
    conceal: (text: string) => text.replaceAll("hunter2", "[secret]"),
  };
}

function refused(...given: Parameters<typeof answer>): Extract<Outcome, { kind: "retry" | "rejected" }> {
  const outcome = refusal(answer(...given));
  return outcome?.kind === "retry" || outcome?.kind === "rejected" ? outcome : expect.fail("no refusal");
}

describe("a status", () => {
  /** Its code and class, whether it is tried again, and what the circuit learns. */
  const TOLD: readonly (readonly [statuses: readonly number[], code: string, failureClass: string, again: boolean, evidence: string])[] = [
    [
      [500, 506, 507, 508, 510, 520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 540, 561, 598, 599],
      "backend_error",
      "infrastructure",
      true,
      "perhaps",
    ],
    [[424], "backend_error", "infrastructure", true, "perhaps"],
    [[502], "backend_error", "infrastructure", true, "failed"],
    [[501, 505, 511], "backend_error", "infrastructure", false, "misconfigured"],
    [[503], "backend_unavailable", "capacity", true, "failed"],
    [[408, 504], "backend_timeout", "timeout", true, "perhaps"],
    [[409, 420, 421, 423, 425, 429, 449], "backend_busy", "capacity", true, "nothing"],
    [[460, 499], "backend_cut", "infrastructure", true, "failed"],
    [[400, 412, 413, 414, 415, 416, 418, 422, 431, 451, 470], "backend_rejected", "input", false, "answered"],
    [[401, 402, 403, 404, 405, 406, 407, 410, 411, 426, 495, 496, 497], "backend_misconfigured", "infrastructure", false, "misconfigured"],
    [[100, 300, 301, 302, 304, 307, 308, 600, 999], "backend_error", "infrastructure", false, "misconfigured"],
  ];
  const EACH = TOLD.flatMap(([statuses, ...told]) => statuses.map((status) => [status, ...told] as const));

  test.each(EACH)("%i is %s of class %s, tried again: %s, and the circuit learns: %s", (status, code, failureClass, again, evidence) => {
    const outcome = refused(status);
    expect([outcome.error.code, outcome.error.class, outcome.kind === "retry", evidenceOf(outcome).kind]).toEqual([
      code,
      failureClass,
      again,
      evidence,
    ]);
    expect(outcome.error.message).toBe(`The backend answered ${status}.`);
    expect(outcome.error.upstream).toEqual({ status });
    expect(outcome.error.status).toBeGreaterThanOrEqual(400);
    expect(outcome.error.status).toBeLessThan(505);
  });

  test.each([200, 201, 202, 204, 206, 299])("%i is a success", (status) => {
    expect(refusal(answer(status))).toBeNull();
  });

  test.each([
    [503, "7", 7_000],
    [429, "7", 7_000],
    [425, "7", 7_000],
    [409, "86400", 60_000],
  ])("%i with Retry-After %s rests the backend for %i ms, and nothing is held against it", (status, after, ms) => {
    const outcome = refused(status, { headers: { "retry-after": after } });
    expect(evidenceOf(outcome)).toEqual({ kind: "asked", ms });
    expect(outcome).toMatchObject({
      kind: "retry",
      retryAfterMs: Number(after) * 1_000,
      error: { upstream: { retryAfterMs: Number(after) * 1_000 } },
    });
  });
});

describe("what is no refusal", () => {
  test.each<[string, Outcome, boolean, string]>([
    ["no connection", UNREACHABLE, true, "failed"],
    ["an answer that breaks off", cutOff(), true, "failed"],
    ["no answer in time", tooSlow(1_000), true, "perhaps"],
    ["odd content in a success", garbage("no choices"), false, "answered"],
    ["a success that is too large", oversized(), false, "answered"],
    ["an input that was never sent", unsendable("input_not_chat", "…"), false, "nothing"],
    ["an attempt that was let go", { kind: "abandoned" }, false, "nothing"],
    ["a success", { kind: "done", output: { body: "{}", contentType: "application/json", items: 1 } }, false, "succeeded"],
  ])("%s", (_, outcome, again, evidence) => {
    expect([outcome.kind === "retry", evidenceOf(outcome).kind]).toEqual([again, evidence]);
  });

  test("every finding tells a client a status that it knows", () => {
    const names = Object.keys(FINDINGS) as FindingName[];
    for (const name of names) expect(["own", 500, 502, 503, 504]).toContain(FINDINGS[name].status);
  });
});

describe("the reason that a server gives", () => {
  const LOC = [{ type: "missing", loc: ["body", "prompt"], msg: "Field required", input: {} }];
  test.each<[string, unknown, string | null]>([
    ["FastAPI: a list", { detail: LOC }, "body.prompt: Field required"],
    [
      "FastAPI: two of them",
      { detail: [...LOC, { loc: ["body", "n", 0], msg: "too small" }] },
      "body.prompt: Field required; body.n.0: too small",
    ],
    ["FastAPI: a text", { detail: "Model is loading" }, "Model is loading"],
    ["FastAPI: an object", { detail: { error: "no such adapter" } }, "no such adapter"],
    [
      "OpenAI",
      { error: { message: "too long", type: "invalid_request_error", param: "messages", code: "context_length_exceeded" } },
      "too long",
    ],
    ["vLLM before 0.10", { object: "error", message: "too long", type: "BadRequestError", param: null, code: 400 }, "too long"],
    ["Triton, TF Serving, KServe, Ollama", { error: "unexpected shape for input 'x'" }, "unexpected shape for input 'x'"],
    ["TorchServe", { code: 400, type: "BadRequestException", message: "Parameter model is required." }, "Parameter model is required."],
    ["a message", { message: "nope" }, "nope"],
    [
      "a message beside a reason phrase",
      { timestamp: 1, status: 400, error: "Bad Request", message: "prompt must not be null" },
      "prompt must not be null",
    ],
    ["a list of errors", { errors: [{ message: "first" }, { message: "second" }] }, "first; second"],
    ["errors as texts", { errors: ["first", "second"] }, "first; second"],
    ["errors by field", { errors: { prompt: ["is required", "is too short"] } }, "prompt: is required; is too short"],
    [
      "JSON:API",
      { errors: [{ status: "422", title: "Invalid", detail: "is required", source: { pointer: "/data/prompt" } }] },
      "/data/prompt: is required",
    ],
    [
      "a message with a list",
      { message: "Validation failed", errors: [{ field: "prompt", message: "is required" }] },
      "Validation failed: prompt: is required",
    ],
    [
      "problem details",
      { type: "about:blank", title: "Unprocessable", status: 422, detail: "The prompt is empty." },
      "The prompt is empty.",
    ],
    ["problem details without a detail", { type: "about:blank", title: "Unprocessable", status: 422 }, "Unprocessable"],
    ["Google", { error: { code: 400, message: "Invalid JSON payload", status: "INVALID_ARGUMENT", details: [] } }, "Invalid JSON payload"],
    ["SageMaker", { ErrorCode: "X", Message: "Received client error" }, "Received client error"],
    [
      "TGI",
      { error: "Input validation error: `inputs` must have less than 4096 tokens", error_type: "validation" },
      "Input validation error: `inputs` must have less than 4096 tokens",
    ],
    [
      "gRPC's gateways",
      {
        code: 3,
        message: "invalid argument",
        details: [{ "@type": "BadRequest", fieldViolations: [{ field: "prompt", description: "is required" }] }],
      },
      "invalid argument: prompt: is required",
    ],
    ["an error that has only a name", { error: { message: "", type: "server_error", code: "out_of_memory" } }, "out_of_memory"],
    ["nothing at all", null, null],
    ["a list at its root", [{ error: "one" }], "one"],
    ["a text", "just so", "just so"],
    ["an error in an error", { error: { error: "deep" } }, "deep"],
    ["SageMaker's model", { ErrorCode: "X", OriginalMessage: "out of memory" }, "out of memory"],
    ["a status", { status: "FAILED", status_message: "no worker" }, "no worker"],
    ["reasons", { reasons: ["one", "two"] }, "one; two"],
    ["Django", { non_field_errors: ["The prompt is too long."] }, "The prompt is too long."],
    ["NestJS", { message: [{ constraints: { isString: "prompt must be a string" } }] }, "isString: prompt must be a string"],
    ["a traceback", { detail: 'Traceback (most recent call last):\n  File "x.py"\nValueError: bad prompt' }, "ValueError: bad prompt"],
    ["an empty error", { error: {} }, null],
    ["nothing that tells", { ok: false }, null],
    ["nothing but marks", { status: "error", code: "E1", request_id: "x", timestamp: "now" }, null],
    [
      "Django REST framework: fields",
      { prompt: ["This field is required."], n: ["Too big.", "Odd."] },
      "prompt: This field is required.; n: Too big.; Odd.",
    ],
    ["Django REST framework: a list", [{}, { prompt: ["Too long."] }], "1.prompt: Too long."],
    ["Django forms", { prompt: [{ message: "This field is required.", code: "required" }] }, "prompt: This field is required."],
    ["webargs", { json: { prompt: ["Missing data for required field."] } }, "json.prompt: Missing data for required field."],
    ["Zod, flat", { formErrors: [], fieldErrors: { prompt: ["Required"] } }, "prompt: Required"],
    ["Zod, as a tree", { _errors: [], prompt: { _errors: ["Required"] } }, "prompt: Required"],
    ["a map of texts", { prompt: "must not be blank", status: "error" }, "prompt: must not be blank"],
    ["errors by field, deeper", { errors: { inputs: { prompt: ["is required"] } } }, "inputs.prompt: is required"],
    ["JSON within a text", { detail: '{"error": {"message": "out of memory"}}' }, "out of memory"],
    ["braces within a text", { detail: "{prompt} is not known" }, "{prompt} is not known"],
  ])("in JSON of %s", (_, body, reason) => {
    expect(reasonOf(bytes(JSON.stringify(body)), "application/json")).toBe(reason);
    expect(reasonOf(bytes(JSON.stringify(body)), null)).toBe(reason);
  });

  test.each([
    ["text/plain", "out of memory\n", "out of memory"],
    ["application/json", '\ufeff{"error":"with a byte order mark"}', "with a byte order mark"],
    ["text/plain; charset=utf-8", "  two\n lines ", "two lines"],
    ["text/plain", 'Traceback (most recent call last):\n  File "x.py"\nValueError: bad prompt\n', "ValueError: bad prompt"],
    ["text/html", "<html><head><title>502 Bad Gateway</title></head><body><h1>other</h1></body></html>", "502 Bad Gateway"],
    ["text/html", "<!doctype html><title>\n</title><h1>Tunnel &amp; origin error</h1>", "Tunnel & origin error"],
    ["text/html", "<p>No such <b>page</b></p>", "No such page"],
    ["application/xml", "<Error><Code>X</Code><Message>Access denied</Message></Error>", "Access denied"],
    ["application/json", "no JSON at all", "no JSON at all"],
    ["image/png", "\u0089PNG", null],
    ["application/x-ndjson", '{"status":"loading"}\n{"error":"out of memory"}\n', "out of memory"],
    ["application/json", '{"detail":"one"}\n{"detail":"two"}', "one"],
    ["text/event-stream", ': hi\n\ndata: {"error":{"message":"too long"}}\n\ndata: [DONE]\n\n', "too long"],
    ["text/event-stream; charset=utf-8", "event: error\r\ndata: too long\r\n\r\n", "too long"],
    ["text/plain", 'data: {"message":"too long"}', "too long"],
    ["text/event-stream", 'error: {"error":"too long"}\n\n', "too long"],
    ["application/json", '{"detail": "not a number", "score": NaN}', "not a number"],
    ["text/plain", "data: all of it is lost", "data: all of it is lost"],
    ["text/plain", "\0\0", null],
    ["text/plain", "", null],
  ])("in %s: %j", (type, body, reason) => {
    expect(reasonOf(bytes(body), type)).toBe(reason);
  });

  test.each([
    ["text/plain; charset=iso-8859-1", [0x66, 0xfc, 0x72], "f\u00fcr"],
    ['application/json; charset="utf-16le"', [...Buffer.from('{"error":"f\u00fcr"}', "utf16le")], "f\u00fcr"],
    ["text/plain; charset=nobody-knows", [...Buffer.from("so")], "so"],
  ])("in %s is read as such", (type, body, reason) => {
    expect(reasonOf(new Uint8Array(body), type)).toBe(reason);
  });

  test("is found in no time in markup of which nothing ends, such as that in which a server repeats its input", () => {
    const from = performance.now();
    expect(reasonOf(bytes("<".repeat(65_536)), "text/html")).toMatch(/^<+…$/);
    expect(performance.now() - from).toBeLessThan(2_000);
  });

  test("is in the message, without our credential", () => {
    expect(refused(422, { body: JSON.stringify({ detail: LOC }), headers: { "content-type": "application/json" } }).error.message).toBe(
      "The backend answered 422: body.prompt: Field required",
    );
    expect(refused(400, { body: '{"error":"key hunter2 is wrong"}' }).error.message).toBe(
      "The backend answered 400: key [secret] is wrong",
    );
  });

  test("comes with how long the server asks to be left alone, in whatever form", () => {
    for (const headers of [{ "retry-after-ms": "1500" }, { "retry-after": "1.5" }] as Record<string, string>[])
      expect(refused(429, { headers }).error.upstream).toEqual({ status: 429, retryAfterMs: 1_500 });
  });

  test("and OpenAI's own members are found in an event of a stream, too", () => {
    const error = { message: "too long", type: "invalid_request_error", param: null, code: "context_length_exceeded" };
    const told = refused(400, {
      body: `data: ${JSON.stringify({ error })}\n\ndata: [DONE]\n\n`,
      headers: { "content-type": "text/event-stream" },
    });
    expect(told.error.upstream).toEqual({ status: 400, error });
  });

  test("is kept in OpenAI's own members for clients of that API, without our credential", () => {
    const error = { message: "hunter2 is too long", type: "invalid_request_error", param: "messages", code: "context_length_exceeded" };
    expect(refused(400, { body: JSON.stringify({ error }) }).error.upstream).toEqual({
      status: 400,
      error: { ...error, message: "[secret] is too long" },
    });
  });
});

describe("an error inside a success", () => {
  test.each<[unknown, string, boolean]>([
    [{ error: { message: "no", code: 400 } }, "backend_rejected", false],
    [{ error: { message: "no", code: "429" } }, "backend_busy", true],
    [{ error: { message: "no", type: "BadRequestError" } }, "backend_rejected", false],
    [{ object: "error", message: "no", code: 404 }, "backend_misconfigured", false],
    [{ error: "no", status_code: 422 }, "backend_rejected", false],
    [{ error: "no" }, "backend_error", true],
  ])("%j is judged by the status that it says", (value, code, again) => {
    const failure = failureIn(value) ?? expect.fail("no failure");
    const outcome = refusedInside(failure, { conceal: (text) => text });
    const error = "error" in outcome ? outcome.error : expect.fail("no error");
    expect([outcome.kind === "retry", error.code, error.message]).toEqual([again, code, expect.stringContaining(": no")]);
  });
});
