/** The objects that keep the outputs of streams: one for each inference, whose database outlives its isolate. */
import { DatabaseSync } from "node:sqlite";
import { StreamLog } from "../../../src/inferences/streams/log.ts";

export class Streams {
  readonly #logs = new Map<string, StreamLog>();

  of(accountId: string, id: string): StreamLog {
    const name = `${accountId}/${id}`;
    const known = this.#logs.get(name);
    if (known) return known;
    const database = new DatabaseSync(":memory:");
    const log = new StreamLog((query, ...params) => database.prepare(query).all(...params));
    this.#logs.set(name, log);
    return log;
  }

  forget(accountId: string, id: string): void {
    this.#logs.delete(`${accountId}/${id}`);
  }
}
