/** The statements on which everything else rests: each change of status by the table, fenced, in one indexed statement. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { auditStatements } from "../../src/audit/store.ts";
import { accountStatements } from "../../src/accounts/store.ts";
import { usageStatements } from "../../src/accounts/usage.ts";
import { dayOf, holdBudgets, usageOf } from "../../src/accounts/usage.ts";
import { type NewBatch, batchStatements, atEnd } from "../../src/batches/store.ts";
import type { Step } from "../../src/batches/batch.ts";
import { lineStatements } from "../../src/batches/inferences.ts";
import { backendStatements } from "../../src/backends/store.ts";
import type { Failure } from "../../src/backends/outcome.ts";
import { RUNNER_LOST, WAITED_TOO_LONG } from "../../src/inferences/retry.ts";
import { STATUSES, type Status, TRANSITIONS } from "../../src/inferences/status.ts";
import type { LogEntry } from "../../src/inferences/inference.ts";
import { changeStatements } from "../../src/inferences/sql/change.ts";
import { type End, endStatements, endTogether, failure, success } from "../../src/inferences/sql/end.ts";
import type { Claim, Fence } from "../../src/inferences/sql/record.ts";
import { claimStatements, renewLeases } from "../../src/inferences/sql/claim.ts";
import type { Filter } from "../../src/inferences/sql/filter.ts";
import { type NewInference, insertInference, insertOnce, insertStatements } from "../../src/inferences/sql/insert.ts";
import { type Group, groupStatements } from "../../src/inferences/sql/group.ts";
import { insertTogether } from "../../src/inferences/sql/insert-group.ts";
import {
  AGEING_MS,
  COUNTED_MOST,
  GROUP_CHARACTERS,
  HEAD_FILLED,
  HEAD_ROWS,
  IDEMPOTENCY_KEY_CHARACTERS,
  INFERENCE_CHARGE_BYTES,
  MONEY_MAX,
  NOTE_IDS,
  TOGETHER_LOST_MS,
  TOGETHER_MOST,
  WEBHOOK_URL_CHARACTERS,
} from "../../src/limits.ts";
import { WrittenNotes, noteOf, noteStatements } from "../../src/inferences/sql/notes.ts";
import { openStatements } from "../../src/inferences/sql/open.ts";
import { progressStatements } from "../../src/inferences/sql/progress.ts";
import { watchStatements } from "../../src/inferences/sql/watch.ts";
import { readStatements } from "../../src/inferences/sql/read.ts";
import { dueStatements, sweepDue } from "../../src/maintenance/due.ts";
import { earliestId } from "../../src/ids.ts";
import { isDated } from "../../src/inferences/sql/fragments.ts";
import { fileStatements } from "../../src/files/store.ts";
import { removalStatements } from "../../src/payloads/removals.ts";
import { endedStatements } from "../../src/inferences/sql/ended.ts";
import { retentionStatements } from "../../src/maintenance/retained.ts";
import { keyStatements } from "../../src/keys/store.ts";
import { schemaStatements } from "../../src/models/schemas.ts";
import { modelStatements } from "../../src/models/store.ts";
import { type Database, type Sql, sql } from "../../src/platform/sql.ts";
import { deliveryStatements } from "../../src/webhooks/sql/deliveries.ts";
import { endpointStatements } from "../../src/webhooks/sql/endpoints.ts";
import { secretStatements } from "../../src/webhooks/sql/secrets.ts";
import { subscriptionStatements } from "../../src/webhooks/sql/subscriptions.ts";
import { plainModel } from "../support/models.ts";
import { claim, claimed, forgetAll, laneOf, queued, rowOf, submission } from "./support/inferences.ts";
import { timePasses } from "./support/clock.ts";
import { ports, still } from "./support/ports.ts";
import { operator } from "./support/requests.ts";
import { newBackend, newModel, newTenant, served } from "./support/tenants.ts";

const { db } = still();
const TABLES =
  "accounts keys models backends inferences removals chores files file_parts webhooks endpoints signing_secrets deliveries audit due_notes batches batch_refusals".split(
    " ",
  );
const OUTPUT = { at: "row", body: '{"done":true}', contentType: "application/json" } as const;
const BROKEN: Failure = { class: "infrastructure", code: "backend_cut", message: "The backend's answer broke off.", status: 502 };
const EVERYTHING: Filter = { statuses: STATUSES };

afterEach(forgetAll);

/** One way in which a status is changed: what it may leave, what it makes, and the stamps under which nothing but the status is in its way. */
interface Way {
  readonly from: readonly Status[];
  readonly to: Status;
  readonly when?: string;
  change(hold: Fence, model: string): Sql;
}

const FUTURE = "start_by = 9000000000000000, lease_until = 9000000000000000";
const start = ({ accountId }: Fence) => ({ accountId, id: "" });

const WAYS: Readonly<Record<string, Way>> = {
  claim: { from: ["queued"], to: "in_progress", when: FUTURE, change: (_, model) => claimStatements.claim(laneOf(model), "other") },
  claimFront: {
    from: ["queued"],
    to: "in_progress",
    when: FUTURE,
    change: (_, model) => claimStatements.claimFront(laneOf(model), ["other"]),
  },
  succeed: { from: ["in_progress"], to: "succeeded", change: (hold) => changeStatements.succeed(hold, OUTPUT, 13, 1) },
  fail: { from: ["in_progress"], to: "failed", change: (hold) => changeStatements.fail(hold, BROKEN) },
  failLapsed: {
    from: ["in_progress"],
    to: "failed",
    when: "lease_until = 1, max_attempts = 1",
    change: () => dueStatements.failLapsed(10, RUNNER_LOST),
  },
  retry: { from: ["in_progress"], to: "queued", change: (hold) => changeStatements.retry(hold, BROKEN, 1_000, true) },
  requeueLapsed: {
    from: ["in_progress"],
    to: "queued",
    when: "lease_until = 1",
    change: () => dueStatements.requeueLapsed(10, RUNNER_LOST),
  },
  redrive: { from: ["failed", "expired"], to: "queued", change: ({ accountId, id }) => changeStatements.redrive(accountId, id) },
  redrivePage: {
    from: ["failed", "expired"],
    to: "queued",
    change: (hold) => changeStatements.redrivePage(start(hold), false, { statuses: ["failed", "expired"] }, 10),
  },
  cancel: { from: ["queued", "in_progress"], to: "canceled", change: ({ accountId, id }) => changeStatements.cancel(accountId, id) },
  cancelUnlessStoppable: {
    from: ["queued", "in_progress"],
    to: "canceled",
    change: ({ accountId, id }) => changeStatements.cancelUnlessStoppable(accountId, id),
  },
  stopped: { from: ["in_progress"], to: "canceled", when: "cancel_at = 1", change: (hold) => changeStatements.stopped(hold) },
  cancelPage: {
    from: ["queued", "in_progress"],
    to: "canceled",
    change: (hold) => changeStatements.cancelPage(start(hold), false, { statuses: ["queued", "in_progress"] }, 10),
  },
  cancelWaiting: {
    from: ["queued"],
    to: "canceled",
    change: ({ accountId }, model) => changeStatements.cancelWaiting(accountId, laneOf(model), 10),
  },
  cancelDue: { from: ["queued", "in_progress"], to: "canceled", when: "cancel_at = 1", change: () => dueStatements.cancelDue(10) },
  expireDue: {
    from: ["queued"],
    to: "expired",
    when: "start_by = 1, lease = NULL, lease_until = NULL",
    change: () => dueStatements.expireDue(10, WAITED_TOO_LONG),
  },
};

/** An inference that has been claimed once and was then put into a status, with everything else in favour of a change. */
async function inStatus(status: Status, when = "start_by = start_by"): Promise<{ model: string; hold: Fence }> {
  const model = await served(10);
  await queued(model);
  const hold = await claimed(model);
  await env.DB.prepare(`UPDATE inferences SET status = ?, error = ?, ${when} WHERE id = ?`)
    .bind(status, status === "failed" || status === "expired" ? JSON.stringify(BROKEN) : null, hold.id)
    .run();
  return { model, hold };
}

describe("a status", () => {
  const pairs = STATUSES.flatMap((from) => STATUSES.map((to): [Status, Status] => [from, to]));

  test.each(pairs)("%s becomes %s by exactly the statements that may do so", async (from, to) => {
    const ways = Object.entries(WAYS).filter(([, way]) => way.to === to);
    for (const [name, way] of ways) {
      const { model, hold } = await inStatus(from, way.when);
      const before = await rowOf(hold.id);
      const rows = await db.all(way.change(hold, model));
      const after = await rowOf(hold.id);
      if (way.from.includes(from)) {
        expect(TRANSITIONS[from]).toContain(to);
        expect([name, rows.length, after["status"]]).toEqual([name, 1, to]);
        expect(String(after["log"]).length).toBeGreaterThan(String(before["log"]).length);
      } else {
        expect([name, rows.length]).toEqual([name, 0]);
        expect([name, after]).toEqual([name, before]);
      }
      await forgetAll();
    }
    const made = ways.some(([, way]) => way.from.includes(from));
    // Nothing fails an inference that is still queued: it expires.
    expect(made).toBe(TRANSITIONS[from].includes(to) && !(from === "queued" && to === "failed"));
  });

  test("that is final has neither lease nor anything left to come", async () => {
    for (const [name, way] of Object.entries(WAYS).filter(([, { to }]) => to !== "queued" && to !== "in_progress")) {
      for (const from of way.from) {
        const leased = from === "in_progress" ? "" : "lease = NULL, lease_until = NULL, ";
        const { model, hold } = await inStatus(from, `${leased}${way.when ?? "start_by = start_by"}`);
        await db.all(way.change(hold, model));
        expect([name, await rowOf(hold.id)]).toEqual([
          name,
          // A cancelled one keeps its slot until its runner lets go.
          expect.objectContaining({
            status: way.to,
            cancel_at: null,
            ages_at: null,
            due_at: null,
            ...(way.to === "canceled" ? {} : { lease: null, lease_until: null }),
          }),
        ]);
      }
    }
  });
});

describe("what a runner writes", () => {
  const writes: [string, (hold: Fence) => Sql][] = [
    ["a success", (hold) => changeStatements.succeed(hold, OUTPUT, 13, 1)],
    ["a failure", (hold) => changeStatements.fail(hold, BROKEN)],
    ["a retry", (hold) => changeStatements.retry(hold, BROKEN, 0, false)],
  ];
  const stale: [string, (hold: Fence) => Fence][] = [
    ["an earlier attempt", (hold) => ({ ...hold, attempt: hold.attempt - 1 })],
    ["a later attempt", (hold) => ({ ...hold, attempt: hold.attempt + 1 })],
    ["another lease", (hold) => ({ ...hold, lease: "another" })],
    ["another account", (hold) => ({ ...hold, accountId: "account-b" })],
    ["another inference", (hold) => ({ ...hold, id: "0190a5a0-0000-7000-8000-000000000000" })],
  ];
  const cases = writes.flatMap(([what, write]) => stale.map(([whose, of]) => [what, whose, write, of] as const));

  test.each(cases)("changes nothing where it is %s of %s", async (_what, _whose, write, of) => {
    const model = await served();
    const id = await queued(model);
    const hold = await claimed(model);
    const before = await rowOf(id);
    expect(await db.all(write(of(hold)))).toEqual([]);
    expect(await rowOf(id)).toEqual(before);
    expect(await db.all(write(hold))).toHaveLength(1);
  });

  test("is refused for an attempt that was taken over, although the inference runs again", async () => {
    const model = await served();
    const id = await queued(model);
    const late = await claimed(model, "slept");
    await env.DB.prepare("UPDATE inferences SET lease_until = 1 WHERE id = ?").bind(id).run();
    await db.all(dueStatements.requeueLapsed(10, RUNNER_LOST));
    const current = await claimed(model, "next");
    expect(await db.all(changeStatements.succeed(late, OUTPUT, 13, 1))).toEqual([]);
    expect(await db.all(changeStatements.succeed(current, OUTPUT, 13, 1))).toHaveLength(1);
  });

  test.each([
    ["queues it again", dueStatements.requeueLapsed(10, RUNNER_LOST), 3],
    ["fails it", dueStatements.failLapsed(10, RUNNER_LOST), 1],
  ])("holds off the sweep that %s while its lease lasts, although the row is due", async (_what, statement, max_attempts) => {
    const model = await served();
    const id = await queued(model);
    await claimed(model);
    await env.DB.prepare("UPDATE inferences SET cancel_at = 1, max_attempts = ? WHERE id = ?").bind(max_attempts, id).run();
    const before = await rowOf(id);
    expect(await db.all(statement)).toEqual([]);
    expect(await rowOf(id)).toEqual(before);
  });

  test("is let go of by the sweep once its lease has lapsed, if it was canceled meanwhile", async () => {
    const model = await served();
    const id = await queued(model);
    const { accountId } = await claimed(model);
    await db.all(changeStatements.cancel(accountId, id));
    expect(await db.all(dueStatements.releaseLapsed(10))).toEqual([]);
    await env.DB.prepare("UPDATE inferences SET lease_until = 1 WHERE id = ?").bind(id).run();
    expect(await db.all(dueStatements.releaseLapsed(10))).toEqual([{ id }]);
    expect(await rowOf(id)).toMatchObject({ status: "canceled", lease: null, lease_until: null });
  });

  test("renews only what its lease still holds, and says of which attempt", async () => {
    const model = await served(3);
    for (let count = 0; count < 3; count++) await queued(model);
    const mine = await claimed(model, "mine");
    const canceled = await claimed(model, "mine");
    const theirs = await claimed(model, "theirs");
    await db.all(changeStatements.cancel(canceled.accountId, canceled.id));
    await env.DB.prepare("UPDATE inferences SET lease_until = lease_until - 20000 WHERE model = ?").bind(model).run();
    const before = await Promise.all([mine, theirs].map(({ id }) => rowOf(id)));
    const kept = await renewLeases(db, "mine", [mine, canceled, theirs, { ...mine, attempt: 7 }]);
    expect([...kept]).toEqual([`${mine.accountId}/${mine.id}/1`]);
    const after = await Promise.all([mine, theirs].map(({ id }) => rowOf(id)));
    expect(Number(after[0]?.["lease_until"])).toBeGreaterThan(Number(before[0]?.["lease_until"]));
    expect(after[1]).toEqual(before[1]);
  });
});

describe("a claim", () => {
  test.each([
    [1, 30, 1],
    [4, 30, 4],
    [30, 3, 3],
  ])("of 20 racing callers with %i slots and %i waiting is won by %i", async (slots, waiting, winners) => {
    const model = await served(slots);
    for (let count = 0; count < waiting; count++) await queued(model);
    const claims = await Promise.all(Array.from({ length: 20 }, (_, caller) => claim(db, laneOf(model), `lease-${caller}`)));
    const won = claims.flatMap((it) => (it ? [it] : []));
    expect(won).toHaveLength(winners);
    expect(new Set(won.map(({ id }) => id)).size).toBe(winners);
    const { results } = await env.DB.prepare("SELECT lease FROM inferences WHERE model = ? AND status = 'in_progress'").bind(model).all();
    expect(results).toHaveLength(winners);
    expect(new Set(results.map(({ lease }) => lease))).toEqual(new Set(won.map(({ lease }) => lease)));
  });

  test("is one round trip, of which one statement writes", async () => {
    const model = await served();
    await queued(model);
    const asked: string[][] = [];
    const counted: Database = {
      all(statement) {
        asked.push([statement.text]);
        return db.all(statement);
      },
      batch(statements) {
        asked.push(statements.map(({ text }) => text));
        return db.batch(statements);
      },
    };
    expect(await claim(counted, laneOf(model), "lease")).not.toBeNull();
    expect(asked).toEqual([[expect.stringMatching(/^\s*UPDATE [^;]+$/), expect.stringMatching(/^\s*SELECT [^;]+$/)]]);
  });

  test("takes nothing whose time in the queue is over, even before a sweep has seen it", async () => {
    const model = await served();
    const late = await queued(model);
    const next = await queued(model);
    await env.DB.prepare("UPDATE inferences SET start_by = 1 WHERE id = ?").bind(late).run();
    expect((await claimed(model)).id).toBe(next);
  });
});

describe("submissions that come together", () => {
  const account = async (accountId: string) =>
    db.all(sql`SELECT open_at_most AS open, stored_bytes, database_bytes FROM accounts WHERE id = ${accountId}`);
  const ofRows = async (model: string) =>
    db.all(sql`SELECT account_id, id, key_id, version, status, priority, level, turn, max_attempts, initial_delay_ms, max_delay_ms, run_within_seconds,
      metadata, input, input_object, input_bytes, input_type, retention_seconds, webhook, capability, attempt,
      start_by - created_at AS start, ages_at - created_at AS ages, cancel_at - created_at AS cancel, json_extract(log, '$[0].event') AS logged
      FROM inferences WHERE model = ${model} ORDER BY id`);

  test.each([2, 1])("make the rows, the turns and the counts that each would make alone, of %i accounts", async (accounts) => {
    const first = await newTenant();
    const second = accounts === 1 ? first : await newTenant();
    const made = async (insert: (all: NewInference[]) => Promise<unknown>) => {
      const model = await served();
      const before = [await account(first.accountId), await account(second.accountId)];
      const all = Array.from({ length: 12 }, (_, place) =>
        submission(model, {
          accountId: (place % 3 === 0 ? second : first).accountId,
          id: `01900000-0000-7000-8000-${String(place).padStart(12, "0")}`,
          priority: place % 4 === 1 ? 2 : 0,
          metadata: place === 2 ? { note: "ä".repeat(5_000) } : {},
          webhook: place === 3 ? { url: "https://hook.test/", events: ["inference.succeeded"], origin: "" } : null,
          cancelAfterSeconds: place === 4 ? 60 : null,
          runWithinSeconds: place === 5 ? 30 : null,
          retentionSeconds: place === 6 ? 90 : null,
          input:
            place === 7
              ? { at: "row", body: new Uint8Array([0, 255, 7]), contentType: "image/png" }
              : { at: "row", body: '{"a":"\\u0000\\"ü"}', contentType: "application/json" },
          idempotencyKey: place === 11 ? "once" : null,
        }),
      );
      await insert(all);
      const rows = await ofRows(model);
      const after = [await account(first.accountId), await account(second.accountId)];
      const grown = after.map(([now], place) =>
        Object.entries(now ?? {}).map(([name, value]) => Number(value) - Number(before[place]?.[0]?.[name])),
      );
      await db.all(sql`DELETE FROM inferences WHERE model = ${model}`);
      return { rows, grown };
    };
    const alone = await made(async (all) => {
      for (const it of all) await insertInference(db, it);
    });
    const together = await made(async (all) => {
      const inserted = await insertTogether(db, all);
      expect(inserted.map(({ inference }) => inference?.id)).toEqual(all.map(({ id }) => id));
    });
    expect(together).toEqual(alone);
    expect(alone.rows).toHaveLength(12);
    expect(alone.grown[0]?.[0]).toBe(accounts === 1 ? 12 : 8);
  });

  test("are taken up to an account's limit, and another's beside it are all taken", async () => {
    const model = await served();
    const [full, other] = [await newTenant(), await newTenant()];
    await operator("PATCH", `/accounts/${full.accountId}`, { open_limit: 3 });
    const all = Array.from({ length: 10 }, (_, place) => submission(model, { accountId: (place % 2 === 0 ? full : other).accountId }));
    const inserted = await insertTogether(db, all);
    const taken = (accountId: string) => inserted.filter(({ inference }) => inference?.accountId === accountId).length;
    expect([taken(full.accountId), taken(other.accountId)]).toEqual([3, 5]);
    expect(await account(full.accountId)).toMatchObject([{ open: 3 }]);
    expect(await account(other.accountId)).toMatchObject([{ open: 5 }]);
  });

  test("are taken up to an account's limit also where they are more than go in one statement for single submits", async () => {
    const model = await served();
    const { accountId } = await newTenant();
    await operator("PATCH", `/accounts/${accountId}`, { open_limit: TOGETHER_MOST + 3 });
    const all = Array.from({ length: TOGETHER_MOST + 10 }, () => submission(model, { accountId }));
    const inserted = await insertTogether(db, all);
    expect(inserted.map(({ inference }) => inference?.id)).toEqual(
      all.map(({ id }, place) => (place < TOGETHER_MOST + 3 ? id : undefined)),
    );
    expect(await account(accountId)).toMatchObject([{ open: TOGETHER_MOST + 3 }]);
  });

  test("go in statements no value of which is larger than the database takes, whatever is large in them", async () => {
    const model = await served();
    const { accountId } = await newTenant();
    const all = Array.from({ length: 1_000 }, (_, place) =>
      submission(model, {
        accountId,
        idempotencyKey: `${place}-`.padEnd(IDEMPOTENCY_KEY_CHARACTERS, '"'),
        fingerprint: "f".repeat(64),
        webhook: {
          url: `https://a.test/${place}?`.padEnd(WEBHOOK_URL_CHARACTERS, "w"),
          events: ["inference.succeeded"],
          origin: "https://b.test",
        },
      }),
    );
    const sizes: number[] = [];
    const batch: Database["batch"] = (statements) => {
      sizes.push(...statements.flatMap(({ params }) => params.map((param) => String(param).length)));
      return db.batch(statements);
    };
    expect((await insertTogether({ ...db, batch }, all)).filter(({ inference }) => inference)).toHaveLength(1_000);
    expect(Math.max(...sizes)).toBeLessThan(2 * GROUP_CHARACTERS);
  });

  test("are neither doubled nor counted twice if they come again after a lost answer, with one more", async () => {
    const model = await served();
    const { accountId } = await newTenant();
    const all = [submission(model, { accountId }), submission(model, { accountId })];
    await insertTogether(db, all);
    const again = await insertTogether(db, [...all, submission(model, { accountId })]);
    expect(again.map(({ inference }) => inference === null)).toEqual([true, true, false]);
    expect(await account(accountId)).toMatchObject([{ open: 3, stored_bytes: 3 * INFERENCE_CHARGE_BYTES }]);
  });

  test("are found, and keep their input, if they come again because nothing was heard of them for long", async () => {
    const it = submission(await served(), await newTenant());
    let now = 0;
    const clock = { ...ports().clock, now: () => now };
    const insert = async () => {
      await insertInference(db, it);
      now += TOGETHER_LOST_MS;
      return insertInference(db, it);
    };
    const { inference } = await insertOnce({ db, clock }, it, insert);
    expect(inference).toMatchObject({ id: it.id, status: "queued" });
  });

  test("write a row for each account, not for each of its inferences", async () => {
    const model = await served();
    const { accountId } = await newTenant();
    const group: Group = [submission(model, { accountId }), ...Array.from({ length: 9 }, () => submission(model, { accountId }))];
    const [, charged] = await env.DB.batch(
      [groupStatements.insert(group), groupStatements.charge(group)].map((it) => env.DB.prepare(it.text).bind(...it.params)),
    );
    expect(charged?.meta.rows_written).toBe(1);
    expect(await account(accountId)).toMatchObject([{ open: 10, stored_bytes: 10 * INFERENCE_CHARGE_BYTES }]);
  });

  test("are none inserted and none counted if their model is unknown or its schemas are others", async () => {
    const model = await served();
    const { accountId } = await newTenant();
    for (const more of [{ model: "nobody" }, { schemas: 7 }]) {
      const inserted = await insertTogether(db, [submission(model, { accountId, ...more }), submission(model, { accountId, ...more })]);
      expect(inserted.map(({ inference }) => inference)).toEqual([null, null]);
    }
    expect(await account(accountId)).toMatchObject([{ open: 0, stored_bytes: 0 }]);
  });
});

describe("the head of a lane", () => {
  const inOrder = (model: string) =>
    db.all(
      sql`SELECT id, account_id, turn, by_account FROM inferences WHERE model = ${model} AND status = 'queued' AND not_before IS NULL ORDER BY level, turn, id`,
    );
  /** What waits, in its order, and what of it is neither in the index by account nor in the head. */
  const lineOf = async (model: string) => {
    const line = await inOrder(model);
    return {
      line,
      lost: line.slice(HEAD_ROWS).filter((row) => row["by_account"] === 0),
      apart: line.filter((row) => row["by_account"] === 0).length,
    };
  };

  test("is what a submit need not write into the index by account: one row less is written while few wait", async () => {
    const model = await served();
    const { accountId } = await newTenant();
    const written = async () => {
      const { text, params } = insertStatements.insert(submission(model, { accountId }));
      return (
        await env.DB.prepare(text)
          .bind(...params)
          .run()
      ).meta.rows_written;
    };
    const few = await written();
    for (let left = HEAD_FILLED - 1; left > 0; left -= TOGETHER_MOST) {
      const length = Math.min(left, TOGETHER_MOST);
      await insertTogether(
        db,
        Array.from({ length }, () => submission(model, { accountId })),
      );
    }
    expect((await lineOf(model)).apart).toBe(HEAD_FILLED);
    expect(await written()).toBe(few + 1);
    expect(await lineOf(model)).toMatchObject({ lost: [], apart: HEAD_FILLED });
  });

  test("has all that the index lacks, however many come before it and whatever comes back; and turns are as they were", async () => {
    const model = await served(200);
    const { accountId } = await newTenant();
    for (const length of [50, 50, 50, 50, 50, 10])
      await insertTogether(
        db,
        Array.from({ length }, () => submission(model, { accountId })),
      );
    expect(await lineOf(model)).toMatchObject({ lost: [], apart: HEAD_FILLED });
    for (let other = 0; other < 40; other++) await queued(model, { accountId: `other-${other}` });
    await insertTogether(
      db,
      Array.from({ length: 40 }, (_, other) => submission(model, { accountId: `another-${other}` })),
    );
    const { line, lost, apart } = await lineOf(model);
    expect([lost, line.length, apart]).toEqual([[], 340, HEAD_ROWS - 80]);
    const turns = line.filter((row) => row["account_id"] === accountId).map((row) => row["turn"]);
    expect(turns).toEqual(Array.from({ length: 260 }, (_, turn) => turn));
    expect(new Set(line.filter((row) => row["account_id"] !== accountId).map((row) => row["turn"]))).toEqual(new Set([1]));

    const claims = await Promise.all(Array.from({ length: 3 }, () => claimed(model)));
    for (const fence of claims) await db.all(changeStatements.retry(fence, BROKEN, 0, false));
    await db.all(changeStatements.fail(await claimed(model), BROKEN));
    await db.all(changeStatements.redrivePage({ accountId: "", id: "" }, true, { statuses: ["failed"] }, 1_000));
    expect(await lineOf(model)).toMatchObject({ lost: [] });
    const bulk = Array.from({ length: 170 }, (_, other) => submission(model, { accountId: `third-${other}` }));
    expect((await insertTogether(db, bulk)).every(({ inference }) => inference !== null)).toBe(true);
    expect(await lineOf(model)).toMatchObject({ lost: [], apart: 0 });
  });

  test("is looked through where an account is at its cap", async () => {
    const model = await newModel({ account_concurrency: 1 });
    await newBackend(model, { protocol: "http", max_concurrency: 10 });
    for (let count = 0; count < 3; count++) await queued(model, { accountId: "capped" });
    const other = await queued(model, { accountId: "other" });
    const [first, second] = [await claimed(model), await claimed(model)];
    expect([first.accountId, second.id]).toEqual(["capped", other]);
    expect(await claim(db, laneOf(model), "third")).toBeNull();
    expect((await lineOf(model)).apart).toBe(2);
  });
});

describe("ends that come together", () => {
  /** Inferences of accounts with keys that are running, in their order. */
  const running = async (owners: readonly (readonly [accountId: string, keyId: string])[]): Promise<Claim[]> => {
    const model = await served(owners.length);
    await db.all(sql`UPDATE models SET second_micros = 1.5, token_micros = 700, inference_micros = 5 WHERE name = ${model}`);
    await insertTogether(
      db,
      owners.map(([accountId, keyId]) => submission(model, { accountId, keyId })),
    );
    return Promise.all(owners.map(() => claimed(model)));
  };
  const end = async (ends: readonly End[]): Promise<End[]> => {
    const { statements, endedBy } = endTogether(ends, Math.random);
    const endedThen = endedBy(await db.batch(statements));
    return ends.filter((one) => endedThen.has(one));
  };
  const used = (accountId: string) =>
    db.all(
      sql`SELECT key_id, succeeded, failed, canceled, attempts, input_items, prompt_tokens, completion_tokens, input_bytes, output_bytes FROM usage WHERE account_id = ${accountId} ORDER BY model, key_id`,
    );
  const ok = (it: Fence) => success(it, OUTPUT, 13, 1);

  test("leave the same rows and the same usage as if each had come alone", async () => {
    const parts = [{ name: "p", key: "outputs/p", contentType: "image/png", bytes: 9_000, sha256: "00" }];
    const ends = (it: Claim, place: number): End =>
      [
        () =>
          success(it, { at: "row", body: '{"a":"\\u0000\\"ü"}', contentType: "application/json" }, 17, 2, {
            promptTokens: 7,
            completionTokens: 3,
          }),
        () =>
          success(it, { at: "object", key: "outputs/o", bytes: 50_000, contentType: "image/png", sha256: "ab" }, 50_000, 1, null, parts),
        () =>
          success(it, { at: "row", body: new Uint8Array([0, 255, 7]), contentType: "image/png" }, 3, 1, null, [], {
            sent_ms: 1,
            answered_ms: 4,
          }),
        () => failure(it, { ...BROKEN, upstream: { status: 400 } }, { sent_ms: 2 }),
      ][place % 4]?.() ?? expect.fail("no such end");
    const made = async (write: (all: readonly End[]) => Promise<unknown>) => {
      const [first, second] = [await newTenant(), await newTenant()];
      const accounts = [first.accountId, second.accountId];
      const all = await running(Array.from({ length: 12 }, (_, place) => [accounts[place % 2] ?? "", `key-${place % 3}`]));
      await write(all.map(ends));
      const rows = await env.DB.prepare("SELECT * FROM inferences WHERE model = ? ORDER BY id")
        .bind(all[0]?.model ?? "")
        .all();
      const stamps = new Set(["id", "model", "account_id", "backend_id", "turn", "input", "noted", "ended_with", "log"]); // differ by when it came
      return {
        rows: rows.results.map((row) => [
          ...Object.entries(row).filter(
            ([name]) => !stamps.has(name) && !name.endsWith("_at") && !name.endsWith("_by") && name !== "run_ms",
          ),
          (JSON.parse(String(row["log"])) as LogEntry[]).map((line) => ({ ...line, at: typeof line.at, backend: null })), // of an inference's row
        ]),
        used: [await used(first.accountId), await used(second.accountId)],
        stored: await db.all(
          sql`SELECT stored_bytes, database_bytes FROM accounts WHERE id IN (${first.accountId}, ${second.accountId}) ORDER BY id = ${second.accountId}`,
        ),
      };
    };
    const alone = await made(async (all) => {
      for (const one of all) expect(await end([one])).toEqual([one]);
    });
    const together = await made(async (all) => expect(await end(all)).toEqual(all));
    expect(together).toEqual(alone);
    expect(alone.used[0]).toHaveLength(3);
    expect(alone.rows).toHaveLength(12);
  });

  test("cost as a run costs by the model's price, once for each", async () => {
    const { accountId } = await newTenant();
    const all = await running(Array.from({ length: 3 }, () => [accountId, "key"]));
    await db.all(sql`UPDATE inferences SET started_at = started_at - 1000 WHERE account_id = ${accountId}`);
    await end(all.map((it) => success(it, OUTPUT, 13, 1, { promptTokens: 1, completionTokens: 1 })));
    const [sums] = await db.all(sql`SELECT run_ms, cost_micros FROM usage WHERE account_id = ${accountId}`);
    const [recount] = await db.all(
      sql`SELECT sum(run_ms) AS run_ms, sum(CAST(run_ms * 1.5 / 1000 + 2 * 700 + 5 AS INTEGER)) AS cost_micros FROM inferences WHERE account_id = ${accountId}`,
    );
    expect(sums).toEqual(recount);
    expect(Number(sums?.["run_ms"])).toBeGreaterThanOrEqual(3_000);
  });

  test("end whatever they cost, alone or together and again and again, and the ledger goes on being read", async () => {
    const { accountId } = await newTenant();
    await operator("PATCH", `/accounts/${accountId}`, { monthly_budget: MONEY_MAX });
    const today = dayOf(Date.now());
    const others = Array.from({ length: 1_100 }, (_, number) => `key-${number}`);
    await env.DB.prepare("INSERT INTO usage SELECT ?1, ?2, 'm', value, 1, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, ?3 FROM json_each(?4)")
      .bind(accountId, today, Number.MAX_SAFE_INTEGER, JSON.stringify(others))
      .run();
    const all = await running(Array.from({ length: 9 }, () => [accountId, "key"]));
    const price = MONEY_MAX * 1_000_000;
    await db.all(sql`UPDATE models SET second_micros = ${price}, token_micros = ${price}, inference_micros = ${price}`);
    const ends = all.map((it) => success(it, OUTPUT, 13, 1, { promptTokens: COUNTED_MOST, completionTokens: COUNTED_MOST }));
    for (const some of [ends.slice(0, 4), ends.slice(4, 5), ends.slice(5, 6), ends.slice(6)]) expect(await end(some)).toEqual(some);
    const of = sql`FROM usage WHERE account_id = ${accountId} AND key_id = 'key'`;
    expect(await db.all(sql`SELECT succeeded, cost_micros ${of}`)).toEqual([{ succeeded: 9, cost_micros: Number.MAX_SAFE_INTEGER }]);
    const [total] = await usageOf(db, { accountId, fromDay: today, toDay: today + 1 }, [], 1);
    expect(Number(total?.costMicros) / (1_101 * Number.MAX_SAFE_INTEGER)).toBeCloseTo(1, 9);
    expect(await holdBudgets(db)).toContainEqual({ id: accountId, state: "spent" });
  });

  test("write a row of usage for each key and not for each inference", async () => {
    const { accountId } = await newTenant();
    const all = await running(Array.from({ length: 10 }, (_, place) => [accountId, `key-${place % 2}`]));
    const { statements } = endTogether(all.map(ok), Math.random);
    const answers = await env.DB.batch(statements.map((it) => env.DB.prepare(it.text).bind(...it.params)));
    expect(answers.map(({ meta }) => meta.rows_written)).toEqual([10, 2]);
    expect(await used(accountId)).toMatchObject([{ succeeded: 5 }, { succeeded: 5 }]);
  });

  test("end each that is still its runner's, and leave what was canceled or taken over", async () => {
    const { accountId } = await newTenant();
    const all = await running(Array.from({ length: 5 }, () => [accountId, "key"]));
    const [canceled, taken, ...kept] = all;
    if (!canceled || !taken) expect.fail("not all are running");
    await db.all(changeStatements.cancel(accountId, canceled.id));
    await db.all(sql`UPDATE inferences SET attempt = 2, lease = 'other' WHERE account_id = ${accountId} AND id = ${taken.id}`);
    const next = { ...taken, attempt: 2, lease: "other" };
    const stale = all.map(ok);
    expect(await end([...stale, ok(next)])).toEqual([...stale.slice(2), ok(next)]);
    expect([await rowOf(canceled.id), await rowOf(taken.id)]).toMatchObject([{ status: "canceled" }, { status: "succeeded", attempt: 2 }]);
    expect(kept).toHaveLength(3);
    expect(await used(accountId)).toMatchObject([{ succeeded: 4, canceled: 1 }]);
  });

  test("are not counted twice if they come again after a lost answer, with one more, by whatever name", async () => {
    const { accountId } = await newTenant();
    const all = (await running(Array.from({ length: 3 }, () => [accountId, "key"]))).map(ok);
    for (const name of [0.25, 0.25, 0.5]) {
      const { statements } = endTogether(all.slice(0, 2), () => name);
      await db.batch(statements);
    }
    expect(await used(accountId)).toMatchObject([{ succeeded: 2 }]);
    expect(await end(all)).toEqual(all.slice(2));
    expect(await used(accountId)).toMatchObject([{ succeeded: 3 }]);
  });

  test("are counted once more when they are redriven, and end alone or together", async () => {
    const { accountId } = await newTenant();
    const all = await running(Array.from({ length: 3 }, () => [accountId, "key"]));
    await end(all.map((it) => failure(it, BROKEN)));
    for (const { id } of all) await db.all(changeStatements.redrive(accountId, id));
    const [first, ...others] = await Promise.all(all.map(({ model }) => claimed(model)));
    if (!first) expect.fail("nothing was redriven");
    await db.all(changeStatements.cancel(accountId, first.id));
    await end(others.map(ok));
    expect(await used(accountId)).toMatchObject([{ failed: 3, canceled: 1, succeeded: 2, attempts: 6 }]);
  });

  test("go in several statements if their outputs are large, each counted", async () => {
    const { accountId } = await newTenant();
    const all = await running(Array.from({ length: 4 }, () => [accountId, "key"]));
    const body = JSON.stringify("x".repeat(GROUP_CHARACTERS / 3));
    const ends = all.map((it) => success(it, { at: "row", body, contentType: "application/json" }, body.length, 1));
    expect(endTogether(ends, Math.random).statements).toHaveLength(4);
    expect(await end(ends)).toEqual(ends);
    expect(await used(accountId)).toMatchObject([{ succeeded: 4, output_bytes: 4 * body.length }]);
  });

  test("are named by the one statement that leaves its usage to the next, and by none that comes alone", () => {
    const hold = { accountId: "a", id: "i", attempt: 1, lease: "l" };
    const [ending, counting, ...more] = endTogether([ok(hold), ok({ ...hold, id: "j" })], () => 0.5).statements;
    expect(more).toEqual([]);
    expect(ending?.params).toContain(2 ** 47);
    expect(counting?.text).toContain("INSERT INTO usage");
    expect(counting?.params).toContain(2 ** 47);
    expect(endTogether([ok(hold)], () => 0.5).statements).toEqual([changeStatements.succeed(hold, OUTPUT, 13, 1)]);
    const ways = Object.values(WAYS).map((way) => way.change(hold, "m"));
    const naming = ways.filter(({ text }) => text.includes("ended_with"));
    expect(naming.map(({ params }) => params.includes(null))).toEqual([true, true]); // a success and a failure, each of them alone
  });
});

describe("a due note", () => {
  const notes = () => db.all(sql`SELECT account_id AS accountId, ids, after_ms AS afterMs, seen FROM due_notes ORDER BY after_ms`);
  const indexed = async (model: string) =>
    (await db.all(sql`SELECT id FROM inferences INDEXED BY inferences_due WHERE ${isDated} AND model = ${model}`)).length;
  const counts = async (model: string) =>
    Object.fromEntries(
      (await db.all(sql`SELECT status, count(*) AS count FROM inferences WHERE model = ${model} GROUP BY status`)).map((row) => [
        row["status"],
        row["count"],
      ]),
    );
  /** Of the latest span of ids, so that all of one call are within it. */
  const spanAt = Date.now() - (Date.now() % 4_096);
  let numbered = 0;
  const alike = (model: string, count: number, more: Partial<NewInference> = {}) =>
    Array.from({ length: count }, () =>
      submission(model, {
        ...more,
        id: `${earliestId(spanAt)}-7000-8000-${String(numbered++).padStart(12, "0")}`,
      }),
    );

  test("stands for all of an account that come together and are due equally long after their submit", async () => {
    const model = await served();
    await insertTogether(db, [
      ...alike(model, 5, { accountId: "busy" }),
      ...alike(model, 3, { accountId: "busy", maxTimeInQueueSeconds: 700 }),
      ...alike(model, 1, { accountId: "quiet" }),
    ]);
    const ids = earliestId(spanAt).slice(0, 10);
    expect(await notes()).toEqual([
      { accountId: "busy", ids, afterMs: 600_000, seen: ids },
      { accountId: "busy", ids, afterMs: 700_000, seen: ids },
    ]);
    expect(await indexed(model)).toBe(1);
    expect((await sweepDue(db, 10, RUNNER_LOST, WAITED_TOO_LONG)).dated).toBe(true);
  });

  test("stands for those that come later while it is there, also for one that comes alone", async () => {
    const model = await served();
    const written = new WrittenNotes();
    await insertTogether(db, alike(model, 2), written);
    const later = async () => {
      await insertTogether(db, [...alike(model, 1), ...alike(model, 1, { accountId: "another" })], written);
      await insertTogether(db, alike(model, 1), written);
      await insertTogether(db, alike(model, 1, { maxTimeInQueueSeconds: 700 }), written);
    };
    await later();
    expect([(await notes()).length, await indexed(model)]).toEqual([1, 2]);
    await db.all(sql`DELETE FROM due_notes`);
    expect(await indexed(model)).toBe(6);
    await later();
    expect(await indexed(model)).toBe(10);
  });

  test("is written for the third of an account that comes alone, and by an isolate once", async () => {
    const model = await served();
    const written = new WrittenNotes();
    const after: number[][] = [];
    for (let count = 0; count < 5; count++) {
      await insertTogether(db, alike(model, 1), written);
      after.push([(await notes()).length, await indexed(model)]);
    }
    expect(after).toEqual([
      [0, 1],
      [0, 2],
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    await db.all(sql`DELETE FROM due_notes`);
    await insertTogether(db, alike(model, 2), written);
    expect([(await notes()).length, await indexed(model)]).toEqual([0, 7]);
  });

  test("stands for none whose isolate's clock is so far ahead that the note would be due after it", async () => {
    const model = await served();
    const ahead = Date.now() + 60_000;
    const id = (count: number) => `${earliestId(ahead)}-7000-8000-${String(count).padStart(12, "0")}`;
    await insertTogether(
      db,
      [1, 2, 3].map((count) => submission(model, { id: id(count) })),
    );
    expect([(await notes()).length, await indexed(model)]).toEqual([1, 3]);
  });

  test("is without a group that was not taken, and then removed when it is due", async () => {
    const model = await served();
    await insertTogether(db, [...alike(model, 2, { schemas: 7 })]);
    expect(await notes()).toHaveLength(1);
    await timePasses(model, 605_000);
    await sweepDue(db, 10, RUNNER_LOST, WAITED_TOO_LONG);
    expect(await notes()).toEqual([]);
  });

  test.each<[string, Partial<NewInference>, number, Record<string, number>]>([
    ["their time in the queue is over", { maxTimeInQueueSeconds: 60 }, 60_000, { expired: 3 }],
    ["they are to be canceled", { cancelAfterSeconds: 30 }, 30_000, { canceled: 3 }],
    ["they age, and later expire", { priority: 2 }, AGEING_MS, { queued: 3 }],
  ])("is looked at before %s", async (_what, more, ms, after) => {
    const model = await served();
    await insertTogether(db, alike(model, 3, more));
    expect(await indexed(model)).toBe(0);
    const pass = () => sweepDue(db, 10, RUNNER_LOST, WAITED_TOO_LONG);
    await timePasses(model, ms - 5_000);
    await pass();
    expect(await counts(model)).toEqual({ queued: 3 });
    await timePasses(model, 5_000);
    await pass();
    expect([await counts(model), await notes()]).toEqual([after, []]);
    if (after["queued"] === undefined) return;
    expect(await db.all(sql`SELECT DISTINCT level FROM inferences WHERE model = ${model}`)).toEqual([{ level: 1 }]);
    await timePasses(model, 600_000);
    await pass();
    expect(await counts(model)).toEqual({ expired: 3 });
  });

  test("stands for an inference until its first attempt or its end, and for none that is redriven", async () => {
    const model = await served();
    const [first, second] = alike(model, 2);
    if (!first || !second) throw new Error("two were made");
    await insertTogether(db, [first, second]);
    const hold = await claimed(model);
    await db.all(changeStatements.retry(hold, BROKEN, 0, false));
    expect(await indexed(model)).toBe(1);
    await db.all(sql`UPDATE inferences SET status = 'failed' WHERE id = ${second.id}`);
    await db.all(changeStatements.redrive(second.accountId, second.id));
    expect(await indexed(model)).toBe(2);
  });

  test("of many is looked at step by step, and stands for none that comes behind the last one seen", async () => {
    const model = await served();
    const all = alike(model, 2 * NOTE_IDS + 1);
    await insertTogether(db, all);
    await timePasses(model, 605_000);
    for (const waiting of [NOTE_IDS + 1, 1]) {
      await sweepDue(db, NOTE_IDS, RUNNER_LOST, WAITED_TOO_LONG);
      expect([await counts(model), (await notes()).length]).toEqual([{ expired: 2 * NOTE_IDS + 1 - waiting, queued: waiting }, 1]);
    }
    await sweepDue(db, NOTE_IDS, RUNNER_LOST, WAITED_TOO_LONG);
    expect([await counts(model), await notes()]).toEqual([{ expired: 2 * NOTE_IDS + 1 }, []]);
    const [first, second, third] = alike(await served(), 3);
    if (!first || !second || !third) throw new Error("three were made");
    await insertTogether(db, [second, third]);
    await db.all(sql`UPDATE due_notes SET seen = ${second.id}`);
    await insertTogether(db, [first, { ...first, id: third.id.replace(/.$/, "f") }]);
    expect([await indexed(first.model), (await rowOf(third.id))["noted"], (await rowOf(first.id))["noted"]]).toEqual([2, 1, 0]);
  });
});

describe("every statement is an index search:", () => {
  const hold: Fence = { accountId: "a", id: "i", attempt: 1, lease: "l" };
  const cursor = { accountId: "a", id: "" };
  const filter: Filter = { ...EVERYTHING, model: "m", errorClass: "input", createdAfter: 1, createdBefore: 2, metadata: { order: "7" } };
  const redrivable: Filter = { ...filter, statuses: ["failed", "expired"] };
  const open: Filter = { ...filter, statuses: ["queued", "in_progress"] };

  const ended = [{ accountId: "a", id: "i", finishedAt: 1 }];
  const ofInferences = {
    insert: [
      insertStatements.insert(submission("m")),
      insertStatements.insert(submission("m", { batch: { id: "b", line: 1, step: 1, agesAfterMs: 1 } })),
      groupStatements.insert(
        [1, 2].map((line) => submission("m", { batch: { id: "b", line, step: 1, agesAfterMs: 1 } })) as unknown as Group,
      ),
      insertStatements.insert(submission("m", { version: "v", idempotencyKey: "k", capability: "c" })),
      groupStatements.insert(
        [submission("m", { version: "v", capability: "c" }), submission("m", { version: "v", capability: "c" })],
        true,
      ),
      groupStatements.insert([submission("m", { idempotencyKey: "k" }), submission("m", { idempotencyKey: "l" })]),
    ],
    charge: [groupStatements.charge([submission("m"), submission("m")])],
    findByKeys: [groupStatements.findByKeys("a", ["k", "l"])],
    mustBeAll: [groupStatements.mustBeAll([submission("m"), submission("m")])],
    releaseKeys: [groupStatements.releaseKeys([submission("m", { idempotencyKey: "k" }), submission("m", { idempotencyKey: "l" })])],
    written: [groupStatements.written([submission("m"), submission("m", { accountId: "another" })])],
    makeRoom: [
      insertStatements.makeRoom({ model: "m", version: null, capability: "" }, 1),
      insertStatements.makeRoom({ model: "m", version: "v", capability: "" }, 50),
    ],
    standing: [insertStatements.standing("a", { model: "m", version: "v", capability: "c" }, 1)],
    findByIdempotencyKey: [insertStatements.findByIdempotencyKey("a", "k")],
    releaseIdempotencyKey: [insertStatements.releaseIdempotencyKey("a", "k")],
    claim: [claimStatements.claim(laneOf("m"), "l")],
    claimFront: [claimStatements.claimFront(laneOf("m"), ["l"])],
    left: [claimStatements.left(laneOf("m"))],
    standsAlone: [claimStatements.standsAlone("b", hold)],
    release: [claimStatements.release(hold)],
    succeed: [changeStatements.succeed(hold, OUTPUT, 13, 1)],
    fail: [changeStatements.fail(hold, BROKEN)],
    end: [endStatements.end([success(hold, OUTPUT, 13, 1), failure(hold, BROKEN)], 1)],
    count: [endStatements.count([success(hold, OUTPUT, 13, 1), failure(hold, BROKEN)], 1)],
    retry: [changeStatements.retry(hold, BROKEN, 0, false), changeStatements.retry(hold, BROKEN, 1, true)],
    renew: [claimStatements.renew("l", [hold])],
    canceled: [claimStatements.canceled("l", [hold])],
    cancel: [changeStatements.cancel("a", "i"), changeStatements.cancel("a", "i", ["queued"])],
    cancelUnlessStoppable: [changeStatements.cancelUnlessStoppable("a", "i")],
    askStop: [changeStatements.askStop("a", "i")],
    stopped: [changeStatements.stopped(hold)],
    redrive: [false, true].map((bounded) => changeStatements.redrive("a", "i", bounded)),
    countRedriven: [changeStatements.countRedriven("a")],
    find: [readStatements.find("a", "i")],
    findWaiting: [readStatements.findWaiting("a", "i")],
    depth: [readStatements.depth(laneOf("m"))],
    cancelWaiting: [changeStatements.cancelWaiting("a", laneOf("m"), 10)],
    cancelPage: [false, true].map((whole) => changeStatements.cancelPage(cursor, whole, open, 10)),
    countRedrives: [false, true].map((whole) => changeStatements.countRedrives(cursor, whole, redrivable, 10, !whole)),
    redrivePage: [false, true].map((whole) => changeStatements.redrivePage(cursor, whole, redrivable, 10, !whole)),
    countPage: [false, true].map((whole) => changeStatements.countPage(whole ? "cancel" : "redrive", cursor, whole, filter, 10)),
    pageEnd: [false, true].map((whole) => changeStatements.pageEnd(cursor, whole, 10)),
    expireDue: [dueStatements.expireDue(10, WAITED_TOO_LONG)],
    cancelDue: [dueStatements.cancelDue(10)],
    failLapsed: [dueStatements.failLapsed(10, RUNNER_LOST)],
    requeueLapsed: [dueStatements.requeueLapsed(10, RUNNER_LOST)],
    releaseLapsed: [dueStatements.releaseLapsed(10)],
    readyDue: [dueStatements.readyDue(10)],
    ageDue: [dueStatements.ageDue(10)],
    lostWakeUps: [dueStatements.lostWakeUps()],
    anyDated: [dueStatements.anyDated()],
    lapse: [dueStatements.lapse(1)],
    claimOwn: [claimStatements.claimOwn("a", "i", "lease")],
    handedOver: [claimStatements.handedOver("a", "i", "lease", 0)],
    giveBack: [claimStatements.giveBack("a", "i", "lease")],
    isFront: [claimStatements.isFront("a", "i")],
    anyWaiting: [claimStatements.anyWaiting(laneOf("m"))],
    releaseWaiter: [claimStatements.releaseWaiter("a", "i", "lease")],
    list: [false, true].map((inputs) =>
      readStatements.list("a", { ...filter, capability: "c" }, { before: inputs ? null : "i", offset: 10, limit: 10 }, inputs),
    ),
    statistics: [readStatements.statistics("a", null), readStatements.statistics("a", "m")],
    findInput: [readStatements.findInput("a", "i")],
    findGiven: [readStatements.findGiven("a", "i")],
    findAll: [false, true].map((withWait) => readStatements.findAll([["a", "i"]], withWait)),
  } satisfies Record<
    | keyof typeof insertStatements
    | keyof typeof groupStatements
    | keyof typeof claimStatements
    | keyof typeof readStatements
    | keyof typeof changeStatements
    | keyof typeof endStatements
    | keyof typeof dueStatements,
    readonly Sql[]
  >;

  const ofOpen = { find: [openStatements.find("a")], count: [openStatements.count("a")] } satisfies Record<
    keyof typeof openStatements,
    readonly Sql[]
  >;
  const ofNotes = {
    write: [noteStatements.write([noteOf(submission("m"))])],
    remove: [noteStatements.remove()],
    see: [noteStatements.see()],
  } satisfies Record<keyof typeof noteStatements, readonly Sql[]>;

  const ofRetention = {
    expiredPayloads: [retentionStatements.expiredPayloads(10)],
    retentionPage: [retentionStatements.retentionPage({ accountId: "a", id: "i" }, 10)],
  } satisfies Record<keyof typeof retentionStatements, readonly Sql[]>;

  const ofEnded = {
    noteObjects: [endedStatements.noteObjects(ended, 1)],
    removePayloads: [endedStatements.removePayloads(ended, 1)],
    remove: [endedStatements.remove(ended, 1)],
    uncharge: [endedStatements.uncharge(ended, 1)],
    now: [endedStatements.now()],
    unnamed: [
      endedStatements.unnamed([
        { key: "inputs/a/i", accountId: "a", id: "i", attempt: null },
        { key: "outputs/a/i/1", accountId: "a", id: "i", attempt: 1 },
      ]),
    ],
  } satisfies Record<keyof typeof endedStatements, readonly Sql[]>;

  const removal = { dueAt: 1, object: "outputs/a/i/1", uploadId: "u" };
  const ofRemovals = {
    noteUpload: [removalStatements.noteUpload("outputs/a/i/1", "u")],
    note: [removalStatements.note(["outputs/a/i/1"])],
    due: [removalStatements.due(10)],
    forget: [removalStatements.forget([removal])],
    takeUp: [removalStatements.takeUp("orphans")],
    layDown: [removalStatements.layDown("orphans", "c", 1)],
  } satisfies Record<keyof typeof removalStatements, readonly Sql[]>;

  const ofKeys = {
    insert: [
      keyStatements.insert({ accountId: "a", id: "k", digest: "d", name: "n", scopes: ["read"], limits: { read: 1 }, expiresAt: null }),
    ],
    find: [keyStatements.find("a", "k")],
    list: [keyStatements.list("a", { createdAt: 1, id: "k" }, 10)],
    change: [keyStatements.change("a", "k", { name: "n" })],
    revoke: [keyStatements.revoke("a", "k")],
    copy: [keyStatements.copy("a", "k", { id: "l", digest: "e" })],
    endAfter: [keyStatements.endAfter("a", "k", 1, "l")],
    noteUse: [keyStatements.noteUse("a", "k")],
  } satisfies Record<keyof typeof keyStatements, readonly Sql[]>;

  const entry = {
    operator: { via: "token", name: null },
    address: "",
    requestId: "r",
    method: "POST",
    route: "/admin/v1/keys",
    target: null,
    change: "null",
  } as const;
  const ofAudit = {
    begin: [auditStatements.begin(entry)],
    end: [auditStatements.end(1, 200, "t")],
    list: [auditStatements.list(1, null, 10), auditStatements.list(1, "t", 10)],
    removeOld: [auditStatements.removeOld(10)],
  } satisfies Record<keyof typeof auditStatements, readonly Sql[]>;

  const model = plainModel("m", "v", 1);
  const ofModels = {
    insert: [modelStatements.insert(model)],
    find: [modelStatements.find("m")],
    list: [modelStatements.list("", 10)],
    notReady: [modelStatements.notReady(10)],
    withVersion: [modelStatements.withVersion("v", 2)],
    change: [
      modelStatements.change("m", { description: "x" }),
      modelStatements.change("m", { versions: { to: ["2"], byDefault: "2", from: ["1"], fromDefault: "1" } }),
    ],
    remove: [modelStatements.remove("m")],
  } satisfies Record<keyof typeof modelStatements, readonly Sql[]>;

  const ofSchemas = {
    find: [schemaStatements.find("m")],
    set: [schemaStatements.set("m", "v", { inputSchema: true, inputs: null, outputs: null })],
    remove: [schemaStatements.remove("m", "v")],
  } satisfies Record<keyof typeof schemaStatements, readonly Sql[]>;

  const backend = {
    id: "b",
    model: "m",
    version: "",
    url: "https://gpu.test",
    protocol: "oip",
    remoteModel: "m",
    credential: null,
    state: "active",
    maxConcurrency: 1,
    timeoutSeconds: 60,
  } as const;
  const ofBackends = {
    insert: [backendStatements.insert(backend)],
    find: [backendStatements.find("b")],
    list: [backendStatements.list("", 10)],
    ofModel: [backendStatements.ofModel("m", "", 10)],
    activeProtocols: [backendStatements.activeProtocols("m", "v"), backendStatements.activeProtocols("m", null)],
    change: [backendStatements.change("b", { state: "paused" })],
    answered: [backendStatements.answered("b")],
    succeeded: [backendStatements.succeeded("b", "acc")],
    failed: [false, true].map((yes) =>
      backendStatements.failed("b", { accountId: "acc", id: "i" }, BROKEN, { perhaps: yes, isReady: !yes }),
    ),
    away: [backendStatements.away("b", { accountId: "acc", id: "i" }, BROKEN)],
    misconfigured: [backendStatements.misconfigured("b", BROKEN)],
    asked: [backendStatements.asked("b", 1_000, BROKEN)],
    sample: [backendStatements.sample("b", 50)],
    takeProbes: [backendStatements.takeProbes()],
    ready: [backendStatements.ready("b")],
    notReady: [backendStatements.notReady("b")],
    remove: [backendStatements.remove("b")],
  } satisfies Record<keyof typeof backendStatements, readonly Sql[]>;

  const ofAccounts = {
    insert: [accountStatements.insert({ id: "a", name: "n" })],
    find: [accountStatements.find("a")],
    list: [accountStatements.list({ createdAt: 1, id: "a" }, 10)],
    change: [accountStatements.change("a", { name: "n", quotaBytes: 1, retentionSeconds: 86_400 })],
    remove: [accountStatements.remove("a")],
  } satisfies Record<keyof typeof accountStatements, readonly Sql[]>;

  const file = {
    accountId: "a",
    id: "f",
    name: "",
    contentType: "image/png",
    bytes: 1,
    sha256: null,
    origin: "https://claimcheck.test",
    partBytes: null,
  };
  const ofFiles = {
    insert: [fileStatements.insert(file, 1)],
    find: [fileStatements.find("a", "f")],
    list: [fileStatements.list("a", "", 10)],
    newest: [fileStatements.newest("a", "~", 10)],
    describe: [fileStatements.describe("a", "f", "n", "image/png")],
    begun: [fileStatements.begun("a", "f", "u")],
    setAside: [fileStatements.setAside("a", "f", 1)],
    ready: [fileStatements.ready("a", "f", 1, null, "")],
    putPart: [fileStatements.putPart("a", "f", { number: 1, etag: "e", bytes: 1 })],
    parts: [fileStatements.parts("a", "f")],
    dropParts: [fileStatements.dropParts("a", "f")],
    expire: [fileStatements.expire("a", "f")],
    noteAbandoned: [fileStatements.noteAbandoned("a", "f")],
    remove: [fileStatements.remove("a", "f")],
    storage: [fileStatements.storage("a", 1)],
    findMany: [fileStatements.findMany("a", ["f", "g"])],
    used: [fileStatements.used("a", ["f", "g"], 1)],
    expired: [fileStatements.expired(10)],
    unnamed: [fileStatements.unnamed(["files/a/f"])],
  } satisfies Record<keyof typeof fileStatements, readonly Sql[]>;

  const batch: NewBatch = {
    accountId: "a",
    id: "b",
    keyId: "k",
    endpoint: "/v1/embeddings",
    inputFileId: "f",
    completionWindow: "24h",
    windowMs: 1,
    metadata: null,
    outputSeconds: null,
    origin: "https://claimcheck.test",
    idempotencyKey: "k",
    fingerprint: "p",
    databaseQuotaBytes: 1,
  };
  const step = { accountId: "a", id: "b", step: 1, createdAt: 1, outputSeconds: 1, origin: "o" } as unknown as Step; // what the statements use of it
  const ofBatches = {
    insert: [batchStatements.insert(batch)],
    keepInput: [batchStatements.keepInput(batch)],
    open: [batchStatements.open("a")],
    find: [batchStatements.find("a", "b")],
    findByKey: [batchStatements.findByKey("a", "k")],
    list: [null, "b"].map((before) => batchStatements.list("a", before, 10)),
    cancel: [batchStatements.cancel("a", "b")],
    due: [batchStatements.due()],
    anyOpen: [batchStatements.anyOpen()],
    begin: [batchStatements.begin("a", "b")],
    change: [{}, { ready: 2 }, { allEnded: true }].map((terms) => batchStatements.change(step, atEnd("completed"), sql`1`, terms)),
    lapse: [batchStatements.lapse()],
    remove: [batchStatements.remove(step)],
    refuse: batchStatements.refuse(step, [{ line: 1, customId: "c", answer: "{}" }]),
    refusals: [batchStatements.refusals(step, 1, 10)],
    clear: [batchStatements.clear(step, 10)],
    insertFile: [batchStatements.insertFile(step, "f", "n")],
    noteUpload: [batchStatements.noteUpload("a", "f", "u")],
    findUpload: [batchStatements.findUpload("a", "f")],
    fileIsReady: [batchStatements.fileIsReady(step, "f", 1)],
  } satisfies Record<keyof typeof batchStatements, readonly Sql[]>;
  const ofLines = {
    present: [lineStatements.present(step, 1, 2)],
    stop: [lineStatements.stop(step, 1, 10)],
    ended: [true, false].map((succeeded) => lineStatements.ended(step, succeeded, 1, 2, 10)),
  } satisfies Record<keyof typeof lineStatements, readonly Sql[]>;

  const delivery = { accountId: "a", inferenceId: "i", sequence: 1, webhookId: "w" };
  const held = { ...delivery, lease: "l" };
  const tried = { outcome: "answered", status: 500, durationMs: 5, answer: "" } as const;
  const ofDeliveries = {
    settle: [deliveryStatements.settle("a")],
    claim: [deliveryStatements.claim("a", "l", 3)],
    record: [
      deliveryStatements.record(held, { status: "succeeded" }, tried),
      deliveryStatements.record(held, { status: "pending", delayMs: 5 }, tried),
    ],
    cancel: [deliveryStatements.cancel(held)],
    list: [deliveryStatements.list(delivery, 26)],
    failed: [null, "w"].flatMap((of) => [null, { ...delivery, at: 1 }].map((before) => deliveryStatements.failed("a", of, before, 26))),
    pending: [null, { ...delivery, at: 1 }].map((after) => deliveryStatements.pending("a", after, 26)),
    find: [deliveryStatements.find(delivery)],
    resend: [deliveryStatements.resend(delivery)],
    resendSince: [deliveryStatements.resendSince("a", "w", 1)],
    waiting: [deliveryStatements.waiting()],
  } satisfies Record<keyof typeof deliveryStatements, readonly Sql[]>;

  const subscription = { accountId: "a", id: "w", url: "https://a.example/", events: [], description: "", origin: "" };
  const ofWebhooks = {
    insert: [subscriptionStatements.insert(subscription)],
    find: [subscriptionStatements.find("a", "w")],
    findByUrl: [subscriptionStatements.findByUrl("a", "u")],
    list: [subscriptionStatements.list("a")],
    update: [subscriptionStatements.update("a", "w", { events: [], description: "" })],
    delete: [subscriptionStatements.delete("a", "w")],
  } satisfies Record<keyof typeof subscriptionStatements, readonly Sql[]>;

  const ofEndpoints = {
    list: [endpointStatements.list("a", "", 10)],
    find: [endpointStatements.find("a", "u")],
    succeeded: [endpointStatements.succeeded("a", "u")],
    failed: [endpointStatements.failed("a", "u", 5)],
    stop: [endpointStatements.stop("a", "u", "gone")],
    enable: [endpointStatements.enable("a", "u")],
    forget: [endpointStatements.forget(10)],
  } satisfies Record<keyof typeof endpointStatements, readonly Sql[]>;

  const ofSecrets = {
    insert: [secretStatements.insert("a", "s")],
    find: [secretStatements.find("a")],
    show: [secretStatements.show("a")],
    rotate: [secretStatements.rotate("a", "s")],
    reseal: [secretStatements.reseal("a", "s", { sealed: "t", previous: null })],
  } satisfies Record<keyof typeof secretStatements, readonly Sql[]>;

  const attempt = { accountId: "a", id: "i", attempt: 1 };
  const ofProgress = {
    note: [progressStatements.note(attempt, { progress: 0.5, message: "m", previewUrl: null, lines: ["l"] })],
    toTell: [progressStatements.toTell(attempt)],
    running: [progressStatements.running(attempt)],
  } satisfies Record<keyof typeof progressStatements, readonly Sql[]>;

  const ofWatch = {
    watch: [watchStatements.watch("a", "i", 0, 1)],
    watchAccount: [watchStatements.watchAccount("a", 0, 1)],
    changed: [watchStatements.changed("a", 10, 1)],
  } satisfies Record<keyof typeof watchStatements, readonly Sql[]>;

  const ofUsage = {
    sums: ["a", null].flatMap((accountId) =>
      [[], ["day", "model"] as const].map((by) => usageStatements.sums({ accountId, fromDay: 1, toDay: 2 }, by, 10)),
    ),
    spent: [usageStatements.spent("a")],
  } satisfies Record<Exclude<keyof typeof usageStatements, "holdBudgets">, readonly Sql[]>; // which reads all budgets, and nothing else of accounts

  const groups: Record<string, Record<string, readonly Sql[]>> = {
    inferences: ofInferences,
    progress: ofProgress,
    watch: ofWatch,
    usage: ofUsage,
    notes: ofNotes,
    open: ofOpen,
    retention: ofRetention,
    ended: ofEnded,
    keys: ofKeys,
    audit: ofAudit,
    models: ofModels,
    schemas: ofSchemas,
    backends: ofBackends,
    accounts: ofAccounts,
    files: ofFiles,
    batches: ofBatches,
    lines: ofLines,
    removals: ofRemovals,
    deliveries: ofDeliveries,
    webhooks: ofWebhooks,
    endpoints: ofEndpoints,
    secrets: ofSecrets,
  };
  const samples = Object.entries(groups).flatMap(([group, statements]) =>
    Object.entries(statements).flatMap(([name, texts]) => texts.map((statement, index) => [group, name, index + 1, statement] as const)),
  );

  test.each(samples)("%s.%s (%i)", async (_group, _name, _index, statement) => {
    const plan = await db.all({ text: `EXPLAIN QUERY PLAN ${statement.text}`, params: statement.params });
    const tables = new Set(TABLES);
    for (const [, alias] of statement.text.matchAll(new RegExp(`\\b(?:FROM|JOIN)\\s+(?:${TABLES.join("|")})\\s+AS\\s+(\\w+)`, "g"))) {
      tables.add(String(alias));
    }
    const derived = new Map<string, number>(); // subqueries may be scanned, also one that shares its name with a table's alias
    for (const [, name] of statement.text.matchAll(/\) AS (\w+)/g)) derived.set(String(name), (derived.get(String(name)) ?? 0) + 1);
    const scanned = plan.flatMap(({ detail }) => {
      const name = /^SCAN (\w+)/.exec(String(detail))?.[1] ?? "";
      const left = derived.get(name) ?? 0;
      derived.set(name, left - 1);
      return tables.has(name) && left <= 0 ? [detail] : [];
    });
    expect(plan).not.toEqual([]);
    expect(scanned).toEqual([]);
  });

  test("and a scan would be noticed", async () => {
    const plan = await db.all({ text: "EXPLAIN QUERY PLAN SELECT count(*) FROM inferences AS other WHERE key_id = 'k'", params: [] });
    expect(plan.map(({ detail }) => detail)).toEqual(["SCAN other"]);
  });
});
