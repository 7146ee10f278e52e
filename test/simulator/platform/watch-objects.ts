/**
 * The objects that tell watchers, and an isolate's side of them: the product's own code (src/entry/watch-object.ts and
 * watch-port.ts) on a platform that is simulated. An object's database, its alarm and its ends of the sockets are durable; its
 * memory goes when it sleeps, and all sockets break when its isolate dies.
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Row, Sql, Database } from "../../../src/platform/sql.ts";
import type { WatchPort } from "../../../src/ports.ts";
import type { Random } from "../random.ts";
import type { Schedule } from "../schedule.ts";
import { entry } from "./entry.ts";
import type { Isolate } from "./isolate.ts";
import type { Part } from "./part.ts";
import type { Socket } from "./sockets.ts";

/** Of the product's object, what is called from outside. */
interface WatchObject {
  fetch(request: { readonly url: string }): Promise<{ readonly webSocket?: Socket | null }>;
  tell(rows: readonly Row[]): Promise<void>;
  alarm(): Promise<void>;
  webSocketClose(socket: Socket): Promise<void>;
  webSocketError(socket: Socket): Promise<void>;
}

/** An isolate's way to an object. */
interface Stub {
  fetch(url: string): Promise<{ readonly webSocket?: Socket | null }>;
  tell(rows: readonly Row[]): Promise<void>;
}

interface Binding {
  readonly WATCH: { getByName(name: string): Stub };
}

const { WatchObject: ProductObject } = (await entry("watch-object.ts")) as { WatchObject: new (ctx: unknown, env: unknown) => WatchObject };
const { watchPortOf } = (await entry("watch-port.ts")) as { watchPortOf: (env: Binding, keep: (work: Promise<void>) => void) => WatchPort };

export interface WatchObjectsWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly part: Part;
  newIsolate(): Isolate;
  databaseOf(isolate: Isolate): Database;
  /** Runs something within an isolate; never, if it dies first. */
  within<T>(isolate: () => Isolate, work: () => T | Promise<T>): Promise<T>;
  note(what: string): void;
}

export class WatchObjects {
  readonly #world: WatchObjectsWorld;
  readonly #objects = new Map<string, Held>();
  readonly #ports = new WeakMap<Isolate, WatchPort>();

  constructor(world: WatchObjectsWorld) {
    this.#world = world;
  }

  get isolates(): Isolate[] {
    return [...this.#objects.values()].map(({ isolate }) => isolate);
  }

  has(isolate: Isolate): boolean {
    return this.isolates.includes(isolate);
  }

  /** Whether an isolate that died was one of these; its object gets another. */
  bury(isolate: Isolate): boolean {
    const object = [...this.#objects.values()].find((each) => each.isolate === isolate);
    object?.moveTo(this.#world.newIsolate());
    return object !== undefined;
  }

  portOf(isolate: Isolate): WatchPort {
    const known = this.#ports.get(isolate);
    if (known) return known;
    const port = watchPortOf({ WATCH: { getByName: (name) => this.#stubOf(isolate, name) } }, (work) => void work);
    this.#ports.set(isolate, port);
    return port;
  }

  #stubOf(isolate: Isolate, name: string): Stub {
    const { part } = this.#world;
    const trace = (what: string) => this.#world.note(`${isolate.name}: ${what}`);
    const asked = <T>(work: (object: Held) => Promise<T>) =>
      part.ask(
        isolate,
        () => {
          const object = this.#objectOf(name);
          return this.#world.within(
            () => object.isolate,
            () => work(object),
          );
        },
        trace,
      );
    return {
      async fetch(url) {
        const opened: Socket[] = [];
        try {
          return await asked(async (object) => {
            const answer = await object.use((it) => it.fetch({ url }));
            const { webSocket } = answer;
            if (!webSocket) return answer;
            opened.push(webSocket);
            webSocket.place = { isolate: () => isolate };
            if (!isolate.alive) webSocket.lose();
            isolate.onDeath.add(() => webSocket.lose());
            return answer;
          });
        } catch (error) {
          for (const socket of opened) socket.lose(); // its answer is lost, and nobody has it
          throw error;
        }
      },
      tell: (rows) => asked((object) => object.use((it) => it.tell(structuredClone(rows)))),
    };
  }

  #objectOf(name: string): Held {
    const known = this.#objects.get(name);
    if (known) return known;
    const object = new Held(this.#world, name, this.#world.newIsolate());
    this.#objects.set(name, object);
    return object;
  }
}

/** One object: what outlives its memory. */
class Held {
  isolate: Isolate;
  readonly #world: WatchObjectsWorld;
  readonly #name: string;
  readonly #database = new DatabaseSync(":memory:");
  readonly #prepared = new Map<string, StatementSync>();
  readonly #sockets = new Map<Socket, readonly string[]>();
  #alarmAt: number | null = null;
  #alarms = 0;
  #memory: WatchObject | null = null;
  #busy = 0;

  constructor(world: WatchObjectsWorld, name: string, isolate: Isolate) {
    this.#world = world;
    this.#name = name;
    this.isolate = isolate;
  }

  /** Calls the object, which is woken for it, and falls asleep now and then when nobody calls. */
  async use<T>(call: (object: WatchObject) => Promise<T>): Promise<T> {
    const { isolate } = this;
    this.#busy++;
    this.#memory ??= this.#woken();
    try {
      return await call(this.#memory);
    } finally {
      if (isolate === this.isolate && --this.#busy === 0 && this.#world.random.chance(0.2)) this.#memory = null;
    }
  }

  /** Its isolate has died; this is the next one. */
  moveTo(isolate: Isolate): void {
    this.isolate = isolate;
    this.#memory = null;
    this.#busy = 0;
    for (const socket of this.#sockets.keys()) socket.lose();
    this.#sockets.clear();
    if (this.#alarmAt !== null) this.#setAlarm(this.#alarmAt); // one that was being handled is tried again
  }

  #woken(): WatchObject {
    const ctx = {
      id: { name: this.#name },
      storage: {
        sql: { exec: (query: string, ...params: (string | number | null)[]) => ({ toArray: () => this.#exec(query, params) }) },
        transactionSync: <T>(work: () => T) => this.#transact(work),
        getAlarm: async () => this.#alarmAt,
        setAlarm: async (at: number) => this.#setAlarm(at),
      },
      acceptWebSocket: (socket: Socket, tags: readonly string[]) => {
        this.#sockets.set(socket, tags);
        socket.place = { isolate: () => this.isolate, hears: (what) => this.#hears(socket, what) };
        socket.accept();
      },
      getWebSockets: (tag?: string) =>
        [...this.#sockets].flatMap(([socket, tags]) => (tag === undefined || tags.includes(tag) ? [socket] : [])),
      getTags: (socket: Socket) => this.#sockets.get(socket) ?? [],
    };
    return new ProductObject(ctx, { DB: bindingOf(this.#world.databaseOf(this.isolate)) });
  }

  #hears(socket: Socket, what: "message" | "close" | "error"): void {
    if (what === "message" || !this.#sockets.has(socket)) return;
    void this.use((object) => (what === "close" ? object.webSocketClose(socket) : object.webSocketError(socket))).finally(() =>
      this.#sockets.delete(socket),
    );
  }

  #exec(query: string, params: readonly (string | number | null)[]): Row[] {
    const statement = this.#prepared.get(query) ?? this.#database.prepare(query);
    this.#prepared.set(query, statement);
    return statement.all(...params);
  }

  #transact<T>(work: () => T): T {
    this.#database.exec("BEGIN");
    try {
      const value = work();
      this.#database.exec("COMMIT");
      return value;
    } catch (error) {
      this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #setAlarm(at: number): void {
    const alarm = ++this.#alarms;
    this.#alarmAt = at;
    this.#world.schedule.after(at - this.isolate.clock.now() + this.#world.random.int(0, 20), () => {
      const { isolate } = this;
      isolate.after(0, () => {
        if (alarm === this.#alarms && isolate === this.isolate) void this.#ring(at);
      });
    });
  }

  async #ring(at: number): Promise<void> {
    const alarm = this.#alarms;
    await this.use((object) => object.alarm());
    if (alarm === this.#alarms && this.#alarmAt === at) this.#alarmAt = null;
  }
}

/** A database as the platform binds it. */
function bindingOf(db: Database) {
  const meta = { size_after: 0 };
  const prepare = (text: string) => ({
    bind: (...params: Sql["params"]) => ({
      statement: { text, params },
      all: async () => ({ results: await db.all({ text, params }), meta }),
    }),
  });
  return {
    withSession: () => ({
      getBookmark: () => null,
      prepare,
      batch: async (statements: readonly { readonly statement: Sql }[]) =>
        (await db.batch(statements.map(({ statement }) => statement))).map((results) => ({ results, meta })),
    }),
  };
}
