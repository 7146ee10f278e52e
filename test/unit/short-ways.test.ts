/** Short ways of what each call does: each comes to what the platform's own long way comes to. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { sizeOf } from "../../src/content/content.ts";
import { originOf } from "../../src/http/address.ts";

test("a text has as many bytes as its encoder makes of it, surrogates that stand alone included", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.oneof(fc.constantFrom("\ud83d", "\ude00", "é", "€", "😀"), fc.string({ maxLength: 3 })), maxLength: 700 }),
      (text) => {
        expect(sizeOf(text)).toBe(new TextEncoder().encode(text).byteLength);
      },
    ),
  );
});

test.each([
  "http://127.0.0.1:8787/v1/inferences",
  "https://api.example.com/v1/inferences?x=1",
  "https://api.example.com:443/v1",
  "http://api.example.com:80/v1",
  "http://api.example.com:443/v1",
  "http://api.example.com:0080/",
  "http://localhost:8787/",
  "https://API.Example.com/v1",
  "http://127.1:8787/",
  "http://[::1]:8787/v1",
  "https://user@example.com/v1",
  "https://bücher.example/v1",
  "https://xn--bcher-kva.example/v1",
])("the origin of %s is the URL parser's", (url) => {
  expect(originOf(url)).toBe(new URL(url).origin);
});
