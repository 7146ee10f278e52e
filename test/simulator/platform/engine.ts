/**
 * The database: a real SQLite under the real schema, except that the time it tells is the simulated one. One call is one
 * transaction. What a transaction changed is handed on only when it has committed.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { readFileSync } from "node:fs";
import { HEAD_FILLED, HEAD_ROWS } from "../../../src/limits.ts";
import type { Row, Sql } from "../../../src/platform/sql.ts";
import { type Change, TRIGGERS, changeOf } from "./rows.ts";

const SCHEMA = readFileSync(new URL("../../../schema.sql", import.meta.url), "utf8");

/** In an order in which nothing refers to what is gone. */
const EMPTIED = [
  "chores",
  "due_notes",
  "usage",
  "removals",
  "deliveries",
  "webhooks",
  "endpoints",
  "signing_secrets",
  "file_parts",
  "files",
  "inferences",
  "backends",
  "models",
  "keys",
  "accounts",
];

type Rewrite = (text: string) => string;

/** One engine is emptied and used again by the next seed, since preparing its statements takes as long as a seed. */
let spare: { engine: Engine; rewrite: Rewrite } | null = null;

export class Engine {
  readonly #db = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, StatementSync>();
  readonly #asked = new Map<string, StatementSync>();
  readonly #rewrite: Rewrite;
  #now: () => number = () => 0;
  #changes: Change[] = [];

  /** An empty database. `now` in ms; `rewrite` is what a planted bug makes of a statement. */
  static open(now: () => number, rewrite: Rewrite): Engine {
    const engine = spare?.rewrite === rewrite ? spare.engine : new Engine(rewrite);
    spare = null;
    engine.#now = now;
    return engine;
  }

  private constructor(rewrite: Rewrite) {
    this.#rewrite = rewrite;
    this.#db.function("unixepoch", { varargs: true }, () => this.#now() / 1000);
    this.#db.exec(withShortHeads(rewrite(SCHEMA)));
    this.#db.function("row_is", { varargs: true }, (table, isGone, ...values) =>
      this.#note(changeOf(typeof table === "string" ? table : "", isGone ?? null, values)),
    );
    this.#db.exec(TRIGGERS);
  }

  /** The rows of each statement, and every row that they changed, in order. */
  transact(statements: readonly Sql[]): { answers: Row[][]; changes: Change[] } {
    const answers: Row[][] = [];
    const changes: Change[] = [];
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const { text, params } of statements) {
        this.#changes = [];
        answers.push(this.#prepare(text).all(...params));
        changes.push(...inTurn(this.#changes));
      }
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
    return { answers, changes };
  }

  /** The one value of a question of the simulator's own, which no planted bug rewrites. */
  ask(text: string): number | null {
    const known = this.#asked.get(text) ?? this.#db.prepare(text);
    this.#asked.set(text, known);
    const [value = null] = Object.values(known.get() ?? {});
    return typeof value === "number" ? value : null;
  }

  close(): void {
    for (const table of EMPTIED) this.#db.exec(`DELETE FROM ${table}`);
    spare = { engine: this, rewrite: this.#rewrite };
  }

  #note(change: Change): number {
    this.#changes.push(change);
    return 0;
  }

  #prepare(text: string): StatementSync {
    const known = this.#prepared.get(text);
    if (known) return known;
    const prepared = this.#db.prepare(unpeeked(withShortHeads(this.#rewrite(text))));
    this.#prepared.set(text, prepared);
    return prepared;
  }
}

/** So many are in the head of a lane here, and may wait while submits write nothing into the index by account: few, so that some wait beyond it. */
export const HEAD = 6;
const FILLED = 3;

const withShortHeads = (text: string) =>
  text
    .replaceAll(new RegExp(`(LIMIT|OFFSET|<=|max\\(0,) ${HEAD_ROWS}\\b`, "g"), `$1 ${HEAD}`)
    .replaceAll(`> ${HEAD_FILLED} - `, `> ${FILLED} - `);

/**
 * What one statement has changed; where it has begun inferences, those first, in the order in which their lane gives them their
 * turns: SQLite has written them in some other, which nobody sees.
 */
function inTurn(changes: readonly Change[]): readonly Change[] {
  const begun = changes.flatMap((change) => (change.of === "inferences" && change.row.status === "in_progress" ? [change] : []));
  if (begun.length < 2) return changes;
  const inOrder = begun.toSorted(
    ({ row: one }, { row: other }) => one.level - other.level || one.turn - other.turn || (one.id < other.id ? -1 : 1),
  );
  const beside = new Set<Change>(begun);
  return [...inOrder, ...changes.filter((change) => !beside.has(change))];
}

/**
 * SQLite plans with the values of some parameters in mind, and then prepares the statement anew whenever they are bound,
 * which takes thirty times as long as running it. A sign before the parameter means the same and can't be seen through.
 */
function unpeeked(text: string): string {
  return text.replaceAll(/LIMIT \?/g, "LIMIT (SELECT ?)").replaceAll(/(?<!SELECT )\?/g, "+?");
}
