/**
 * The objects that keep the outputs of streams, one for each inference: the same few lines as src/entry/stream-object.ts, behind the
 * product's own side of an isolate (stream-port.ts). An object's database outlives its memory, which goes now and then.
 */
import { DatabaseSync } from "node:sqlite";
import { Given } from "../../../src/inferences/streams/given.ts";
import { StreamLog } from "../../../src/inferences/streams/log.ts";
import type { Appended, StreamPage, StreamPort } from "../../../src/ports.ts";
import type { Random } from "../random.ts";
import type { Schedule } from "../schedule.ts";
import { entry } from "./entry.ts";
import type { Isolate } from "./isolate.ts";
import type { Part } from "./part.ts";

/** An isolate's way to an object. */
interface Stub {
  append(attempt: number, begins: number, bytes: Uint8Array): Promise<Appended>;
  after(attempt: number, offset: number, ms: number): Promise<StreamPage>;
  given(): Promise<string>;
  give(from: string, to: string): Promise<boolean>;
  forget(): Promise<void>;
}

interface Binding {
  readonly STREAM: { getByName(name: string): Stub };
}

const { streamPortOf } = (await entry("stream-port.ts")) as { streamPortOf: (env: Binding) => StreamPort };

interface Kept {
  readonly database: DatabaseSync;
  log: StreamLog;
  /** Those who read and have all that there is. */
  readonly waiting: Set<() => void>;
}

export interface StreamsWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly part: Part;
  note(what: string): void;
}

export class Streams {
  readonly #world: StreamsWorld;
  readonly #kept = new Map<string, Kept>();
  /** What each attempt has written, by `account/id/attempt`, whatever has become of it since. */
  readonly #written = new Map<string, string>();

  constructor(world: StreamsWorld) {
    this.#world = world;
  }

  /** What an attempt has written, as far as its object has said that it is kept. */
  writtenBy(accountId: string, id: string, attempt: number): string {
    return this.#written.get(`${accountId}/${id}/${attempt}`) ?? "";
  }

  portOf(isolate: Isolate): StreamPort {
    const { part } = this.#world;
    const trace = (what: string) => this.#world.note(`${isolate.name}: ${what}`);
    const stub = (name: string): Stub => ({
      append: (attempt, begins, bytes) => part.ask(isolate, () => this.#append(name, attempt, begins, bytes), trace),
      after: (attempt, offset, ms) => part.ask(isolate, () => this.#after(name, attempt, offset, ms), trace),
      given: () => part.ask(isolate, () => this.#givenOf(name).place, trace),
      give: (from, to) => part.ask(isolate, () => this.#givenOf(name).move(from, to, 0), trace),
      forget: () => part.ask(isolate, () => void this.#kept.delete(name), trace),
    });
    return streamPortOf({ STREAM: { getByName: stub } });
  }

  #append(name: string, attempt: number, begins: number, bytes: Uint8Array): Appended {
    const { log, waiting } = this.#of(name);
    const appended = log.append(attempt, begins, bytes);
    if (appended !== "kept") return appended;
    const key = `${name}/${attempt}`;
    const written = this.#written.get(key) ?? "";
    this.#written.set(key, written + Buffer.from(bytes.subarray(written.length - begins)).toString("latin1"));
    for (const wake of waiting) wake();
    return appended;
  }

  async #after(name: string, attempt: number, offset: number, ms: number): Promise<StreamPage> {
    const { log, waiting } = this.#of(name);
    const page = log.after(attempt, offset);
    if (page.pieces.length > 0 || ms === 0) return page;
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      this.#world.schedule.after(ms, () => {
        waiting.delete(resolve);
        resolve();
      });
    });
    return this.#of(name).log.after(attempt, offset);
  }

  #givenOf(name: string): Given {
    const { database } = this.#of(name);
    return new Given((query, ...params) => database.prepare(query).all(...params));
  }

  #of(name: string): Kept {
    const newLog = (database: DatabaseSync) => new StreamLog((query, ...params) => database.prepare(query).all(...params));
    const known = this.#kept.get(name);
    if (known) {
      if (this.#world.random.chance(0.05)) known.log = newLog(known.database); // it has slept
      return known;
    }
    const database = new DatabaseSync(":memory:");
    const kept = { database, log: newLog(database), waiting: new Set<() => void>() };
    this.#kept.set(name, kept);
    return kept;
  }
}
