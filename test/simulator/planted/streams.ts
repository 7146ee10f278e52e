/** Planted bugs in streams that resume. */
import type { Ports, StreamPage } from "../../../src/ports.ts";
import type { Mutation } from "./rewrite.ts";

interface Read {
  readonly attempt: number;
  readonly offset: number;
  /** How many reads of its request came before it. */
  readonly before: number;
}

/** Changes what a request reads of a stream. */
const ofReads =
  (from: (read: Read) => number, change: (page: StreamPage, read: Read) => StreamPage): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => {
    let reads = 0;
    const after: Ports["streams"]["after"] = async (accountId, id, attempt, offset, ms) => {
      const read = { attempt, offset, before: reads++ };
      return change(await ports.streams.after(accountId, id, attempt, from(read), ms), read);
    };
    return { ...ports, streams: { ...ports.streams, after } };
  };

export const STREAM_BUGS: readonly Mutation[] = [
  {
    name: "a reader that comes back misses a byte",
    // The first read is for whether there is such a place.
    ports: ofReads(
      ({ offset, before }) => (before === 1 && offset > 0 ? offset + 1 : offset),
      (page) => page,
    ),
  },
  {
    name: "a second attempt's bytes are glued to the first's",
    ports: ofReads(
      ({ offset }) => offset,
      (page, { attempt }) => (attempt > 0 && page.attempt > attempt ? { ...page, attempt } : page),
    ),
  },
  {
    name: "all attempts write one stream",
    ports: (ports) => ({
      ...ports,
      streams: {
        ...ports.streams,
        append: (accountId, id, _attempt, begins, bytes) => ports.streams.append(accountId, id, 1, begins, bytes),
      },
    }),
  },
  {
    name: "a piece of a stream that fails is left out",
    ports: (ports) => ({
      ...ports,
      streams: {
        ...ports.streams,
        append: (accountId, id, attempt, begins, bytes) =>
          ports.streams.append(accountId, id, attempt, begins, bytes).catch(() => "kept" as const),
      },
    }),
  },
];
