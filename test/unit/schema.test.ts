/** `schema.sql` is what the migrations make: one is read, the others are run. */
import { readFileSync, readdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { HEAD_ROWS } from "../../src/limits.ts";
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

test("what waits when a database is brought to due notes keeps its entry in the index of what is due", () => {
  const database = new DatabaseSync(":memory:");
  const migrations = readdirSync(new URL("migrations/", root)).toSorted();
  const migrate = (names: readonly string[]) => names.forEach((name) => database.exec(text(`migrations/${name}`)));
  const place = migrations.indexOf("0036_due_notes.sql");
  migrate(migrations.slice(0, place));
  database.exec(`INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn, max_time_in_queue_seconds,
      max_attempts, initial_delay_ms, max_delay_ms, metadata, created_at, updated_at, start_by, input_bytes, input_items, counted)
    VALUES ('a', 'i', 'k', 'claimcheck', 'm', '', 'queued', 0, 0, 0, 600, 3, 0, 0, '{}', 1, 1, 600001, 2, 1, 1)`);
  migrate(migrations.slice(place));
  const due = `SELECT id, due_at FROM inferences INDEXED BY inferences_due WHERE due_at IS NOT NULL
    AND (lease_until IS NULL OR cancel_at IS NOT NULL) AND (noted = 0 OR attempt > 0)`;
  expect(database.prepare(due).all()).toMatchObject([{ id: "i", due_at: 600_001 }]);
});

test("the head of a lane is as long for the database as for the statements", () => {
  expect(text("schema.sql")).toContain(`ORDER BY level, turn, id LIMIT 1 OFFSET ${HEAD_ROWS});`);
  expect(text("schema.sql")).toContain(`its first ${HEAD_ROWS} (`);
});

test("what waits while an index is made smaller stays in it", () => {
  const database = new DatabaseSync(":memory:");
  const migrations = readdirSync(new URL("migrations/", root))
    .filter((name) => name.endsWith(".sql"))
    .toSorted();
  const smaller = "0037_by_account.sql";
  for (const name of migrations.filter((each) => each < smaller)) database.exec(text(`migrations/${name}`));
  database.exec(`INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn, max_time_in_queue_seconds,
      max_attempts, initial_delay_ms, max_delay_ms, metadata, created_at, updated_at, start_by, input_bytes, input_items)
    SELECT 'a', value, 'k', 'claimcheck', 'm', '', 'queued', 0, 0, value, 60, 1, 1, 1, '{}', 0, 0, 9000000000000000, 2, 1 FROM json_each('[1,2,3]')`);
  for (const name of migrations.filter((each) => each >= smaller)) database.exec(text(`migrations/${name}`));
  const found = database.prepare(`SELECT count(*) AS found FROM inferences INDEXED BY inferences_by_account
    WHERE status = 'queued' AND not_before IS NULL AND by_account = 1 AND model = 'm'`);
  expect(found.get()).toEqual({ found: 3 });
});

test("the newest migration that this version knows is the last of the folder", () => {
  const files = readdirSync(new URL("migrations/", root)).filter((name) => name.endsWith(".sql"));
  expect(files.toSorted().at(-1)).toBe(NEWEST_MIGRATION);
  expect(text("CHANGELOG.md"), "what it says of upgrading").toContain(`The newest migration is \`${NEWEST_MIGRATION}\``);
});
