/** An isolate's side of the watch objects: a socket to one of them for each request that watches. */
import { MEMORY_THINGS, WATCH_MS, WATCH_OBJECTS_PER_ACCOUNT, WATCH_ROOM_MS } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import type { Row } from "../platform/sql.ts";
import { ask } from "../platform/unavailable.ts";
import type { Watch, WatchPort } from "../ports.ts";

/** An account's watch objects are numbered from 0; the first that has room takes who watches. */
export function watchObjectName(accountId: string, object: number): string {
  return `${accountId}/${object}`;
}

export function watchPortOf(env: Pick<Env, "WATCH">): WatchPort {
  const withRoom = new Memory<number>(MEMORY_THINGS);
  return {
    async open(accountId, topic) {
      const first = withRoom.get(accountId, Date.now()) ?? 0;
      for (let object = first; object < WATCH_OBJECTS_PER_ACCOUNT; object++) {
        const socket = await ask("watchers", WATCH_MS, () => socketAt(env, watchObjectName(accountId, object), topic));
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

/** A socket on which is told of a topic; null if the object has no room. */
async function socketAt(env: Pick<Env, "WATCH">, name: string, topic: string): Promise<WebSocket | null> {
  const url = `https://watch/?topic=${encodeURIComponent(topic)}`;
  const { webSocket } = await env.WATCH.getByName(name).fetch(url, { headers: { Upgrade: "websocket" } });
  webSocket?.accept();
  return webSocket;
}

class SocketWatch implements Watch {
  readonly object: number;
  readonly #socket: WebSocket;
  #told: Row[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  constructor(object: number, socket: WebSocket) {
    this.object = object;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.#told.push(JSON.parse(String(data)) as Row); // as the object's `tell` was given it
      this.#wake();
    });
    const end = () => {
      this.#isOver = true;
      this.#wake();
    };
    socket.addEventListener("close", end);
    socket.addEventListener("error", end);
  }

  async next(ms: number, signal: AbortSignal): Promise<readonly Row[] | null> {
    if (this.#told.length === 0 && !this.#isOver && !signal.aborted) await this.#somethingWithin(ms, signal);
    const told = this.#told;
    this.#told = [];
    return told.length === 0 && this.#isOver ? null : told;
  }

  async #somethingWithin(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, Math.max(0, ms));
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    clearTimeout(timer);
  }

  close(): void {
    this.#isOver = true;
    this.#socket.close();
  }
}
