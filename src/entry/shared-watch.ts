/**
 * One socket for all of an isolate that watch the same: an object sends each change once to it, and it is read once. The
 * platform lets only the request that opened a socket hear it, so one of those who watch leads: it hears and passes on. When it
 * leaves, one who stays opens a socket first, so that nothing is missed meanwhile. A leader that died without a word is found out
 * by its silence; who watched with it begins again, as after any lost connection.
 */
import { MEMORY_THINGS, WATCHERS_WOKEN, WATCH_LEADER_MS, WATCH_MS } from "../limits.ts";
import { logError } from "../platform/log.ts";
import { Memory } from "../platform/memory.ts";
import { ask } from "../platform/unavailable.ts";
import type { Watch } from "../ports.ts";
import { Inbox, toldIn } from "./inbox.ts";

export interface Connection {
  /** The number of the object that the socket is at. */
  readonly object: number;
  readonly socket: WebSocket;
}

/** Opens a socket: at this object, or at any that has room. Null if there is no room. */
export type Connect = (object: number | null) => Promise<Connection | null>;

/** Keeps a request's work going after its answer: `waitUntil`. */
export type Keep = (work: Promise<void>) => void;

export class SharedWatches {
  readonly #keep: Keep;
  readonly #rooms = new Memory<Promise<Room | null>>(MEMORY_THINGS);

  constructor(keep: Keep) {
    this.#keep = keep;
  }

  /** Watches by the socket that there is, or by one that it opens for who comes later too. Null if there is no room. */
  async open(name: string, connect: Connect): Promise<Watch | null> {
    const known = this.#rooms.get(name, 0);
    if (known) {
      // It is another request's promise, so the time limit has to be this one's. What it fails of is for this one to find out.
      const room = await ask("watchers", WATCH_MS, () => known).catch(() => null);
      if (room?.isAlive) return new SharedWatch(room, connect, this.#keep, null);
    }
    const connecting = connect(null);
    const opening = connecting.then(
      (connection) => connection && new Room(connection.object, this.#keep, () => this.#forget(name, opening)),
      () => null, // of which this request hears below, and the others find out by themselves
    );
    this.#rooms.set(name, opening, Infinity);
    try {
      const [connection, room] = [await connecting, await opening];
      if (connection && room) return new SharedWatch(room, connect, this.#keep, connection.socket);
      this.#forget(name, opening);
      return null;
    } catch (error) {
      this.#forget(name, opening);
      throw error;
    }
  }

  #forget(name: string, opening: Promise<Room | null>): void {
    if (this.#rooms.get(name, 0) === opening) this.#rooms.delete(name);
  }
}

/** Those of an isolate who watch the same. */
class Room {
  readonly object: number;
  readonly members = new Set<SharedWatch>();
  leader: SharedWatch | null = null;
  readonly #keep: Keep;
  readonly #onEnd: () => void;
  #isOver = false;
  #heardAt = Date.now();
  /** Who was told and is not woken yet, in this order. */
  readonly #toWake: Inbox[] = [];
  /** The leader that wakes them, while it does. */
  #waker: SharedWatch | null = null;

  constructor(object: number, keep: Keep, onEnd: () => void) {
    this.object = object;
    this.#keep = keep;
    this.#onEnd = onEnd;
  }

  get isAlive(): boolean {
    return !this.#isOver && Date.now() - this.#heardAt < WATCH_LEADER_MS;
  }

  /** The leader is there. */
  heard(): void {
    this.#heardAt = Date.now();
  }

  /** What the leader has heard, for all. It is woken last: if it left first, it would hand over to one who is about to leave too. */
  tell(text: string, leader: SharedWatch): void {
    this.heard();
    const told = toldIn(text);
    const others = [...this.members].filter((member) => member !== leader);
    for (const { inbox } of [...others, leader]) {
      inbox.put(told, text.length);
      this.#toWake.push(inbox);
    }
    if (this.#waker !== leader) this.#keep(this.#wake(leader));
  }

  /**
   * A few at a time: the runtime sends nothing to any client while a request is ready to run, so the first would wait for the last. Those
   * who are woken run while the first pause lasts, and often for longer, so it has no time left in which anything is sent; the second begins when they have run.
   */
  async #wake(leader: SharedWatch): Promise<void> {
    this.#waker = leader;
    while (this.#toWake.length > 0) {
      for (const inbox of this.#toWake.splice(0, WATCHERS_WOKEN)) inbox.wake();
      if (this.#toWake.length === 0) break;
      await scheduler.wait(1);
      await scheduler.wait(1);
    }
    if (this.#waker === leader) this.#waker = null;
  }

  /** Nothing more is told here. */
  end(): void {
    this.#isOver = true;
    for (const { inbox } of this.members) inbox.end();
    this.#onEnd();
  }
}

class SharedWatch implements Watch {
  readonly object: number;
  readonly inbox = new Inbox();
  readonly #room: Room;
  readonly #connect: Connect;
  readonly #keep: Keep;
  /** While it leads. */
  #socket: WebSocket | null = null;
  /** It is to lead from now on, and calls this once it does. */
  #leads: (() => void) | null = null;
  #isClosed = false;

  constructor(room: Room, connect: Connect, keep: Keep, socket: WebSocket | null) {
    this.object = room.object;
    this.#room = room;
    this.#connect = connect;
    this.#keep = keep;
    room.members.add(this);
    if (socket) this.#lead(socket);
  }

  async next(ms: number, signal: AbortSignal): ReturnType<Watch["next"]> {
    const told = await this.inbox.next(ms, signal);
    if (this.#leads) await this.#follow(this.#leads);
    if (this.#socket) this.#room.heard();
    else if (!this.#room.isAlive) this.#room.end();
    return told;
  }

  #lead(socket: WebSocket): void {
    const room = this.#room;
    room.leader = this;
    room.heard();
    this.#socket = socket;
    const lost = () => {
      if (this.#socket === socket) room.end();
    };
    socket.addEventListener("message", ({ data }) => room.tell(String(data), this));
    socket.addEventListener("close", lost);
    socket.addEventListener("error", lost);
  }

  /** Opens a socket of its own beside the last leader's, and leads. */
  async #follow(done: () => void): Promise<void> {
    this.#leads = null;
    try {
      const connection = await this.#connect(this.#room.object);
      if (connection && this.#room.isAlive && !this.#isClosed) this.#lead(connection.socket);
      else {
        connection?.socket.close();
        this.#room.end();
      }
    } catch (error) {
      logError("watch_not_handed_over", error);
      this.#room.end();
    }
    done();
  }

  close(): void {
    const [room, socket] = [this.#room, this.#socket];
    this.#isClosed = true;
    this.#socket = null;
    room.members.delete(this);
    if (this.#leads) room.end();
    this.#leads?.();
    if (!socket) return;
    const next = [...room.members].find(({ inbox }) => inbox.isWaiting);
    if (next && room.isAlive) this.#keep(this.#handOver(next, socket));
    else {
      room.end();
      socket.close();
    }
  }

  /** Hears for the others until the next one leads. */
  async #handOver(next: SharedWatch, socket: WebSocket): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    next.#leads = resolve;
    next.inbox.wake();
    await ask("watchers", WATCH_MS, () => promise).catch((error: unknown) => logError("watch_not_handed_over", error));
    if (this.#room.leader === this) this.#room.end();
    socket.close();
  }
}
