/**
 * The Durable Object that keeps the output of one inference while it comes (inferences/streams/log.ts), named by the account and the
 * inference. What is answered, to who writes and to who reads, is written for good: the platform holds back an answer until then.
 * An output that has come whole is in the bucket, with its row; so what is here is nobody's once the inference has ended, and goes
 * by itself, whoever died before saying so. How far it was given to readers that name no place (streams/given.ts) stays for longer.
 */
import { DurableObject } from "cloudflare:workers";
import { Given } from "../inferences/streams/given.ts";
import { type StreamExec, StreamLog } from "../inferences/streams/log.ts";
import { isKept } from "../inferences/streams/kept.ts";
import { DATABASE_MS, STREAM_GIVEN_MS, STREAM_LOOK_MS } from "../limits.ts";
import { d1 } from "../platform/sql.ts";
import type { Appended, StreamPage } from "../ports.ts";
import { after } from "./bindings.ts";

export class StreamObject extends DurableObject<Env> {
  readonly #log: StreamLog;
  readonly #given: Given;
  /** Those who read and have all that there is. */
  readonly #waiting = new Set<() => void>();
  #looksAgain = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const exec: StreamExec = (query, ...params) => ctx.storage.sql.exec(query, ...params).toArray();
    this.#log = new StreamLog(exec);
    this.#given = new Given(exec);
  }

  async append(attempt: number, begins: number, bytes: Uint8Array): Promise<Appended> {
    const appended = this.#log.append(attempt, begins, bytes);
    if (appended !== "kept") return appended;
    await this.#lookAgain();
    for (const wake of this.#waiting) wake();
    return appended;
  }

  async after(attempt: number, offset: number, ms: number): Promise<StreamPage> {
    const page = this.#log.after(attempt, offset);
    if (page.pieces.length > 0 || ms === 0) return page;
    await this.#somethingWithin(ms);
    return this.#log.after(attempt, offset);
  }

  async #somethingWithin(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = after(ms, resolve);
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    cancel();
  }

  async given(): Promise<string> {
    return this.#given.place;
  }

  async give(from: string, to: string): Promise<boolean> {
    if (!this.#given.move(from, to, Date.now())) return false;
    await this.#lookAgain();
    return true;
  }

  async #lookAgain(): Promise<void> {
    if (!this.#looksAgain) await this.ctx.storage.setAlarm(Date.now() + STREAM_LOOK_MS);
    this.#looksAgain = true;
  }

  async forget(): Promise<void> {
    this.#looksAgain = false;
    this.#log.forget();
    this.#given.forget();
    await this.ctx.storage.deleteAll(); // the alarm, too
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + STREAM_LOOK_MS);
    this.#looksAgain = true;
    const [accountId = "", id = ""] = (this.ctx.id.name ?? "").split("/");
    if (await isKept(d1(this.env.DB, DATABASE_MS), accountId, id)) return;
    const knownUntil = this.#given.movedAt + STREAM_GIVEN_MS;
    if (knownUntil <= Date.now()) return this.forget();
    this.#log.clear();
    await this.ctx.storage.setAlarm(knownUntil);
  }
}
