/** `Prefer: wait`: which forms are read, and that none costs more than its length. */
import { expect, test } from "vitest";
import { preferredWait } from "../../src/http/prefer.ts";
import { PREFER_CHARACTERS } from "../../src/limits.ts";

const waitOf = (text: string) => preferredWait(new Headers({ Prefer: text }));

test.each([
  ["wait=5", 5],
  ['wait = "5" ; a=1', 5],
  ['a="x, wait=9", WAIT= 7', 7],
  ["respond-async", null],
])("%s is a wait of %j", (text, seconds) => {
  expect(waitOf(text)).toBe(seconds);
});

test.each(["wait", "wait=", 'wait="5', 'wait=5"', "wait;a=5", "wait=5 6", "wait=1e1", "wait=-1"])("%s is refused", (text) => {
  expect(() => waitOf(text)).toThrow(/Prefer|wait/);
});

test("a value of many spaces is refused as soon as any other", () => {
  const text = `wait=${" ".repeat(PREFER_CHARACTERS - 10)}"x`;
  const begunAt = performance.now();
  for (let time = 0; time < 20; time++) expect(() => waitOf(text)).toThrow(/Prefer|wait/);
  expect(performance.now() - begunAt).toBeLessThan(1_000);
});
