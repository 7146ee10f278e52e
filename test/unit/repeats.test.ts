/** A client that repeats a 503 before its Retry-After is over is told 429 in the end; one that heeds it never is. */
import { describe, expect, test } from "vitest";
import { answerAgainstRepeats, problemAgainstRepeats } from "../../src/http/repeats.ts";
import { REPEATS_MAX } from "../../src/limits.ts";
import { problem } from "../../src/problem.ts";

const request = (body = "{}") =>
  new Request("https://api.test/v1/chat/completions", { method: "POST", body, headers: { "Content-Length": String(body.length) } });
const busy = (after = "10") => new Response("busy", { status: 503, headers: { "Retry-After": after } });

/** The statuses that a key is told which calls each time at these ms. */
const statuses = (keyId: string, times: readonly number[], answer = busy) =>
  times.map((now) => answerAgainstRepeats(answer(), { keyId, request: request() }, now).status);

describe("a call that is repeated", () => {
  test("at once and without end is told 429 after some 503, with the same headers and body", async () => {
    const times = Array.from({ length: 20 }, (_, index) => index * 50);
    expect(statuses("endless", times)).toEqual(times.map((_, index) => (index < REPEATS_MAX ? 503 : 429)));
    const answer = answerAgainstRepeats(busy(), { keyId: "endless", request: request() }, 1_000);
    expect([answer.status, answer.headers.get("retry-after"), await answer.text()]).toEqual([429, "10", "busy"]);
  });

  test("whenever its Retry-After is over is told 503 each time", () => {
    const times = Array.from({ length: 20 }, (_, index) => index * 10_000);
    expect(statuses("patient", times)).toEqual(times.map(() => 503));
  });

  test("without a Retry-After is given a second", () => {
    const silent = () => new Response(null, { status: 503 });
    expect(
      statuses(
        "silent",
        Array.from({ length: 7 }, (_, index) => index * 999),
        silent,
      ),
    ).toContain(429);
    expect(
      statuses(
        "slow",
        Array.from({ length: 7 }, (_, index) => index * 1_001),
        silent,
      ),
    ).not.toContain(429);
  });

  test("is told apart from other calls, of other keys or with other bodies", () => {
    for (let index = 0; index < 20; index++) {
      expect(answerAgainstRepeats(busy(), { keyId: `key-${index}`, request: request() }, 0).status).toBe(503);
      expect(answerAgainstRepeats(busy(), { keyId: "many", request: request("x".repeat(index)) }, 0).status).toBe(503);
    }
  });

  test.each([200, 202, 404, 429, 500, 502])("and answered %s is let be", (status) => {
    expect(statuses(`status-${status}`, Array(20).fill(0), () => new Response(null, { status }))).toEqual(Array(20).fill(status));
  });

  test("and refused keeps its code, and is told why", () => {
    const refused = () =>
      problemAgainstRepeats(
        problem("model_not_ready", { detail: "No backend.", headers: { "Retry-After": "10" } }),
        { keyId: "refused", request: request() },
        0,
      );
    for (let index = 0; index < REPEATS_MAX; index++) expect(refused()).toMatchObject({ status: 503, detail: "No backend." });
    expect(refused()).toMatchObject({
      status: 429,
      code: "model_not_ready",
      headers: { "Retry-After": "10" },
      detail: "No backend. This call was repeated before its Retry-After was over.",
    });
  });
});
