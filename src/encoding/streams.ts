/** PURE. Bodies as streams: handed on chunk by chunk at the pace of their taker, or read up to a limit. */
import { joined } from "./chunks.ts";

/** The size of a chunk that is handed on. */
const CHUNK_BYTES = 262_144;

/** The sender's side of a body failed: it broke off, or can't be decoded. The cause is the platform's own error. */
export class BrokenOff extends Error {
  constructor(cause: unknown) {
    super("the body broke off", { cause });
    this.name = "BrokenOff";
  }
}

/** What a body's reader gives. Rejects with BrokenOff, so that a body that fails can't be mistaken for a fault of ours. */
export async function fromSender<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw new BrokenOff(error);
  }
}

/**
 * Hands a body on, chunk by chunk: the next is read when the one before was taken, and its buffer may be used again
 * then. Throws BrokenOff if the body breaks off; throws too if the taker throws
 * or `over` is aborted; the body is then canceled.
 */
export async function pump(body: ReadableStream, take: (chunk: Uint8Array) => Promise<void>, over: AbortSignal): Promise<void> {
  const reader = readerOf(body);
  const stop = () => void reader.cancel();
  over.addEventListener("abort", stop);
  try {
    for (;;) {
      over.throwIfAborted();
      const chunk = await fromSender(reader.read());
      over.throwIfAborted(); // a body that was canceled looks like one that has ended
      if (chunk === null) return;
      if (chunk.byteLength > 0) await take(chunk);
    }
  } catch (error) {
    await reader.cancel();
    throw error;
  } finally {
    over.removeEventListener("abort", stop);
  }
}

/** The platform's reader can wait until a buffer is filled, so that many small reads become one chunk. */
interface Filling {
  read(view: Uint8Array<ArrayBuffer>): Promise<{ value?: Uint8Array<ArrayBuffer> | undefined }>;
  readAtLeast?(bytes: number, view: Uint8Array<ArrayBuffer>): Promise<{ value?: Uint8Array<ArrayBuffer> | undefined }>;
  cancel(): Promise<void>;
}

/** Reads into the same buffer again and again if the body can do that, so that a large body makes no garbage. */
function readerOf(body: ReadableStream): { read(): Promise<Uint8Array | null>; cancel(): Promise<void> } {
  let byob: ReadableStreamBYOBReader | null = null;
  try {
    byob = body.getReader({ mode: "byob" });
  } catch {
    // A stream that a script made, which has no such reader.
  }
  if (byob) {
    const reader: Filling = byob;
    let buffer = new ArrayBuffer(CHUNK_BYTES);
    return {
      async read() {
        const view = new Uint8Array(buffer);
        const { value } = await (reader.readAtLeast?.(CHUNK_BYTES, view) ?? reader.read(view));
        if (value) buffer = value.buffer;
        return value && value.byteLength > 0 ? value : null; // the last bytes may come together with the end
      },
      cancel: () => reader.cancel().catch(() => {}),
    };
  }
  const reader: ReadableStreamDefaultReader<Uint8Array> = body.getReader();
  return {
    async read() {
      const { done, value } = await reader.read();
      return done ? null : value;
    },
    cancel: () => reader.cancel().catch(() => {}),
  };
}

/** How fast a body has to come: from `graceMs` after its first read on, so many bytes a second on average. */
export interface Pace {
  readonly graceMs: number;
  readonly bytesPerSecond: number;
}

/** A body came more slowly than its pace. */
export class TooSlow extends Error {}

/**
 * Hands on the chunks of a body as they come, up to `limitBytes`. Returns false if there are more bytes than that: then the
 * last chunk is cut at the limit and the rest is canceled unread. The body is also canceled if the taker throws, or if it
 * comes more slowly than `pace`, which throws `TooSlow`.
 */
export async function readUpTo(
  body: ReadableStream<Uint8Array>,
  limitBytes: number,
  take: (chunk: Uint8Array, bytesSoFar: number) => void,
  pace?: Pace,
): Promise<boolean> {
  const reader = body.getReader();
  const from = Date.now();
  let bytes = 0;
  for (;;) {
    const { done, value } = pace
      ? await readInTime(reader, from + pace.graceMs + (bytes / pace.bytesPerSecond) * 1_000)
      : await fromSender(reader.read());
    if (done) return true;
    const left = limitBytes - bytes;
    bytes += value.byteLength;
    try {
      take(value.subarray(0, left), Math.min(bytes, limitBytes));
    } catch (error) {
      await giveUp(reader);
      throw error;
    }
    if (bytes > limitBytes) {
      await giveUp(reader);
      return false;
    }
  }
}

/** A body as a whole; null if it has more than `limitBytes` bytes. */
export async function bytesUpTo(body: ReadableStream<Uint8Array>, limitBytes: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  return (await readUpTo(body, limitBytes, (chunk) => chunks.push(chunk))) ? joined(chunks) : null;
}

/** The whole of a body of so many bytes, which are few. Throws `TooSlow` if it comes more slowly than its pace. */
export async function wholeInTime(
  body: Pick<Request, "arrayBuffer">,
  bytes: number,
  { graceMs, bytesPerSecond }: Pace,
): Promise<Uint8Array> {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), graceMs + (bytes / bytesPerSecond) * 1_000);
  const reading = body.arrayBuffer();
  const whole = await Promise.race([reading, late]).finally(() => clearTimeout(timer));
  if (whole) return new Uint8Array(whole);
  reading.catch(() => {}); // nobody waits for it any more
  throw new TooSlow();
}

/** The next chunk, if it comes by then. */
async function readInTime(reader: ReadableStreamDefaultReader<Uint8Array>, until: number) {
  const { promise: late, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(() => resolve(null), Math.max(0, until - Date.now()));
  const reading = reader.read();
  const read = await Promise.race([reading, late]).finally(() => clearTimeout(timer));
  if (read) return read;
  reading.catch(() => {}); // it is canceled
  await giveUp(reader);
  throw new TooSlow();
}

/** The rest of the body is of no interest, and neither is how its sender takes that. */
async function giveUp(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
  await reader.cancel().catch(() => {});
}
