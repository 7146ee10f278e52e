/** Claims of several in one statement are those that one after the other would have been. */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { claimStatements } from "../../src/inferences/sql/claim.ts";
import type { Row, Sql } from "../../src/platform/sql.ts";
import { Random } from "../simulator/random.ts";

const SCHEMA = readFileSync(new URL("../../schema.sql", import.meta.url), "utf8");
const LANE = { model: "m", version: "" };
const FAR = 9_000_000_000_000;

interface Lane {
  readonly backends: readonly { id: string; slots: number; running: number; state: string }[];
  readonly waiting: readonly { id: string; level: number; turn: number; last: string | null; startBy: number }[];
}

function laneOf(random: Random): Lane {
  const backends = Array.from({ length: random.int(1, 4) }, (_, number) => {
    const slots = random.int(1, 4);
    return { id: `b${number}`, slots, running: random.int(0, slots), state: random.chance(0.2) ? "paused" : "active" };
  });
  const waiting = Array.from({ length: random.int(0, 12) }, (_, number) => ({
    id: `${random.int(100, 999)}-${number}`,
    level: random.int(0, 1),
    turn: random.int(0, 2),
    last: random.chance(0.4) ? `b${random.int(0, backends.length - 1)}` : null,
    startBy: random.chance(0.1) ? 5 : FAR,
  }));
  return { backends, waiting };
}

/** A database that holds one lane after the other; what `ask` claims is told as inference, backend and lease. */
function opened() {
  const database = new DatabaseSync(":memory:");
  database.exec(SCHEMA);
  database.exec("INSERT INTO models (name, description, versions, default_version, created_at) VALUES ('m', '', '[]', '', 0)");
  const host =
    database.prepare(`INSERT INTO backends (id, model, version, url, protocol, remote_model, state, max_concurrency, timeout_seconds,
    created_at) VALUES (?, 'm', '', 'https://gpu.test', 'oip', 'm', ?, ?, 600, 0)`);
  const row = database.prepare(`INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn,
    max_time_in_queue_seconds, max_attempts, initial_delay_ms, max_delay_ms, metadata, created_at, updated_at, start_by, input, input_bytes,
    input_items, counted, backend_id, lease, lease_until) VALUES ('a', ?, 'k', 'claimcheck', 'm', '', ?, 0, ?, ?, 60, 3, 1, 1, '{}', 1, 1, ?,
    '{}', 2, 1, 1, ?, ?, ?)`);
  const rows = (statement: Sql): Row[] => database.prepare(statement.text).all(...statement.params);
  return {
    fill({ backends, waiting }: Lane): void {
      database.exec("DELETE FROM inferences; DELETE FROM backends");
      for (const { id, slots, running, state } of backends) {
        host.run(id, state, slots);
        for (let number = 0; number < running; number++) row.run(`${id}/${number}`, "in_progress", 0, 0, FAR, id, "held", FAR);
      }
      for (const { id, level, turn, last, startBy } of waiting) row.run(id, "queued", level, turn, startBy, last, null, null);
    },
    ask: (statement: Sql) =>
      rows(statement).map(({ id, backend, lease }) => [id, (JSON.parse(String(backend)) as { id: string }).id, lease]),
    left: () => rows(claimStatements.left(LANE))[0]?.["left"] ?? null,
  };
}

test(
  "a claim of several takes what claims one by one would take, for the same backends, and tells whether it leaves any",
  { timeout: 30_000 },
  () => {
    const [oneByOne, together] = [opened(), opened()];
    const counts = { several: 0, asked: 0 };
    for (let seed = 1; seed <= 120; seed++) {
      const random = new Random(seed, 0);
      const lane = laneOf(random);
      oneByOne.fill(lane);
      together.fill(lane);
      const count = random.int(1, 8);
      const leases = Array.from({ length: count }, (_, number) => `lease-${number}`);
      const expected: unknown[] = [];
      for (const lease of leases) expected.push(...oneByOne.ask(claimStatements.claim(LANE, lease)));
      const got: (readonly unknown[])[] = [];
      let isMore = true;
      // One that comes back and has to go elsewhere ends a claim: what it leaves is asked for again.
      while (isMore && got.length < count) {
        const some = together.ask(claimStatements.claimFront(LANE, leases.slice(got.length)));
        isMore = together.left() === "more";
        if (isMore) expect([seed, some.length > 0]).toEqual([seed, true]);
        got.push(...some);
        counts.asked++;
        if (some.length > 1) counts.several++;
      }
      const inOrder = (all: readonly unknown[]) => all.map((one) => JSON.stringify(one)).toSorted();
      expect([seed, ...inOrder(got)]).toEqual([seed, ...inOrder(expected)]);
      const [next] = oneByOne.ask(claimStatements.claim(LANE, "next"));
      expect([seed, isMore]).toEqual([seed, next !== undefined]);
    }
    expect(counts.several).toBeGreaterThan(36);
    expect(counts.asked).toBeGreaterThan(123);
  },
);
