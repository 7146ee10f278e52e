/** Planted bugs in what watchers are told. */
import type { Row, Sql } from "../../../src/platform/sql.ts";
import { ALL, type Ports, type Told, type Watch } from "../../../src/ports.ts";
import { type Mutation, begins, within } from "./rewrite.ts";

interface LogLine {
  readonly at: number;
  readonly event: string;
}

/** Changes how one watches. */
const ofWatches =
  (change: (watch: Watch) => Partial<Watch>): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => ({
    ...ports,
    watch: {
      ...ports.watch,
      async open(...asked) {
        const watch = await ports.watch.open(...asked);
        return watch && { object: watch.object, next: watch.next.bind(watch), close: watch.close.bind(watch), ...change(watch) };
      },
    },
  });

/** Changes the rows that are told of, and not those in the database. */
const ofToldRows =
  (change: (row: Row) => Row): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => ({
    ...ports,
    watch: { ...ports.watch, tell: (accountId, object, rows) => ports.watch.tell(accountId, object, rows.map(change)) },
  });

/** The same with their logs. */
const ofToldLogs = (change: (log: readonly LogLine[]) => readonly LogLine[]) =>
  ofToldRows((row) => ({ ...row, log: JSON.stringify(change(JSON.parse(String(row["log"])) as LogLine[])) })); // as a row has it

/** Changes how one watches an inference, and not all of an account. */
const ofOne =
  (change: (watch: Watch, ports: Ports) => Partial<Watch>): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => ({
    ...ports,
    watch: {
      ...ports.watch,
      async open(accountId, topic, after) {
        const watch = await ports.watch.open(accountId, topic, after);
        if (!watch || topic === ALL) return watch;
        return { object: watch.object, next: watch.next.bind(watch), close: watch.close.bind(watch), ...change(watch, ports) };
      },
    },
  });

/** Who waits for the end of an inference reads it again in the end, and here is given what it read first. */
const readOnce: NonNullable<Mutation["ports"]> = (ports) => {
  const read = new Map<string, Row[]>();
  const { db } = ports;
  const all = async (statement: Sql) => read.get(statement.text) ?? db.all(statement);
  const batch = async (statements: readonly Sql[]) => {
    const answers = await db.batch(statements);
    const [first, second] = statements;
    if (first && second && MARK(first.text)) read.set(second.text, answers[1] ?? []);
    return answers;
  };
  return { ...ports, db: { ...db, all, batch } };
};

const MARK = begins("UPDATE inferences SET watch_objects");

export const WATCHING_BUGS: readonly Mutation[] = [
  {
    name: "tells are lost, and who watches does not look",
    ports: (ports, ...more) => {
      const deaf = ofWatches((watch) => ({ next: (_ms, signal) => watch.next(3_600_000, signal) }))(ports, ...more);
      return { ...deaf, watch: { ...deaf.watch, tell: async () => {} } };
    },
  },
  { name: "a change is told to nobody", rewrite: within((text) => text.includes("AS toldTo"), " AS toldTo", " || NULL AS toldTo") },
  {
    name: "an event is told twice",
    ports: ofWatches((watch) => ({
      async next(ms, signal): Promise<readonly Told[] | null> {
        const told = await watch.next(ms, signal);
        return told && [...told, ...told.slice(-1)];
      },
    })),
  },
  {
    name: "a failure is told as an expiry",
    ports: ofToldRows((row) => (row["status"] === "failed" ? { ...row, status: "expired" } : row)),
  },
  {
    name: "what was rolled back is told",
    ports: ofToldLogs((log) => (log.at(-1)?.event === "claimed" ? [...log, { at: log.at(-1)?.at ?? 0, event: "attempt_failed" }] : log)),
  },
  {
    name: "a line is told before the one that it follows",
    ports: ofToldLogs((log) => (log.length > 2 ? [...log.slice(0, -2), ...log.slice(-2).toReversed()] : log)),
  },
  {
    name: "a line between two others is told to nobody",
    ports: ofToldLogs((log) => log.filter((_, index) => index !== 1 || log.length < 3)),
  },
  {
    name: "who waits for an inference hears nothing, and looks in the end",
    ports: ofOne((_watch, { clock }) => ({
      async next(ms, signal): Promise<readonly Told[]> {
        await clock.sleep(ms, signal);
        return [];
      },
    })),
  },
  {
    name: "who waits for an inference does so for 15 s more",
    ports: ofOne((watch) => ({ next: (ms, signal) => watch.next(ms + 15_000, signal) })),
  },
  {
    name: "the time of who waits is over when half of it is",
    ports: (ports, schedule, by) => {
      const beganAt = schedule.now;
      return by === "client" ? { ...ports, clock: { ...ports.clock, now: () => ports.clock.now() + schedule.now - beganAt } } : ports;
    },
  },
  { name: "who has waited is told how the inference stood before", ports: readOnce },
  { name: "a filter by status is not looked at", query: (query) => query.delete("status") },
  { name: "a filter by model is not looked at", query: (query) => query.delete("model") },
  {
    name: "of the statuses of a filter only the first is looked for",
    query: (query) => {
      const [first] = query.get("status")?.split(",") ?? [];
      if (first !== undefined) query.set("status", first);
    },
  },
  {
    name: "of a filter by model and status only the model is looked at",
    query: (query) => {
      if (query.has("model")) query.delete("status");
    },
  },
  {
    name: "who comes back to the events of an account begins with the next",
    ports: (ports) => ({ ...ports, watch: { ...ports.watch, open: (accountId, topic) => ports.watch.open(accountId, topic) } }),
  },
];
