import { expect, test } from "vitest";
import { join, sql } from "../../src/platform/sql.ts";

test("binds what it is given, in order, and puts only its own pieces into the text", () => {
  const piece = sql`b = ${"'; DROP TABLE t"} AND ${join([sql`c = ${2}`, sql`d = ${null}`], " AND ")}`;
  const made = sql`SELECT a FROM t WHERE ${piece} AND e = ${1}`;
  expect(made).toEqual({
    text: "SELECT a FROM t WHERE b = ? AND c = ? AND d = ? AND e = ?",
    params: ["'; DROP TABLE t", 2, null, 1],
  });
});

test("writes the whole number of a LIMIT into the text, and binds anything else there", () => {
  expect(sql`SELECT a FROM t LIMIT ${20}`).toEqual({ text: "SELECT a FROM t LIMIT 20", params: [] });
  for (const limit of [1.5, NaN, 2 ** 53, "20", null])
    expect(sql`SELECT a FROM t LIMIT ${limit}`).toEqual({ text: "SELECT a FROM t LIMIT ?", params: [limit] });
});

test("sends no line breaks and indents", () => {
  const statement = (a: number) => sql`
    SELECT a
    FROM t
      WHERE a = ${a}`;
  for (const a of [1, 2]) expect(statement(a)).toEqual({ text: " SELECT a FROM t WHERE a = ?", params: [a] });
});

test("leaves what is bound as it is", () => {
  expect(sql`SELECT ${"two  spaces\n"}`.params).toEqual(["two  spaces\n"]);
});

test("takes no comment, which would swallow what follows it", () => {
  expect(
    () => sql`SELECT a -- all of it
    FROM t`,
  ).toThrow("comment");
});
