/** Planted bugs in what watchers are told. */
import type { Row } from "../../../src/platform/sql.ts";
import type { Ports, Told, Watch } from "../../../src/ports.ts";
import { type Mutation, within } from "./rewrite.ts";

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

/** Changes the logs that are told of, and not those in the database. */
const ofToldLogs =
  (change: (log: readonly LogLine[]) => readonly LogLine[]): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => {
    const changed = (row: Row): Row => ({ ...row, log: JSON.stringify(change(JSON.parse(String(row["log"])) as LogLine[])) }); // as a row has it
    return {
      ...ports,
      watch: { ...ports.watch, tell: (accountId, object, rows) => ports.watch.tell(accountId, object, rows.map(changed)) },
    };
  };

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
    name: "who comes back to the events of an account begins with the next",
    ports: (ports) => ({ ...ports, watch: { ...ports.watch, open: (accountId, topic) => ports.watch.open(accountId, topic) } }),
  },
];
