/** A backend's credential goes no further, in whatever form the backend says it back; and what its headers say of a body. */
import { describe, expect, test } from "vitest";
import { contentLengthOf } from "../../src/backends/backend.ts";
import { identityFor, withoutSecret } from "../../src/backends/identity.ts";
import { firstType, isJson } from "../../src/content/content.ts";

const SECRET = 'k&y "1/2" ümlaut=';
const identity =
  identityFor({ credential: { kind: "bearer", secret: "BACKEND_X" } }, () => SECRET) ?? expect.fail("the deployment has the secret");
const base64 = (text: string) => Buffer.from(text).toString("base64");

describe("a credential is concealed", () => {
  test.each([
    ["as it is", SECRET],
    ["percent-encoded", encodeURIComponent(SECRET)],
    ["percent-encoded in lower case", encodeURIComponent(SECRET).toLowerCase()],
    ["as a form has it", new URLSearchParams({ a: SECRET }).toString().slice(2)],
    ["in a JSON text", JSON.stringify(SECRET).slice(1, -1)],
    ["in HTML", SECRET.replaceAll("&", "&amp;").replaceAll('"', "&quot;")],
    ["in base64", base64(SECRET)],
    ["in base64 for URLs", Buffer.from(SECRET).toString("base64url")],
    ["in base64 after one character", base64(`x${SECRET}`)],
    ["in base64 within a header's value", base64(`Bearer ${SECRET}!`)],
    ["in hexadecimal", Buffer.from(SECRET).toString("hex")],
  ])("%s", (_, form) => {
    const told = identity.conceal(`before ${form} after`);
    expect(told).toMatch(/^before .*\[secret\].* after$/);
    expect(told).not.toContain(form);
  });

  test("in an output that is a text, and bytes that are none stay as they are", () => {
    const text = withoutSecret({ body: JSON.stringify({ auth: SECRET }), contentType: "application/json" }, identity);
    expect(text.body).toBe('{"auth":"[secret]"}');
    const page = withoutSecret({ body: new TextEncoder().encode(`<p>${SECRET}</p>`), contentType: "text/html" }, identity);
    expect(page.body).toEqual(new TextEncoder().encode("<p>[secret]</p>"));
    const picture = { body: new TextEncoder().encode(SECRET), contentType: "image/png" };
    expect(withoutSecret(picture, identity)).toBe(picture);
  });
});

test.each([
  [null, null],
  ["8", 8],
  ["8, 8", 8],
  ["8,8, 8", 8],
  ["8, 9", Number.NaN],
  ["-1", Number.NaN],
  ["eight", Number.NaN],
])("a Content-Length of %j is %j", (value, length) => {
  expect(contentLengthOf(new Headers(value === null ? {} : { "content-length": value }))).toBe(length);
});

test.each([
  ["application/json", true],
  ["text/json", true],
  ["Application/JSON; charset=utf-8", true],
  ["application/problem+json", true],
  ["application/json, application/json", true],
  ["application/x-ndjson", false],
  ["text/plain, application/json", false],
  ["", false],
])("JSON is told by the essence of its type: %j is %j", (type, is) => {
  expect(isJson(type)).toBe(is);
});

test("of a type that is sent twice the first counts, and a comma in quotes is part of it", () => {
  expect(firstType("text/csv, text/csv")).toBe("text/csv");
  expect(firstType('multipart/mixed; boundary="a,b"')).toBe('multipart/mixed; boundary="a,b"');
});
