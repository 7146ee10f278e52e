import { assert, property, array, nat, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { joined } from "../../src/encoding/chunks.ts";

test("chunks joined are the bytes that were cut, wherever they were cut", () => {
  assert(
    property(uint8Array({ maxLength: 200 }), array(nat(200), { maxLength: 8 }), (whole, cuts) => {
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).toSorted((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
      expect(joined(chunks)).toEqual(whole);
    }),
  );
});

test("no chunks are no bytes, and one is given as it is", () => {
  expect(joined([])).toEqual(new Uint8Array());
  const only = new Uint8Array([1, 2]);
  expect(joined([only])).toBe(only);
});
