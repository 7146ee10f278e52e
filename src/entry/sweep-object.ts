/**
 * The Durable Object that keeps the sweep going: one object, one alarm. It ticks every SWEEP_TICK_MS while any row has
 * a time by which something must happen, and for SWEEP_IDLE_MS after that, then sleeps until it is poked. The next
 * alarm is set before each pass, so a pass that throws, hangs or dies with its isolate costs one tick and no more.
 */
import { DurableObject } from "cloudflare:workers";
import { logError } from "../platform/log.ts";
import { DEPTH_SAMPLED_MS, SWEEP_IDLE_MS, SWEEP_PASS_MS, SWEEP_TICK_MS } from "../limits.ts";
import { advanceBatches } from "../batches/steps.ts";
import { lapseSteps } from "../batches/store.ts";
import { batchWire } from "../dialects/openai/lines.ts";
import { after, portsOf } from "./bindings.ts";
import { observed } from "../metrics/observed.ts";
import { bestEffort } from "../inferences/hints.ts";
import { noteDepths } from "../maintenance/gauges.ts";
import { configOf } from "../config.ts";
import { watchOver } from "../maintenance/alerts.ts";
import { signingKeyFor } from "../webhooks/sealing.ts";
import { lapseLeases } from "../maintenance/due.ts";
import { sweep } from "../maintenance/sweep.ts";

export class SweepObject extends DurableObject<Env> {
  #busyAt = Date.now();
  #sampledAt = -Infinity;
  /** Steps of batches are under way; and whether any batch was left when those before them ended. */
  #isStepping = false;
  #areBatchesOpen = true;
  /** Probes of the queue that an operator waits for. */
  readonly #probes = new Map<string, () => void>();

  /** Sees to it that the sweep is ticking. Cheap when it is. */
  async arm(): Promise<void> {
    this.#busyAt = Date.now();
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + SWEEP_TICK_MS);
  }

  /**
   * For an operator who knows that no runner of before `startedBefore` (ms) is alive, such as after a crash of a
   * single-machine runtime: what they had running is claimable again now instead of when its lease lapses. The fence
   * refuses the outcome of a runner that lives after all. Returns how many there were.
   */
  async recover(startedBefore: number): Promise<number> {
    const { db } = portsOf(this.env);
    const count = await lapseLeases(db, startedBefore);
    await lapseSteps(db);
    await this.alarm();
    return count;
  }

  /** Whether a probe was consumed within `ms` of this call, which comes before it is sent. */
  async awaitProbe(probe: string, ms: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = after(ms, () => resolve(false));
    this.#probes.set(probe, () => resolve(true));
    const consumed = await promise;
    cancel();
    this.#probes.delete(probe);
    return consumed;
  }

  noteProbe(probe: string): Promise<void> {
    this.#probes.get(probe)?.();
    return Promise.resolve();
  }

  override async alarm(): Promise<void> {
    await this.ctx.storage.setAlarm(Date.now() + SWEEP_TICK_MS);
    const busy = await this.#pass();
    if (busy) this.#busyAt = Date.now();
    else if (Date.now() - this.#busyAt > SWEEP_IDLE_MS) await this.ctx.storage.deleteAlarm();
  }

  /** One pass within a time limit: one that hangs must not keep the next from beginning. True also where it can't tell. */
  async #pass(): Promise<boolean> {
    const pass = sweep(portsOf(this.env))
      .then((isBusy) => {
        observed.set("swept", [], Date.now() / 1000);
        this.#sample();
        return isBusy;
      })
      .catch((error: unknown) => {
        logError("sweep_failed", error);
        return true;
      });
    const { promise: late, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(true), SWEEP_PASS_MS);
    const areBatchesOpen = this.#advance();
    const busy = await Promise.race([Promise.all([pass, this.#watchOver()]).then((both) => areBatchesOpen || both.includes(true)), late]);
    clearTimeout(timer);
    return busy;
  }

  /** Goes on with batches, which nobody waits for: one that is slow must not hold up what time demands. Returns whether any is under way. */
  #advance(): boolean {
    if (!this.#isStepping) void this.#step();
    return this.#areBatchesOpen;
  }

  /** Never rejects. */
  async #step(): Promise<void> {
    this.#isStepping = true;
    try {
      this.#areBatchesOpen = await advanceBatches(portsOf(this.env), batchWire);
    } catch (error) {
      logError("batches_not_advanced", error);
    }
    this.#isStepping = false;
  }

  /** Once a minute: how much waits, for the overview's charts. */
  #sample(): void {
    if (Date.now() - this.#sampledAt < DEPTH_SAMPLED_MS) return;
    this.#sampledAt = Date.now();
    this.ctx.waitUntil(bestEffort("depths_not_noted", noteDepths(portsOf(this.env))));
  }

  /** Tells the operator's webhook of what has changed, if there is one. Returns whether there is something to come back for. */
  async #watchOver(): Promise<boolean> {
    const { operatorWebhook, keySecrets, publicUrl } = configOf(this.env);
    if (!operatorWebhook) return false;
    const webhook = { ...operatorWebhook, signingKey: () => signingKeyFor(keySecrets), deployment: publicUrl || null };
    try {
      return await watchOver(portsOf(this.env), webhook);
    } catch (error) {
      logError("alerts_not_looked_for", error);
      return true;
    }
  }
}
