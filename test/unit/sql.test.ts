import { expect, test } from "vitest";
import { join, sql } from "../../src/platform/sql.ts";

test("binds what it is given, in order, and puts only its own pieces into the text", () => {
  const piece = sql`b = ${"'; DROP TABLE t"} AND ${join([sql`c = ${2}`, sql`d = ${null}`], " AND ")}`;
  const made = sql`SELECT a FROM t WHERE ${piece} LIMIT ${1}`;
  expect(made).toEqual({
    text: "SELECT a FROM t WHERE b = ? AND c = ? AND d = ? LIMIT ?",
    params: ["'; DROP TABLE t", 2, null, 1],
  });
});

test("sends no line breaks and indents", () => {
  const statement = (limit: number) => sql`
    SELECT a
    FROM t
      LIMIT ${limit}`;
  for (const limit of [1, 2]) expect(statement(limit)).toEqual({ text: " SELECT a FROM t LIMIT ?", params: [limit] });
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
