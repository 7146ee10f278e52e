import { expect, test } from "vitest";
import { unambiguousType } from "../../src/http/download.ts";

test.each([
  ["image/png", "image/png"],
  [" Image/PNG ; q=1", "image/png"],
  ["text/plain;charset=utf-8", "text/plain"],
  ["application/vnd.api+json", "application/vnd.api+json"],
  ["image/png, text/html", null],
  ["image/png,text/html", null],
  ["image/png; a=b, text/html", null],
  ['image/png; x="a,b"', null],
  ["image", null],
  ["", null],
  ["image/png text/html", null],
])("the essence of %j is %j: what could be read as two types is none", (contentType, essence) => {
  expect(unambiguousType(contentType)).toBe(essence);
});
