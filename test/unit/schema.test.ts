/** `schema.sql` is what the migrations make: one is read, the others are run. */
import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { NEWEST_MIGRATION } from "../../src/platform/migrations.ts";

const root = new URL("../..", import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), "utf8");

/** What a database is made of, whatever its text's comments and spacing. */
function madeBy(scripts: readonly string[]): { type: unknown; name: unknown; sql: string }[] {
  const database = new DatabaseSync(":memory:");
  for (const script of scripts) database.exec(script);
  return database
    .prepare("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")
    .all()
    .map(({ type, name, sql }) => ({
      type,
      name,
      sql: String(sql)
        .replaceAll(/--[^\n]*/g, "")
        .replaceAll(/\s+/g, " ")
        .replaceAll(/ (?=[,)])|(?<=\() /g, "")
        .trim(),
    }));
}

test("schema.sql is what all migrations make, one after the other", () => {
  const migrations = readdirSync(new URL("migrations/", root))
    .filter((name) => name.endsWith(".sql"))
    .toSorted()
    .map((name) => text(`migrations/${name}`));
  const whole = madeBy([text("schema.sql")]);
  expect(whole.map(({ name }) => name)).toEqual(expect.arrayContaining(["accounts", "keys", "models", "backends", "inferences"]));
  expect(madeBy(migrations)).toEqual(whole);
});

test("the newest migration that this version knows is the last of the folder", () => {
  const files = readdirSync(new URL("migrations/", root)).filter((name) => name.endsWith(".sql"));
  expect(files.toSorted().at(-1)).toBe(NEWEST_MIGRATION);
  expect(text("CHANGELOG.md"), "what it says of upgrading").toContain(`The newest migration is \`${NEWEST_MIGRATION}\``);
});
