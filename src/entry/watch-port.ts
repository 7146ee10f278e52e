/** An isolate's side of the watch objects: a socket to one of them for each inference that is watched, and for each stream of all. */
import { MEMORY_THINGS, WATCH_MS, WATCH_OBJECTS_PER_ACCOUNT, WATCH_ROOM_MS } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import { REQUESTS_WAKE } from "../platform/requests-wake.ts";
import { ask } from "../platform/unavailable.ts";
import { ALL, type AfterEvent, type Watch, type WatchPort } from "../ports.ts";
import { Inbox, toldIn } from "./inbox.ts";
import { type Connection, type Keep, SharedWatches } from "./shared-watch.ts";

/** An account's watch objects are numbered from 0; the first that has room takes who watches. */
export function watchObjectName(accountId: string, object: number): string {
  return `${accountId}/${object}`;
}

/** `shares`: whether those of an isolate who watch the same share a socket. */
export function watchPortOf(env: Pick<Env, "WATCH">, keep: Keep, shares = REQUESTS_WAKE): WatchPort {
  const withRoom = new Memory<number>(MEMORY_THINGS);
  const shared = new SharedWatches(keep);
  const connect = async (accountId: string, topic: string, object: number, after: string | null): Promise<Connection | null> => {
    const query = new URLSearchParams({ topic, ...(after === null ? {} : { after }) });
    const socket = await inTime(socketAt(env, watchObjectName(accountId, object), query));
    return socket && { object, socket };
  };
  const connectAny = async (accountId: string, topic: string, after: AfterEvent | null): Promise<Connection | null> => {
    const first = withRoom.get(accountId, Date.now()) ?? 0;
    const objects = Array.from({ length: WATCH_OBJECTS_PER_ACCOUNT }, (_, object) => object).filter((object) => object >= first);
    for (const object of after ? [after.object, ...objects] : objects) {
      const connection = await connect(accountId, topic, object, after && (after.object === object ? after.event : ""));
      if (!connection) continue;
      if (object > 0) withRoom.set(accountId, object, Date.now() + WATCH_ROOM_MS);
      return connection;
    }
    return null;
  };
  return {
    async open(accountId, topic, after = null) {
      if (topic !== ALL && shares)
        return shared.open(`${accountId}/${topic}`, (object) =>
          object === null ? connectAny(accountId, topic, null) : connect(accountId, topic, object, null),
        );
      const connection = await connectAny(accountId, topic, after);
      return connection && new SocketWatch(connection);
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

/** Of all of an account: each has a socket of its own, since each begins after another event. */
class SocketWatch implements Watch {
  readonly object: number;
  readonly #socket: WebSocket;
  readonly #inbox = new Inbox();

  constructor({ object, socket }: Connection) {
    this.object = object;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const text = String(data);
      this.#inbox.put(toldIn(text), text.length);
      this.#inbox.wake();
      if (this.#inbox.isOver) socket.close();
    });
    socket.addEventListener("close", () => this.#inbox.end());
    socket.addEventListener("error", () => this.#inbox.end());
  }

  next(ms: number, signal: AbortSignal): ReturnType<Watch["next"]> {
    return this.#inbox.next(ms, signal);
  }

  close(): void {
    this.#inbox.end();
    this.#socket.close();
  }
}
