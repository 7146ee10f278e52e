/** What a large or hostile body may take of the isolate: judged before it is read as values, and no more at once than fits. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { weigh } from "../../src/http/body.ts";
import { release, reserve } from "../../src/http/body-memory.ts";
import { BODIES_BYTES, JSON_BODY_BYTES, JSON_DEPTH, LARGE_BODY_MS } from "../../src/limits.ts";
import { ORIGIN, type Tenant, newModel, newTenant, object, stillAs } from "./support.ts";

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
const submit = (body: string) => stillAs(tenant.key, "POST", "/v1/inferences", body);

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
    for (const other of others) reserve(other, BODIES_BYTES / 2 - 5_000_000);
    const answer = await submit(large);
    expect([answer.status, answer.headers.get("retry-after"), await object(answer)]).toMatchObject([503, "1", { code: "unavailable" }]);
    expect((await submit(filled('"small",', 100_000))).status).toBe(202);
    for (const other of others.slice(1)) release(other);
    // Each gives back what it had.
    for (let count = 0; count < 5; count++) expect((await submit(large)).status).toBe(202);
    for (const other of others) release(other);
  });

  test("takes room by what is said of its length, and otherwise by what has come", async () => {
    const other = new Request(ORIGIN);
    reserve(other, BODIES_BYTES - 3_000_000);
    const said = await stillAs(tenant.key, "POST", "/v1/inferences", "{}", { "Content-Length": "9000000" });
    expect(said.status).toBe(503);
    expect((await stillAs(tenant.key, "POST", "/v1/inferences", "{}")).status).toBe(422);
    release(other);
  });

  test("that alone takes all there is has it, and its room lapses should it never end", () => {
    vi.useFakeTimers();
    const [first, second] = [new Request(ORIGIN), new Request(ORIGIN)];
    reserve(first, BODIES_BYTES * 2);
    expect(() => reserve(second, BODIES_BYTES / 2)).toThrow("unavailable");
    vi.advanceTimersByTime(LARGE_BODY_MS);
    reserve(second, BODIES_BYTES / 2);
    release(second);
    vi.useRealTimers();
  });
});
