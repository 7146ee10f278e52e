/** docs/notes/field.md: each test that is named there exists under that name. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const rows = read("docs/notes/field.md")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| what comes"))
  .map((line) => line.split(" | "));

test.each(rows.map(([what = "", , tests = ""]) => [what.slice(2), tests.replace(/ \|$/, "")]))("%s: each test is there", (_what, tests) => {
  let file = "";
  for (const part of tests.split("<br>")) {
    const [, named, title = ""] = /^(?:`([^`]+)`: )?(.+)$/.exec(part) ?? [];
    file = named ?? file;
    const text = read(`test/${file}.test.ts`);
    const quoted = ['"', "'", "`"].map((quote) => quote + title + quote);
    expect(
      quoted.some((it) => text.includes(it)),
      `${file} has no test or group of tests "${title}"`,
    ).toBe(true);
  }
});

test("there are rows", () => {
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((row) => row.length !== 3)).toEqual([]);
});
