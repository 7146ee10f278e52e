/** What an isolate remembers: for a while, and no more than it may. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Memory, Oldest, oncePer } from "../../src/platform/memory.ts";

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

test("whatever is said and forgotten in whichever order, the last ones are remembered", () => {
  const names = fc.constantFrom("a", "b", "c", "d", "e", "f");
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("set", "set", "set", "delete", "deleteAll"), names)), (done) => {
      const memory = new Memory<string>(3);
      let last: string[] = [];
      for (const [what, name] of done) {
        if (what === "set") memory.set(name, name, 1);
        else if (what === "delete") memory.delete(name);
        else memory.deleteAll((its) => its <= name);
        last = last.filter((its) => (what === "deleteAll" ? its > name : its !== name));
        if (what === "set") last = [...last, name].slice(-3);
      }
      expect(["a", "b", "c", "d", "e", "f"].filter((name) => memory.get(name, 0) !== undefined)).toEqual(last.toSorted());
    }),
  );
});

test("of a map's names the first set comes first, also once all were taken", () => {
  const map = new Map([
    ["a", 1],
    ["b", 2],
  ]);
  const oldest = new Oldest(map);
  const take = () => {
    const name = oldest.next();
    map.delete(name ?? "");
    return name;
  };
  expect([take(), take(), take()]).toEqual(["a", "b", undefined]);
  map.set("c", 3).set("d", 4);
  expect([take(), (oldest.forget(), take()), take()]).toEqual(["c", "d", undefined]);
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
