/**
 * Watch: sees an inference change without asking for it. Who watches is heard of at a watch object of the account first, then
 * marks the row and reads it in one transaction: whatever changes it after that is told. A tell may be lost with the isolate
 * that was to make it, so who hears nothing for WATCH_LOOK_MS looks once; a connection that is lost is made again, and the
 * row read with it. Those of an isolate who look at the same moment look together, and mark
 * together; of those who watch the same one marks it for all.
 */
import { MEMORY_THINGS, WATCH_LOOK_MS, WATCH_MARK_MS, WATCHERS_PER_ACCOUNT } from "../limits.ts";
import { ALL, type AfterEvent, type Ports, type Told, type Watch } from "../ports.ts";
import { problem } from "../problem.ts";
import { Memory } from "../platform/memory.ts";
import { Together } from "../platform/together.ts";
import type { InferenceName } from "./change.ts";
import type { After } from "./hints.ts";
import type { Inference } from "./inference.ts";
import { type Name, findTogether, findWithWait } from "./sql/read.ts";
import { fromRow } from "./sql/record.ts";
import { type Marked, watched, watchedAccount } from "./sql/watch.ts";
import { isFinal } from "./status.ts";

type Watching = Pick<Ports, "db" | "watch" | "clock">;
/** The same for one inference. */
export type WatchingOne = Watching & Pick<Ports, "isolate">;

/** How one is watched. */
export interface Watcher {
  /** Ms, by the isolate's clock. */
  readonly endAt: number;
  readonly signal: AbortSignal;
  readonly after: After;
  /** Whether the first state, and what is read later, has why it waits: that reads as many rows more as wait before it. */
  readonly withWait: boolean;
}

/** Begins to watch what an account has under a topic: an inference's id, or ALL. Throws `too_many_waiting` if too many watch already. */
export async function openWatch(ports: Watching, accountId: string, topic: string, after: AfterEvent | null = null): Promise<Watch> {
  const watch = await ports.watch.open(accountId, topic, after);
  if (watch) return watch;
  throw problem("too_many_waiting", {
    detail: `${WATCHERS_PER_ACCOUNT} requests of the account wait or watch already. Try again when some have ended, or watch many inferences by one GET /v1/events.`,
    headers: { "Retry-After": "5" },
  });
}

/** Inferences that were told, by what told of them: many may watch the same. */
const inferences = new WeakMap<Told, Inference>();

/** The inference that is told of; made once for all of an isolate. Throws if it is none. */
export function inferenceIn(told: Told): Inference {
  const known = inferences.get(told);
  if (known) return known;
  const inference = fromRow(told.row ?? {});
  inferences.set(told, inference);
  return inference;
}

type Answer = Inference | null;
type Kinds<Question> = Record<"waiting" | "plain", Together<Question, Answer>>;

/** What an isolate asks of inferences that are watched: those with why they wait, and the others. */
interface Asking {
  readonly looks: Kinds<Name>;
  readonly marks: Kinds<Marked>;
  /** What it has marked lately: whoever watches it at the same object meanwhile need not mark it too. */
  readonly marked: Memory<true>;
}

const askings = new WeakMap<object, Asking>();

function askingOf({ clock, isolate }: WatchingOne): Asking {
  const known = askings.get(isolate);
  if (known) return known;
  const kinds = <Question>(): Kinds<Question> => ({ waiting: new Together(clock), plain: new Together(clock) });
  const asking: Asking = { looks: kinds(), marks: kinds(), marked: new Memory(MEMORY_THINGS) };
  askings.set(isolate, asking);
  return asking;
}

/** The inference as it is now, of which each change after that is told at the object. */
function watchedAt(ports: WatchingOne, [accountId, id]: Name, object: number, { withWait, after }: Watcher): Promise<Answer> {
  const { db, clock } = ports;
  const { looks, marks, marked } = askingOf(ports);
  const kind = withWait ? "waiting" : "plain";
  const markOf = (its: Marked) => its.join(" ");
  if (marked.get(markOf([accountId, id, object]), clock.now()) !== undefined)
    return looks[kind].ask([accountId, id], (names) => findTogether(db, names, withWait), after);
  const askAll = async (asked: readonly Marked[]) => {
    const until = clock.now() + WATCH_MARK_MS / 2; // the database's clock may be another
    const states = await watched(db, asked, { ms: WATCH_MARK_MS, withWait });
    // What has ended was not marked, and may be redriven.
    for (const [place, its] of asked.entries()) if (!isFinal(states[place]?.status ?? "canceled")) marked.set(markOf(its), true, until);
    return states;
  };
  return marks[kind].ask([accountId, id, object], askAll, after);
}

/**
 * An inference as it is, then as each change leaves it, until `endAt` or the signal, and as it is each time nothing was heard for WATCH_LOOK_MS. Ends
 * when the inference is gone.
 */
export async function* statesOf(ports: WatchingOne, { accountId, id }: InferenceName, watcher: Watcher): AsyncGenerator<Inference> {
  const { clock } = ports;
  const { endAt, signal } = watcher;
  while (!signal.aborted && clock.now() < endAt) {
    const watch = await openWatch(ports, accountId, id);
    const look = () => watchedAt(ports, [accountId, id], watch.object, watcher);
    try {
      let state = await look();
      if (!state) return;
      yield state;
      for (;;) {
        const told = await watch.next(Math.min(WATCH_LOOK_MS, endAt - clock.now()), signal);
        if (!told || signal.aborted) break;
        for (const it of told) if (it.row) yield inferenceIn(it);
        if (clock.now() >= endAt) return;
        if (told.length > 0) continue;
        state = await look();
        if (!state) return;
        yield state;
      }
    } finally {
      watch.close();
    }
  }
}

/** Waits for the end of an inference for at most `ms`, or until the client is gone. How it stands then; null if it is no more. */
export async function waitForEnd(
  ports: WatchingOne,
  name: InferenceName,
  ms: number,
  { gone, after }: { readonly gone: AbortSignal; readonly after: After },
): Promise<Inference | null> {
  const endAt = ports.clock.now() + ms;
  for await (const state of statesOf(ports, name, { endAt, signal: gone, after, withWait: false })) if (isFinal(state.status)) return state;
  return findWithWait(ports.db, name.accountId, name.id);
}

/**
 * What is told of an account's inferences, as it comes, after an event if that is given; nothing once somebody listens, and each
 * WATCH_LOOK_MS in which nothing is told.
 */
export async function* toldOf(
  ports: Watching,
  accountId: string,
  after: AfterEvent | null,
  endAt: number,
  signal: AbortSignal,
): AsyncGenerator<{ readonly object: number; readonly told: readonly Told[] }> {
  const { clock, db } = ports;
  let last = after;
  while (!signal.aborted && clock.now() < endAt) {
    const watch = await openWatch(ports, accountId, ALL, last);
    const { object } = watch;
    try {
      yield { object, told: [] };
      let markedAt = -Infinity;
      while (!signal.aborted && clock.now() < endAt) {
        if (clock.now() - markedAt > WATCH_MARK_MS / 2) {
          markedAt = clock.now();
          await watchedAccount(db, accountId, object, WATCH_MARK_MS);
        }
        const told = await watch.next(Math.min(WATCH_LOOK_MS, endAt - clock.now()), signal);
        if (!told) break;
        const event = told.findLast((it) => it.event !== undefined)?.event; // progress has none
        if (event !== undefined) last = { object, event };
        yield { object, told };
      }
      last ??= { object, event: "" }; // it is told that it has missed something
    } finally {
      watch.close();
    }
  }
}
