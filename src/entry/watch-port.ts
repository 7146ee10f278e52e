/** An isolate's side of the watch objects: a socket to one of them for each request that watches. */
import { MEMORY_THINGS, WATCH_BACKLOG, WATCH_LATELY, WATCH_MS, WATCH_OBJECTS_PER_ACCOUNT, WATCH_ROOM_MS } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import { ask } from "../platform/unavailable.ts";
import type { Told, Watch, WatchPort } from "../ports.ts";

/** An account's watch objects are numbered from 0; the first that has room takes who watches. */
export function watchObjectName(accountId: string, object: number): string {
  return `${accountId}/${object}`;
}

export function watchPortOf(env: Pick<Env, "WATCH">): WatchPort {
  const withRoom = new Memory<number>(MEMORY_THINGS);
  return {
    async open(accountId, topic, after = null) {
      const first = withRoom.get(accountId, Date.now()) ?? 0;
      const objects = Array.from({ length: WATCH_OBJECTS_PER_ACCOUNT }, (_, object) => object).filter((object) => object >= first);
      for (const object of after ? [after.object, ...objects] : objects) {
        const query = new URLSearchParams({ topic, ...(after ? { after: after.object === object ? after.event : "" } : {}) });
        const socket = await inTime(socketAt(env, watchObjectName(accountId, object), query));
        if (!socket) continue;
        if (object > 0) withRoom.set(accountId, object, Date.now() + WATCH_ROOM_MS);
        return new SocketWatch(object, socket);
      }
      return null;
    },
    async tell(accountId, object, rows) {
      await ask("watchers", WATCH_MS, () => env.WATCH.getByName(watchObjectName(accountId, object)).tell(rows));
    },
  };
}

/** A socket, if it opens in time. One that opens later is closed, since it would hold a place at its object. */
async function inTime(opening: Promise<WebSocket | null>): Promise<WebSocket | null> {
  try {
    return await ask("watchers", WATCH_MS, () => opening);
  } catch (error) {
    const close = (late: WebSocket | null) => late?.close();
    opening.then(close, () => undefined); // what it fails of is no news any more
    throw error;
  }
}

/** A socket on which is told of the topic in the query; null if the object has no room. */
async function socketAt(env: Pick<Env, "WATCH">, name: string, query: URLSearchParams): Promise<WebSocket | null> {
  const url = `https://watch/?${query.toString()}`;
  const { webSocket } = await env.WATCH.getByName(name).fetch(url, { headers: { Upgrade: "websocket" } });
  webSocket?.accept();
  return webSocket;
}

/** What came last, by its text: what many of an isolate watch is read once for all of them. */
const lately = new Memory<Told>(WATCH_LATELY);

function toldIn(text: string): Told {
  const known = lately.get(text, 0);
  if (known) return known;
  const told = JSON.parse(text) as Told; // as the object has sent it
  lately.set(text, told, Infinity);
  return told;
}

/** One whose client takes nothing is told no more at some point: it then begins again with what there is. */
class SocketWatch implements Watch {
  readonly object: number;
  readonly #socket: WebSocket;
  #told: Told[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(object: number, socket: WebSocket) {
    this.object = object;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.#told.length < WATCH_BACKLOG) this.#told.push(toldIn(String(data)));
      else this.close();
      this.#wake();
    });
    const end = () => {
      this.#isOver = true;
      this.#wake();
    };
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
  }

  async next(ms: number, signal: AbortSignal): Promise<readonly Told[] | null> {
    if (this.#told.length === 0 && !this.#isOver && !signal.aborted) await this.#somethingWithin(ms, signal);
    const told = this.#told;
    this.#told = [];
    return told.length === 0 && this.#isOver ? null : told;
  }

  async #somethingWithin(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const wake = () => resolve();
    const timer = setTimeout(wake, Math.max(0, ms));
    signal.addEventListener("abort", wake);
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
  }

  close(): void {
    this.#isOver = true;
    this.#socket.close();
  }
}
