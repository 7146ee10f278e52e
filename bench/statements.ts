/**
 * `npm run bench:statements`: what the statements of the hot path cost in SQLite alone (Node's own, in memory): their length,
 * the time to compile them, and to compile and run them, with few and with many that run and wait. D1 compiles a statement
 * each time it is asked, so that is part of every answer. Each figure is the least of many rounds, which take turns.
 */
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { performance } from "node:perf_hooks";
import { changeStatements } from "../src/inferences/sql/change.ts";
import { claimStatements } from "../src/inferences/sql/claim.ts";
import { type NewInference, insertStatements } from "../src/inferences/sql/insert.ts";
import { type Group, groupStatements } from "../src/inferences/sql/group.ts";
import { readStatements } from "../src/inferences/sql/read.ts";
import { DATABASE_QUOTA_BYTES, POSITION_MAX } from "../src/limits.ts";
import type { Row, Sql } from "../src/platform/sql.ts";

const SCHEMA = readFileSync(new URL("../schema.sql", import.meta.url), "utf8");
const LANE = { model: "m", version: "" };
const ROUNDS = 60;
const COMPILED_AT_ONCE = 20;

const idOf = (number: number) => `01a223bb-2373-7f07-b2a7-${String(number).padStart(12, "0")}`;

const submission = (number: number): NewInference => ({
  accountId: `account-${number % 20}`,
  id: idOf(number),
  keyId: "key",
  dialect: "claimcheck",
  model: LANE.model,
  version: null,
  priority: 0,
  retry: { maxAttempts: 3, initialDelayMs: 1000, maxDelayMs: 5000 },
  maxTimeInQueueSeconds: 86_400,
  runWithinSeconds: null,
  cancelAfterSeconds: null,
  idempotencyKey: null,
  fingerprint: null,
  metadata: {},
  input: { at: "row", body: "{}", contentType: "application/json" },
  inputBytes: 2,
  inputItems: 1,
  capability: "",
  waiter: null,
  webhook: null,
  databaseQuotaBytes: DATABASE_QUOTA_BYTES.default,
});

/** A database with one model, one backend with room for all, and so many that run and that wait. */
class Store {
  readonly #db = new DatabaseSync(":memory:");
  #next = 0;

  constructor(running: number, waiting: number) {
    this.#db.exec(SCHEMA);
    this.#db.exec(`INSERT INTO models (name, description, versions, default_version, created_at) VALUES ('m', '', '[]', '', 0);
      INSERT INTO backends (id, model, version, url, protocol, remote_model, state, max_concurrency, timeout_seconds, created_at)
        VALUES ('b', 'm', '', 'https://gpu.test', 'oip', 'm', 'active', 10000, 600, 0)`);
    this.#db.exec("BEGIN");
    for (let count = 0; count < running + waiting; count++) this.submit();
    this.#db.exec(`UPDATE inferences SET status = 'in_progress', attempt = 1, backend_id = 'b', lease = 'l', lease_until = 9000000000000000,
      started_at = 0 WHERE id < '${idOf(running)}'`);
    this.#db.exec("COMMIT");
  }

  ask(statement: Sql): Row[] {
    return this.#db.prepare(statement.text).all(...statement.params);
  }

  compile(statement: Sql): void {
    this.#db.prepare(statement.text);
  }

  /** So many that come together, in one transaction. */
  submitTogether(count: number): void {
    const group: Group = [submission(this.#next++), ...Array.from({ length: count - 1 }, () => submission(this.#next++))];
    this.#db.exec("BEGIN");
    for (const statement of [groupStatements.insert(group), groupStatements.written(group), groupStatements.charge(group)])
      this.ask(statement);
    this.#db.exec("COMMIT");
  }

  submit(): NewInference {
    const it = submission(this.#next++);
    this.ask(insertStatements.insert(it));
    return it;
  }

  close(): void {
    this.#db.close();
  }
}

const milliseconds = (time: number) => `${time.toFixed(3)} ms`;

/** The least time of each case, in rounds that take turns. */
function least<Case>(cases: readonly Case[], time: (each: Case) => number): number[] {
  const best = cases.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) cases.forEach((each, index) => (best[index] = Math.min(best[index] ?? 0, time(each))));
  return best;
}

function timed(work: () => void): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

function compiled(): void {
  const fence = { accountId: "a", id: "i", attempt: 1, lease: "l" };
  const statements: Record<string, Sql> = {
    insert: insertStatements.insert(submission(0)),
    "submits together": groupStatements.insert([submission(0), submission(1)]),
    claim: claimStatements.claim(LANE, "l"),
    "claim of the front": claimStatements.claimFront(LANE, ["l"]),
    "whether that has left any": claimStatements.left(LANE),
    "claim of a waiting request": claimStatements.claimOwn("a", "i", "w"),
    "is it in front": claimStatements.isFront("a", "i"),
    succeed: changeStatements.succeed(fence, { at: "row", body: "{}", contentType: "application/json" }, 2, 1),
    status: readStatements.find("a", "i"),
    "status with its wait": readStatements.findWaiting("a", "i"),
  };
  const store = new Store(0, 0);
  const names = Object.keys(statements);
  const times = least(Object.values(statements), (statement) =>
    timed(() => {
      for (let count = 0; count < COMPILED_AT_ONCE; count++) store.compile(statement);
    }),
  );
  console.log("compiled:");
  for (const [index, name] of names.entries()) {
    const { text = "", params = [] } = statements[name] ?? {};
    const figures = `${text.length} characters, ${params.length} parameters`.padEnd(34);
    console.log(`  ${name.padEnd(32)} ${figures} ${milliseconds((times[index] ?? 0) / COMPILED_AT_ONCE)}`);
  }
  store.close();
}

function together(): void {
  const store = new Store(0, 0);
  const sizes = [1, 2, 4, 16, 50];
  const times = least(sizes, (size) => timed(() => (size === 1 ? store.submit() : store.submitTogether(size))) / size);
  console.log("a submit, compiled and run, of so many that come together:");
  console.log(`  ${sizes.map((size, index) => `${size}: ${milliseconds(times[index] ?? 0)}`).join("   ")}`);
  store.close();
}

function whileRunning(): void {
  console.log("compiled and run, with so many that run:");
  for (const running of [0, 1_000, 4_000]) {
    const store = new Store(running, 0);
    const figures = least(["insert", "front", "claim"], (question) => {
      if (question === "insert") return timed(() => store.submit());
      return timed(() => store.ask(question === "front" ? claimStatements.claimFront(LANE, ["l"]) : claimStatements.claim(LANE, "l")));
    });
    console.log(
      `  ${String(running).padEnd(8)} insert ${milliseconds(figures[0] ?? 0)}   claim of the front ${milliseconds(figures[1] ?? 0)}   claim ${milliseconds(figures[2] ?? 0)}`,
    );
    store.close();
  }
}

function whileWaiting(): void {
  console.log("status with its wait, compiled and run, with so many that wait:");
  for (const waiting of [20, 2 * POSITION_MAX, 200_000]) {
    const store = new Store(0, waiting);
    const places = { first: 0, tenth: 9, middle: waiting / 2, last: waiting - 1 };
    const times = least(Object.values(places), (place) =>
      timed(() => store.ask(readStatements.findWaiting(submission(place).accountId, idOf(place)))),
    );
    const figures = Object.keys(places).map((name, index) => `${name} ${milliseconds(times[index] ?? 0)}`);
    console.log(`  ${String(waiting).padEnd(8)} ${figures.join("   ")}`);
    store.close();
  }
}

compiled();
together();
whileRunning();
whileWaiting();
