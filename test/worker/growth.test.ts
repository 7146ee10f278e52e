/** What is stored, and what waits, costs nothing: the rows that a statement reads are counted, with few and with many. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { RUNNER_LOST, WAITED_TOO_LONG } from "../../src/inferences/retry.ts";
import { changeStatements } from "../../src/inferences/sql/change.ts";
import { claimStatements } from "../../src/inferences/sql/claim.ts";
import { insertStatements } from "../../src/inferences/sql/insert.ts";
import { readStatements } from "../../src/inferences/sql/read.ts";
import { noteStatements } from "../../src/inferences/sql/notes.ts";
import { gaugeStatements } from "../../src/maintenance/gauges.ts";
import { passStatements } from "../../src/maintenance/due.ts";
import { DEPTH_MAX, NOTE_IDS, POSITION_MAX, STATISTICS_ROWS, SWEEP_ROWS } from "../../src/limits.ts";
import type { Sql } from "../../src/platform/sql.ts";
import { claimed, forgetAll, laneOf, queued, submission } from "./support/inferences.ts";
import { newBackend, newModel, served } from "./support/tenants.ts";

const FEW = 1_000;
const MANY = 100_000;
/** Rows more that a tree with more levels, or a page that is cut elsewhere, may cost. */
const CONSTANT = 10;

beforeEach(forgetAll);

/** Stores so many of a model, spread over 50 accounts, numbered from `after` on. */
async function store(model: string, status: "succeeded" | "queued", after: number, count: number): Promise<void> {
  const done = status === "succeeded" ? 1 : null;
  await env.DB.prepare(
    `INSERT INTO inferences (account_id, id, key_id, dialect, model, version, status, priority, level, turn, max_time_in_queue_seconds,
      max_attempts, initial_delay_ms, max_delay_ms, metadata, created_at, updated_at, start_by, finished_at, attempt, backend_id, input,
      input_bytes, input_items, output, output_type, log)
    WITH RECURSIVE number (n) AS (SELECT CAST(?1 AS INTEGER) UNION ALL SELECT n + 1 FROM number WHERE n < ?1 + ?2 - 1)
    SELECT printf('stored-%02d', n % 50), printf('01800000-0000-7000-8000-%012d', n), 'key', 'claimcheck', ?3, '', ?4, 0, 0, n / 50, 600,
      3, 1000, 5000, '{}', 1000 + n, 1000 + n, 9000000000000000, ?5, 1, (SELECT id FROM backends WHERE model = ?3), '{}',
      2, 1, '{}', 'application/json', '[]'
    FROM number`,
  )
    .bind(after, count, model, status, done)
    .run();
}

/** What `store` has given a number. */
const stored = (number: number): [accountId: string, id: string] => [
  `stored-${String(number % 50).padStart(2, "0")}`,
  `01800000-0000-7000-8000-${String(number).padStart(12, "0")}`,
];

async function rowsRead(statement: Sql): Promise<number> {
  const { meta } = await env.DB.prepare(statement.text)
    .bind(...statement.params)
    .all();
  return meta.rows_read;
}

/** The rows that each question reads, asked once; what is claimed or queued by it stays. */
async function readBy(questions: Readonly<Record<string, readonly Sql[]>>): Promise<Record<string, number>> {
  const read: Record<string, number> = {};
  for (const [name, statements] of Object.entries(questions)) {
    read[name] = 0;
    for (const statement of statements) read[name] += await rowsRead(statement);
  }
  return read;
}

/** The rows that a claim reads which takes what this account has just queued; that is gone afterwards. */
async function readByClaim(model: string, accountId: string): Promise<Record<string, number>> {
  const id = await queued(model, { accountId, priority: 2 });
  const claim = claimStatements.claim(laneOf(model), "measured");
  const { results, meta } = await env.DB.prepare(claim.text)
    .bind(...claim.params)
    .all();
  expect(results.map((row) => row["id"])).toEqual([id]);
  await env.DB.prepare("DELETE FROM inferences WHERE id = ?").bind(id).run();
  return { claim: meta.rows_read };
}

/** Of runners that ask together. */
const leases = Array.from({ length: 20 }, (_, number) => `together-${number}`);

const sweepStatements = () => passStatements(SWEEP_ROWS, RUNNER_LOST, WAITED_TOO_LONG);

/** Of what was counted with few and with many: what grew. */
function grown(few: Record<string, number>, many: Record<string, number>): Record<string, [number, number]> {
  const pairs = Object.entries(many).map(([name, rows]): [string, [number, number]] => [name, [few[name] ?? 0, rows]]);
  return Object.fromEntries(pairs.filter(([, [before, after]]) => before === 0 || after > before + CONSTANT));
}

/** What grew of what `measure` counts, between few and many that are stored or wait. */
async function growth(model: string, status: "succeeded" | "queued", measure: () => Promise<Record<string, number>>) {
  await store(model, status, 0, FEW);
  const few = await measure();
  await store(model, status, FEW, MANY - FEW);
  return grown(few, await measure());
}

describe("with few and with many", () => {
  test("stored inferences (1,000 and 100,000), every step of an inference's life reads the same rows", { timeout: 120_000 }, async () => {
    const model = await served(4);
    const life = async () => {
      const waiting = await queued(model, { accountId: "stored-07" });
      const running = await claimed(model);
      const last = await queued(model, { accountId: "stored-07", priority: 2 });
      for (let count = 0; count < 5; count++) await queued(model, { accountId: "stored-07" });
      const read = await readBy({
        submit: [insertStatements.insert(submission(model, { accountId: "stored-07" }))],
        status: [readStatements.find("stored-07", waiting)],
        "status with its wait": [readStatements.findWaiting("stored-07", last)],
        depth: [readStatements.depth(laneOf(model))],
        gauges: [gaugeStatements.lanes(), gaugeStatements.rest()],
        renew: [claimStatements.renew(running.lease, [running])],
        canceled: [claimStatements.canceled(running.lease, [running])],
        claim: [claimStatements.claim(laneOf(model), "measured")],
        "claim of the front": [claimStatements.claimFront(laneOf(model), ["measured"]), claimStatements.left(laneOf(model))],
        sweep: sweepStatements(),
        succeed: [changeStatements.succeed(running, { at: "row", body: "{}", contentType: "application/json" }, 2, 1)],
        cancel: [changeStatements.askStop("stored-07", waiting), changeStatements.cancelUnlessStoppable("stored-07", waiting)],
      });
      await env.DB.prepare("DELETE FROM inferences WHERE model = ? AND id > '019'").bind(model).run();
      return read;
    };
    expect(await growth(model, "succeeded", life)).toEqual({});
    // Read, then grouped, which counts as reading them once more.
    expect(await rowsRead(readStatements.statistics("stored-07", model))).toBeLessThanOrEqual(2 * STATISTICS_ROWS + CONSTANT);
  });

  test(
    "waiting inferences (2,000 and 100,000), a claim, a submit, a status, a depth and a sweep read the same rows",
    { timeout: 120_000 },
    async () => {
      const model = await served(1_000);
      const asked = async (round: number) => {
        const last = await queued(model, { accountId: "stored-07" });
        const read = await readBy({
          "status with its wait, first in line": [readStatements.findWaiting(...stored(1))],
          "status with its wait, in the middle": [readStatements.findWaiting(...stored(POSITION_MAX))],
          "whether it is in front, first in line": [claimStatements.isFront(...stored(1))],
          "whether it is in front, in the middle": [claimStatements.isFront(...stored(POSITION_MAX))],
          claim: [claimStatements.claim(laneOf(model), `measured-${round}`)],
          "claim of the front": [claimStatements.claimFront(laneOf(model), [`front-${round}`]), claimStatements.left(laneOf(model))],
          submit: [insertStatements.insert(submission(model, { accountId: "stored-07" }))],
          "submit of a new account": [insertStatements.insert(submission(model, { accountId: `new-${round}` }))],
          status: [readStatements.find("stored-07", last)],
          "status with its wait": [readStatements.findWaiting("stored-07", last)],
          sweep: sweepStatements(),
          "claim of 20": [claimStatements.claimFront(laneOf(model), leases), claimStatements.left(laneOf(model))],
        });
        // So that the next round counts no more that run.
        await env.DB.prepare(
          "UPDATE inferences SET status = 'queued', lease = NULL, lease_until = NULL WHERE model = ? AND lease LIKE 'together-%'",
        )
          .bind(model)
          .run();
        return read;
      };
      await store(model, "queued", 0, 2 * POSITION_MAX);
      const few = await asked(1);
      expect(Math.max(...Object.values(few))).toBeLessThanOrEqual(POSITION_MAX + CONSTANT);
      await store(model, "queued", 2 * POSITION_MAX, DEPTH_MAX);
      const deep = await rowsRead(readStatements.depth(laneOf(model)));
      const gauged = await rowsRead(gaugeStatements.lanes());
      await store(model, "queued", 2 * POSITION_MAX + DEPTH_MAX, MANY - 2 * POSITION_MAX - DEPTH_MAX);
      expect(grown(few, await asked(2))).toEqual({});
      expect(await rowsRead(readStatements.depth(laneOf(model)))).toBeLessThanOrEqual(deep + CONSTANT);
      expect(await rowsRead(gaugeStatements.lanes())).toBeLessThanOrEqual(gauged + CONSTANT);
      // A due note that stands for 2,000 of one account is looked at in steps: twice, and what still waits is written.
      await env.DB.batch([
        env.DB.prepare("UPDATE inferences SET noted = 1 WHERE account_id = 'stored-07'"),
        env.DB.prepare("INSERT INTO due_notes VALUES (1, 'stored-07', '01800000-0', 9000000000000000, '01800000-0')"),
      ]);
      const looked = [await rowsRead(noteStatements.remove()), await rowsRead(noteStatements.see())];
      expect(Math.min(...looked)).toBeGreaterThanOrEqual(NOTE_IDS);
      expect(Math.max(...looked)).toBeLessThanOrEqual(3 * NOTE_IDS + CONSTANT);
    },
  );

  test("running inferences (10 and 1,000), a claim, a submit and a status count each of them once, in the index", async () => {
    const model = await served(2_000);
    const asked = async (round: number) => {
      const last = await queued(model, { accountId: "stored-07" });
      return readBy({
        "status with its wait": [readStatements.findWaiting("stored-07", last)],
        claim: [claimStatements.claim(laneOf(model), `measured-${round}`)],
        "claim of the front": [claimStatements.claimFront(laneOf(model), [`front-${round}`]), claimStatements.left(laneOf(model))],
        "claim of 20": [claimStatements.claimFront(laneOf(model), leases), claimStatements.left(laneOf(model))],
        submit: [insertStatements.insert(submission(model))],
      });
    };
    const run = (status: string) =>
      env.DB.prepare("UPDATE inferences SET status = ?, lease = 'l', lease_until = 9000000000000000 WHERE model = ? AND status = 'queued'")
        .bind(status, model)
        .run();
    await store(model, "queued", 0, 10);
    await run("in_progress");
    const few = await asked(1);
    await store(model, "queued", 10, 990);
    await run("in_progress");
    const many = await asked(2);
    for (const [question, rows] of Object.entries(many)) {
      expect([question, rows > 0, rows <= (few[question] ?? 0) + 990 + CONSTANT]).toEqual([question, true, true]);
    }
  });

  test(
    "waiting inferences (1,000 and 100,000) of accounts at their cap, a claim for another reads the same rows",
    { timeout: 120_000 },
    async () => {
      const model = await newModel({ account_concurrency: 1 });
      await newBackend(model, { protocol: "http", max_concurrency: 1_000 });
      const asked = () => readByClaim(model, "another");
      await store(model, "queued", 0, FEW);
      for (let account = 0; account < 50; account++) await claimed(model);
      const few = await asked();
      await store(model, "queued", FEW, MANY - FEW);
      expect(grown(few, await asked())).toEqual({});
    },
  );

  test(
    "waiting inferences (1,000 and 100,000) that have failed already, a probe of a half-open circuit by one that has not reads the same rows",
    { timeout: 120_000 },
    async () => {
      const model = await served(1_000);
      await env.DB.prepare("UPDATE backends SET failures = 5, rested_until = 1 WHERE model = ?").bind(model).run();
      const asked = () => readByClaim(model, "stored-07");
      expect(await growth(model, "queued", asked)).toEqual({});
    },
  );

  test(
    "a claim past accounts at their cap reads in proportion to them and to what they run, not to the product",
    { timeout: 120_000 },
    async () => {
      const read: number[] = [];
      for (const accounts of [50, 200]) {
        const model = await newModel({ account_concurrency: 1 });
        await newBackend(model, { protocol: "http", max_concurrency: 1_000 });
        for (let round = 0; round < 2; round++) {
          for (let account = 0; account < accounts; account++) await queued(model, { accountId: `capped-${account}` });
        }
        for (let account = 0; account < accounts; account++) await claimed(model);
        await queued(model, { accountId: "another", priority: 2 });
        read.push(await rowsRead(claimStatements.claim(laneOf(model), "measured")));
      }
      const [few = 0, many = 0] = read;
      expect(few).toBeGreaterThan(0);
      expect(many).toBeLessThanOrEqual(5 * few);
    },
  );
});
