/**
 * The sweep's Durable Object, for a world without the platform: the same few lines as src/entry/sweep-object.ts, on an
 * alarm that may be lost, doubled or late, in an isolate that may die. The alarm's time is durable, all else is memory.
 */
import { logError } from "../../../src/platform/log.ts";
import { SWEEP_IDLE_MS, SWEEP_PASS_MS, SWEEP_TICK_MS } from "../../../src/limits.ts";
import type { Isolate } from "./isolate.ts";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Schedule, Timer } from "../schedule.ts";

export interface AlarmWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  faults(): Faults;
  /** One pass of the sweep; whether anything is left to come back for. */
  pass(isolate: Isolate): Promise<boolean>;
  /** A pass has ended. */
  passed(): void;
  trace(what: string): void;
}

export class SweepObject {
  isolate: Isolate;
  readonly #world: AlarmWorld;
  #alarm: Timer | null = null;
  #busyAt: number;
  #handling = false;
  #missed = false;

  constructor(world: AlarmWorld, isolate: Isolate) {
    this.#world = world;
    this.isolate = isolate;
    this.#busyAt = isolate.clock.now();
  }

  /** Its isolate has died; this is the next one. */
  moveTo(isolate: Isolate): void {
    this.isolate = isolate;
    this.#busyAt = isolate.clock.now();
    this.#handling = false;
    this.#missed = false;
  }

  arm(): void {
    this.#busyAt = this.isolate.clock.now();
    if (this.#alarm === null) this.#set();
  }

  #set(): void {
    const { random, schedule } = this.#world;
    const faults = this.#world.faults();
    if (this.#alarm) this.#alarm.canceled = true;
    const late = random.chance(faults.alarmLate) ? random.magnitude(10, 20_000) : random.int(0, 5);
    const alarm = schedule.after(SWEEP_TICK_MS + late, () => {
      this.#alarm = null;
      if (random.chance(faults.alarmLost)) return this.#world.trace("the alarm is lost");
      this.#ring();
      if (random.chance(faults.alarmDoubled)) this.#ring();
    });
    this.#alarm = alarm;
  }

  /** One at a time: an alarm that comes while another is handled is handled after it. */
  #ring(): void {
    const { isolate } = this;
    isolate.after(0, () => {
      if (isolate !== this.isolate) return;
      if (this.#handling) this.#missed = true;
      else void this.#handle();
    });
  }

  async #handle(): Promise<void> {
    const { isolate } = this;
    this.#handling = true;
    this.#set();
    const busy = await this.#pass();
    if (busy) this.#busyAt = isolate.clock.now();
    else if (isolate.clock.now() - this.#busyAt > SWEEP_IDLE_MS && this.#alarm) {
      this.#alarm.canceled = true;
      this.#alarm = null;
    }
    this.#handling = false;
    this.#world.passed();
    if (!this.#missed) return;
    this.#missed = false;
    this.#ring();
  }

  async #pass(): Promise<boolean> {
    const { isolate } = this;
    const pass = this.#world.pass(isolate).catch((error: unknown) => {
      logError("sweep_failed", error);
      return true;
    });
    const over = new AbortController();
    const busy = await Promise.race([pass, isolate.clock.sleep(SWEEP_PASS_MS, over.signal).then(() => true)]);
    over.abort();
    return busy;
  }
}
