/** Pages of other origins: who may read an answer, and what a preflight is told. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { handle } from "../../src/router.ts";
import { ORIGIN } from "./support/requests.ts";
import { newTenant } from "./support/tenants.ts";

const PAGE = "https://app.example.com";

const ask = (allowed: string, path: string, init: RequestInit) =>
  handle(new Request(ORIGIN + path, init), { ...env, ALLOWED_ORIGINS: allowed }, createExecutionContext());

const preflight = (allowed: string, path: string, origin = PAGE, headers = "authorization,content-type,idempotency-key") =>
  ask(allowed, path, {
    method: "OPTIONS",
    headers: { Origin: origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": headers },
  });

describe("a preflight", () => {
  test("of an allowed origin needs no key, and grants the headers that it asks for", async () => {
    const answer = await preflight(`https://other.example, ${PAGE}`, "/v1/inferences");
    expect(answer.status).toBe(204);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": PAGE,
      "access-control-allow-headers": "authorization, content-type, idempotency-key",
      "access-control-allow-methods": "GET, HEAD, POST, PUT, PATCH, DELETE",
      vary: "Origin, Access-Control-Request-Headers",
    });
  });

  test.each([
    ["by default", "", PAGE],
    ["of another origin", PAGE, "https://app.example.com.evil.example"],
    ["of another scheme", PAGE, "http://app.example.com"],
    ["of a sandboxed page", PAGE, "null"],
  ])("grants nothing %s", async (_, allowed, origin) => {
    const answer = await preflight(allowed, "/v1/inferences", origin);
    expect([answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("access-control-allow-headers")]).toEqual([
      204,
      null,
      null,
    ]);
  });

  test("of a signed link is granted to every page, for reading", async () => {
    const answer = await preflight("", "/v1/links/x", "https://anywhere.example", "range");
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, HEAD",
      "access-control-allow-headers": "range",
    });
  });

  test("gives back no header that is no name, and not more than a page would ask for", async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `x-${index}`).join(",");
    const answer = await preflight("*", "/v1/inferences", PAGE, `a b,${"x".repeat(100)},ok,${many}`);
    const granted = answer.headers.get("access-control-allow-headers")?.split(", ") ?? [];
    expect(granted[0]).toBe("ok");
    expect(granted.length).toBeLessThan(64);
  });

  test("is no call: OPTIONS without an origin stays what no path takes", async () => {
    expect((await ask(PAGE, "/v1/inferences", { method: "OPTIONS" })).status).toBe(405);
  });
});

describe("an answer", () => {
  test.each([
    [PAGE, PAGE, PAGE, "Origin"],
    [PAGE, "https://other.example", null, "Origin"],
    ["*", "https://other.example", "*", null],
    ["", PAGE, null, null],
  ])("where %j are allowed, to a page of %s", async (allowed, origin, granted, vary) => {
    const { key } = await newTenant();
    const answer = await ask(allowed, "/v1/models", { headers: { Origin: origin, Authorization: `Bearer ${key}` } });
    expect([answer.status, answer.headers.get("access-control-allow-origin"), answer.headers.get("vary")]).toEqual([200, granted, vary]);
  });

  test("that is a refusal can be read by an allowed page too", async () => {
    const answer = await ask(PAGE, "/v1/models", { headers: { Origin: PAGE } });
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([401, PAGE]);
    expect(answer.headers.get("access-control-expose-headers")).toContain("Retry-After");
  });
});

test.each(["app.example.com", "https://app.example.com/", "https://app.example.com/path", "https://*.example.com,x"])(
  "a setting that is no origin is refused: %s",
  async (allowed) => {
    expect((await ask(allowed, "/healthz", {})).status).toBe(500);
  },
);
