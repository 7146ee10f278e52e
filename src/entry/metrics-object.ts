/**
 * The Durable Object that adds up what isolates observe: one for the deployment, in memory, written every METRICS_PERSIST_MS and
 * before each answer. Losing it costs some seconds of counts; nothing else depends on it.
 */
import { DurableObject } from "cloudflare:workers";
import { METRICS_PERSIST_MS } from "../limits.ts";
import type { History, HistoryFilter, WindowName } from "../metrics/history.ts";
import type { Observation } from "../metrics/observed.ts";
import { MetricsStore } from "../metrics/store.ts";

export class MetricsObject extends DurableObject<Env> {
  #kept: MetricsStore | null = null;
  #isToPersist = false;

  get #store(): MetricsStore {
    const { sql } = this.ctx.storage;
    this.#kept ??= new MetricsStore(
      (query, ...params) => sql.exec(query, ...params).toArray(),
      () => Date.now(),
    );
    return this.#kept;
  }

  /** Adds what an isolate has observed since its last report. */
  async add(observations: readonly Observation[]): Promise<void> {
    this.#store.add(observations);
    if (this.#isToPersist) return;
    this.#isToPersist = true;
    await this.ctx.storage.setAlarm(Date.now() + METRICS_PERSIST_MS);
  }

  override async alarm(): Promise<void> {
    this.#persist();
  }

  /** All totals. */
  async totals(): Promise<Observation[]> {
    this.#persist();
    return this.#store.totals();
  }

  async history(window: WindowName, filter: HistoryFilter): Promise<History> {
    this.#persist();
    return this.#store.history(window, filter);
  }

  #persist(): void {
    this.#isToPersist = false;
    this.ctx.storage.transactionSync(() => this.#store.persist());
  }
}
