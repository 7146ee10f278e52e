/** What an isolate remembers: for a while, and no more than it may. */
import { expect, test } from "vitest";
import { Memory, oncePer } from "../../src/platform/memory.ts";

test("a thing is remembered until its time, false and null too", () => {
  const memory = new Memory<boolean | null>(2);
  memory.set("a", false, 10);
  memory.set("b", null, 20);
  expect([memory.get("a", 9), memory.get("b", 9)]).toEqual([false, null]);
  expect([memory.get("a", 10), memory.get("b", 10), memory.get("c", 10)]).toEqual([undefined, null, undefined]);
});

test("the oldest makes room, and what is said again is new", () => {
  const memory = new Memory<number>(2);
  memory.set("a", 1, 10);
  memory.set("b", 2, 10);
  memory.set("a", 3, 10);
  memory.set("c", 4, 10);
  expect([memory.get("a", 0), memory.get("b", 0), memory.get("c", 0)]).toEqual([3, undefined, 4]);
});

test("what is made for an environment is made once, null too, and again if the first making failed", () => {
  const made: string[] = [];
  const of = oncePer((env: { readonly name: string }) => {
    made.push(env.name);
    if (made.length === 1) throw new Error("not yet");
    return null;
  });
  const [one, another] = [{ name: "one" }, { name: "another" }];
  expect(() => of(one)).toThrow("not yet");
  expect([of(one), of(one), of(another), of(one)]).toEqual([null, null, null, null]);
  expect(made).toEqual(["one", "one", "another"]);
});
