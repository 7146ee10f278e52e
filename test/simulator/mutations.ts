/**
 * Planted bugs, to see whether the simulator would have found them. Each is put in from outside: the text of a statement
 * is rewritten on its way to the database, or the ports are wrapped. The code under test knows nothing of them.
 */
import type { Fetch } from "../../src/backends/backend.ts";
import { WAITER_LOOK_MAX_MS } from "../../src/limits.ts";
import type { Ports } from "../../src/ports.ts";
import type { Database } from "../../src/platform/sql.ts";
import { ANSWER_BUGS } from "./planted/answers.ts";
import { GROUP_BUGS } from "./planted/groups.ts";
import { WEBHOOK_AND_STORAGE_BUGS } from "./planted/beside.ts";
import { PROGRESS_BUGS } from "./planted/progress.ts";
import { STREAM_BUGS } from "./planted/streams.ts";
import { WATCHING_BUGS } from "./planted/watching.ts";
import { HEAD_BUGS } from "./planted/heads.ts";
import { type Mutation, begins, both, within } from "./planted/rewrite.ts";

const NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)";
const OF_THE_LEASE = "AND attempt = ? AND lease = ?";
const OF_ANY_LEASE = "AND ? IS NOT NULL AND ? IS NOT NULL";

const END = begins("UPDATE inferences SET status = (asked.it ->> 4)");
const OF_ITS_LEASE = "AND attempt = (asked.it ->> 2) AND lease = (asked.it ->> 3)";
const RETRY = begins("UPDATE inferences SET status = 'queued'", OF_THE_LEASE);
const CLAIM = begins("UPDATE inferences SET status = 'in_progress'");
const CLAIM_FRONT = begins("UPDATE inferences SET status = 'in_progress'", "AS slots, (SELECT");
const CLAIM_WHOLE = begins("UPDATE inferences SET status = 'in_progress'", "WITH RECURSIVE full");
const RENEW = begins("UPDATE inferences SET lease_until", "json_each");
const LOOK = begins("SELECT account_id AS accountId, id, attempt FROM inferences", "AND status = 'canceled' AND lease = ?");
const REQUEUE_LAPSED = begins("UPDATE inferences SET status = 'queued'", "AND lease_until <=");
const FAIL_LAPSED = begins("UPDATE inferences SET status = 'failed'", "AND lease_until <=");
const READY = begins("UPDATE inferences SET not_before = NULL");
const DELAYED = begins("INSERT INTO inferences", "iif(? > lane.now");
const AGE = begins("UPDATE inferences SET level = level - 1");
const CANCEL = begins("UPDATE inferences SET status = 'canceled'", "WHERE account_id = ? AND id = ?");
const REDRIVE = begins("UPDATE inferences SET status = 'queued'", "attempts_before = attempt");
const CLAIM_FOR_ANY = begins("UPDATE inferences SET status = 'in_progress'", "coalesce(inferences.waiter, ?)");
const CLAIM_OWN = begins("UPDATE inferences SET status = 'in_progress'", "AND inferences.waiter = ?");
const HANDED_OVER = begins("UPDATE inferences SET lease_until", "AND attempt > ?");
const GIVE_BACK = begins("UPDATE inferences SET lease = NULL", "AND id = ? AND lease = ? AND status = 'canceled'");
const RELEASE = begins("UPDATE inferences SET lease = NULL", "AND attempt = ? AND lease = ? AND status = 'canceled'");
const LOST_WAKE_UPS = begins("SELECT lane.model, lane.version, lane.slots");
const FAILED_THERE = begins("UPDATE backends SET last_error =", "blamed = iif(");
const INSERT_GROUP = begins("INSERT INTO inferences", "common.turn + asked.key");
const INSERT_NOTED = begins("INSERT INTO inferences", "FROM due_notes");
const WRITE_NOTES = begins("INSERT INTO due_notes");
const SCHEMA = begins("--", "CREATE TABLE inferences");

/** The same, for what is asked by requests that wait. */
const ofRequests =
  (change: (ports: Ports) => Ports): NonNullable<Mutation["ports"]> =>
  (ports, _schedule, by) =>
    by === "waiter" ? change(ports) : ports;

const asked = (db: Database, rewrite: (text: string) => string): Database => ({
  all: (statement) => db.all({ ...statement, text: rewrite(statement.text) }),
  batch: (statements) => db.batch(statements.map((statement) => ({ ...statement, text: rewrite(statement.text) }))),
});

/** A clock that stands still while the database is asked. */
function standing(ports: Ports): Ports {
  let lost = 0;
  const { clock, db } = ports;
  const timed = async <T>(question: () => Promise<T>) => {
    const began = clock.now();
    try {
      return await question();
    } finally {
      lost += clock.now() - began;
    }
  };
  return {
    ...ports,
    clock: { ...clock, now: () => clock.now() - lost },
    db: { all: (statement) => timed(() => db.all(statement)), batch: (statements) => timed(() => db.batch(statements)) },
  };
}

/** Ends for whoever asks when the signal says so; the connection does not. */
function leftOpen(fetch: Fetch): Fetch {
  return (url, { signal, ...init }) => {
    const { promise, reject } = Promise.withResolvers<never>();
    signal?.addEventListener("abort", () => reject(new DOMException("This operation was aborted", "AbortError")));
    return Promise.race([fetch(url, init), promise]);
  };
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "a success is written without its fence",
    rewrite: within(END, OF_ITS_LEASE, `AND ((asked.it ->> 4) = 'succeeded' OR TRUE ${OF_ITS_LEASE})`),
  },
  {
    name: "a failure is written without its fence",
    rewrite: both(
      within(END, OF_ITS_LEASE, `AND ((asked.it ->> 4) = 'failed' OR TRUE ${OF_ITS_LEASE})`),
      within(RETRY, OF_THE_LEASE, OF_ANY_LEASE),
    ),
  },
  {
    name: "the sweep takes leases that live",
    rewrite: within(REQUEUE_LAPSED, `lease_until <= ${NOW}`, `lease_until <= ${NOW} + 20000`),
  },
  {
    name: "no wake-up is sent, and none that is missing is noticed",
    rewrite: within(LOST_WAKE_UPS, "WHERE lane.slots > 0", "WHERE 0"),
    ports: (ports) => ({ ...ports, wake: async () => {} }),
  },
  { name: "lost wake-ups are not noticed", rewrite: within(LOST_WAKE_UPS, "WHERE lane.slots > 0", "WHERE 0") },
  {
    name: "a claim of the front does not look whether it may go",
    rewrite: within(CLAIM_FRONT, "AND NOT (EXISTS", "AND NOT (0 AND EXISTS"),
  },
  {
    name: "two that are claimed together are given the same slot",
    rewrite: within(CLAIM_FRONT, "slots.them ->> line.key) AS backend_id", "slots.them ->> (line.key / 2)) AS backend_id"),
  },
  { name: "a claim does not look at capacity", rewrite: within(CLAIM, "backends.max_concurrency - (", "1000 - (") },
  {
    name: "a claim does not look at the circuit",
    rewrite: both(
      within(CLAIM_FRONT, `AND coalesce(rested_until, 0) <= ${NOW} AND NOT`, "AND NOT"),
      within(CLAIM_WHOLE, `OR coalesce(backends.rested_until, 0) <= ${NOW}), min(`, "OR 1), min("),
    ),
  },
  {
    name: "what has failed proves a circuit",
    rewrite: both(
      within(CLAIM_WHOLE, "iif(able.is_probe, has_failed, 0)", "0 * has_failed"),
      within(CLAIM_WHOLE, "iif(able.is_probe, first.has_failed, 0)", "0 * first.has_failed"),
    ),
  },
  {
    name: "one account's bad inputs open a circuit to all",
    rewrite: both(
      within(FAILED_THERE, "WHEN ? AND (failures = 0", "WHEN 0 * ? AND (failures = 0"),
      within(FAILED_THERE, "AND NOT (? AND EXISTS", "AND NOT (0 * ? AND EXISTS"),
    ),
  },
  { name: "a claim does not look at an account's cap", rewrite: within(CLAIM, "AND account_concurrency IS NOT NULL", "AND 0") },
  { name: "a claim does not look at the level", rewrite: within(CLAIM, "ORDER BY level, turn, id", "ORDER BY turn, id") },
  { name: "a claim does not look at the turn", rewrite: within(CLAIM, "ORDER BY level, turn, id", "ORDER BY level, id") },
  {
    name: "an account's next inference gets the turn of its last",
    rewrite: both(
      within(begins("INSERT INTO inferences"), "max(peer.turn) + 1", "max(peer.turn)"),
      within(begins("INSERT INTO inferences"), "turn + 1, NULL", "turn, NULL"),
    ),
  },
  {
    name: "submits that come together all get the turn of the first",
    rewrite: within(INSERT_GROUP, "common.turn + asked.key", "common.turn"),
  },
  {
    name: "submits that come together are not counted",
    rewrite: within(begins("UPDATE accounts SET open_at_most = open_at_most + (taken"), "AND changes() = ?", "AND changes() < 0 * ?"),
  },
  {
    name: "a note is forgotten, and those that it would stand for are marked all the same",
    rewrite: both(
      within(WRITE_NOTES, "WHERE TRUE", "WHERE FALSE"),
      within(INSERT_NOTED, "SELECT note.seen FROM due_notes", "SELECT coalesce(max(note.seen), '') FROM due_notes"),
    ),
  },
  {
    name: "a note is due later than what it stands for, and no insert compares the two",
    rewrite: both(
      within(WRITE_NOTES, "SELECT value ->> 0,", "SELECT (value ->> 0) + 120000,"),
      both(
        within(INSERT_NOTED, "WHERE note.due_at =", "WHERE note.due_at - 120000 ="),
        within(INSERT_NOTED, "AND note.due_at <= lane.now +", "AND 0 <= lane.now +"),
      ),
    ),
  },
  { name: "a note ends, and what waits stays marked", rewrite: within(SCHEMA, "id < OLD.ids || '~'", "id < OLD.ids") },
  { name: "what ages gets the turn that is being served", rewrite: within(AGE, "min(peer.turn) + 1", "min(peer.turn)") },
  { name: "what is redriven gets the turn that is being served", rewrite: within(REDRIVE, "min(peer.turn) + 1", "min(peer.turn)") },
  {
    name: "attempts have no bound where runners are lost",
    rewrite: both(
      within(REQUEUE_LAPSED, "attempt - attempts_before - unreached < max_attempts", "1"),
      within(FAIL_LAPSED, "attempt - attempts_before - unreached >= max_attempts", "0"),
    ),
  },
  {
    name: "a redrive goes on counting attempts",
    rewrite: within(REDRIVE, "attempts_before = attempt", "attempts_before = attempts_before"),
  },
  {
    name: "what is redriven counts as failed",
    rewrite: within(SCHEMA, "(attempt - attempts_before > unreached)", "(attempt > unreached)"),
  },
  {
    name: "an output is said before it is stored",
    ports: (ports, schedule) => ({
      ...ports,
      payloads: {
        ...ports.payloads,
        put: async (key, value, options) => {
          schedule.after(2_000, () => {
            ports.payloads.put(key, value, options).catch(() => {});
          });
        },
      },
    }),
  },
  { name: "a back-off never ends", rewrite: within(READY, `not_before <= ${NOW}`, "0") },
  {
    name: "what is to begin later begins at once",
    rewrite: within(DELAYED, "iif(? > lane.now, ?, NULL)", "iif(? > lane.now, nullif(?, 0) * NULL, NULL)"),
  },
  {
    name: "what is to begin later begins 5 s early",
    rewrite: within(DELAYED, "iif(? > lane.now, ?, NULL)", "iif(? > lane.now, ? - 5000, NULL)"),
  },
  { name: "a delay takes from the time in the queue", rewrite: within(DELAYED, "max(lane.now, ?)", "max(lane.now, 0 * ?)") },
  { name: "what begins later takes the turn that is being served", rewrite: within(READY, "iif(attempt = 0,", "iif(0,") },
  {
    name: "an Idempotency-Key is not unique",
    rewrite: within(SCHEMA, "CREATE UNIQUE INDEX inferences_idempotent", "CREATE INDEX inferences_idempotent"),
  },
  { name: "a success can be canceled", rewrite: within(CANCEL, "('queued','in_progress')", "('queued','in_progress','succeeded')") },
  { name: "the slot of what was canceled is not given back by its runner", rewrite: within(RELEASE, "WHERE ", "WHERE 0 AND ") },
  { name: "a lapsed lease can be renewed", rewrite: within(RENEW, `AND lease_until > ${NOW}`, "") },
  {
    name: "a runner that hears nothing does not let go",
    ports: (ports) => ({
      ...ports,
      clock: { ...ports.clock, after: () => () => {} },
    }),
  },
  {
    name: "a cancel does not close the call",
    ports: (ports) => ({ ...ports, fetch: (url, init) => ports.fetch(url, { ...init, signal: null }) }),
  },
  { name: "a lease counts from when its grant is heard of", ports: standing },
  {
    name: "a runner claims in its own name what a request waits for",
    rewrite: both(
      within(CLAIM_FRONT, "lease = coalesce(inferences.waiter, pick.lease)", "lease = pick.lease"),
      within(CLAIM_FOR_ANY, "lease = coalesce(inferences.waiter, ?)", "lease = ?"),
    ),
  },
  {
    name: "a request runs what another one waits for",
    rewrite: within(CLAIM_OWN, "AND inferences.waiter = ?", "AND inferences.waiter IS NOT NULL AND ? IS NOT NULL"),
  },
  {
    name: "the sweep leaves to a request what that has lost",
    rewrite: within(REQUEUE_LAPSED, "waiter = NULL", "waiter = waiter"),
  },
  { name: "a redrive is left to a request that has had its answer", rewrite: within(REDRIVE, "waiter = NULL", "waiter = waiter") },
  {
    name: "a request takes up a lease that has nearly lapsed",
    rewrite: within(HANDED_OVER, `SET lease_until = ${NOW} + ?`, "SET lease_until = lease_until + 0 * ?"),
  },
  { name: "a request begins again at what it has let go of", rewrite: within(HANDED_OVER, "AND attempt > ?", "AND ? IS NOT NULL") },
  {
    name: "a request does not hear that its inference was canceled",
    ports: ofRequests((ports) => ({
      ...ports,
      db: asked(ports.db, both(within(RENEW, "AND status = 'in_progress'", ""), within(LOOK, "WHERE ", "WHERE 0 AND "))),
    })),
  },
  { name: "a request lets go and does not close its call", ports: ofRequests((ports) => ({ ...ports, fetch: leftOpen(ports.fetch) })) },
  {
    name: "a client that leaves cancels nothing",
    ports: ofRequests((ports) => ({ ...ports, db: asked(ports.db, within(CANCEL, "WHERE ", "WHERE 0 AND ")) })),
  },
  { name: "a slot that no request took up is not given back", rewrite: within(GIVE_BACK, "WHERE ", "WHERE 0 AND ") },
  {
    name: "a request that waits looks once in ten seconds",
    ports: ofRequests((ports) => ({
      ...ports,
      clock: { ...ports.clock, sleep: (ms, signal) => ports.clock.sleep(ms <= WAITER_LOOK_MAX_MS ? 10_000 : ms, signal) },
    })),
  },
  {
    name: "a grant has one permit more than its gate gave",
    ports: (ports) => ({
      ...ports,
      gate: {
        ...ports.gate,
        async admit(...call) {
          const verdict = await ports.gate.admit(...call);
          return verdict.admitted && verdict.later > 0 ? { ...verdict, later: verdict.later + 1 } : verdict;
        },
      },
    }),
  },
  {
    name: "the gate lets one too many through",
    key: (key) => ({ ...key, limits: { read: key.limits.read + 1, submit: key.limits.submit + 1, cancel: key.limits.cancel + 1 } }),
  },
  ...GROUP_BUGS,
  ...ANSWER_BUGS,
  ...WEBHOOK_AND_STORAGE_BUGS,
  ...WATCHING_BUGS,
  ...PROGRESS_BUGS,
  ...STREAM_BUGS,
  ...HEAD_BUGS,
];
