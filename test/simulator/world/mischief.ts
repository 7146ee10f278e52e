/** What goes wrong besides single calls: isolates die, stand still or are cut off, clocks jump, and whole parts stop. */
import { LEASE_MS } from "../../../src/limits.ts";
import type { Faults } from "../faults.ts";
import type { Isolate } from "../platform/isolate.ts";
import type { World } from "../world.ts";

export class Mischief {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  begin(): void {
    const { random } = this.#world;
    const again = (everyMs: (faults: Faults) => number, strike: () => void) => {
      const mean = everyMs(this.#world.faults);
      if (mean === Infinity) return;
      this.#world.schedule.after(random.wait(mean), () => {
        if (this.#world.calm) return;
        strike();
        again(everyMs, strike);
      });
    };
    again(
      (faults) => faults.crashEveryMs,
      () => this.#crash(),
    );
    again(
      (faults) => faults.pauseEveryMs,
      () => {
        this.#freeze(this.#anyIsolate());
      },
    );
    again(
      (faults) => faults.jumpEveryMs,
      () => {
        const isolate = this.#anyIsolate();
        if (this.#world.watchObjects.has(isolate)) return; // those keep to the database's time, as the platform's do
        const most = Math.max(1_000, this.#world.faults.skewMs);
        isolate.setClock(random.int(-most, most));
        if (isolate === this.#world.gates.isolate) this.#world.meters.clear();
        this.#world.meters.loosen(isolate.clock);
        this.#world.note(`the clock of ${isolate.name} is set to ${isolate.offset} ms off`);
      },
    );
    again(
      (faults) => faults.outageEveryMs,
      () => this.#swizzle(),
    );
    again(
      (faults) => faults.cutOffEveryMs,
      () => {
        this.#cutOff(random.chance(0.2) ? this.#world.sweep.isolate : this.#someWorker());
      },
    );
    again(
      (faults) => faults.gateForgetsEveryMs,
      () => {
        this.#world.note("the gates forget");
        this.#world.gates.forgetAll();
      },
    );
    again(
      (faults) => faults.queueForgetsEveryMs,
      () => {
        this.#world.queue.forget();
      },
    );
  }

  #anyIsolate(): Isolate {
    const worker = this.#someWorker();
    const { sweep, gates, deliverers, watchObjects } = this.#world;
    const senders = deliverers.isolates;
    return this.#world.random.pick([
      worker,
      worker,
      worker,
      sweep.isolate,
      gates.isolate,
      ...senders,
      ...senders,
      ...watchObjects.isolates,
    ]);
  }

  /** More often than not one that is in the middle of something. */
  #someWorker(): Isolate {
    const busy = [...this.#world.gpus.live].map(({ isolate }) => isolate);
    return this.#world.random.pick(busy.length > 0 && this.#world.random.chance(0.7) ? busy : this.#world.workers);
  }

  /** The worst moment: a write has taken effect, and nobody has been told. More often where another one is to hear of it. */
  strike(writer: Isolate, waiter: string | null): void {
    const { random } = this.#world;
    const waiting = this.#world.model.waiting.isolateOf(waiter);
    const isOthers = waiting !== null && waiting !== writer;
    if (!random.chance(this.#world.faults.strikes * (isOthers ? 40 : waiting ? 4 : 1))) return;
    const isolate = isOthers && random.chance(0.8) ? waiting : writer;
    const draw = random.next();
    if (!isolate.alive) return;
    // Who stands still while something is claimed in its name wakes up with what is left of a lease, more often than not.
    if (isOthers && isolate === waiting && random.chance(0.7)) this.#freeze(isolate, LEASE_MS - random.magnitude(100, 5_000));
    else if (draw < 0.25) this.#world.kill(isolate);
    else if (draw < 0.7) this.#freeze(isolate);
    else this.#cutOff(isolate);
  }

  #freeze(isolate: Isolate, forMs?: number): void {
    const { random } = this.#world;
    // About as long as a lease.
    const ms = forMs ?? random.pick([random.int(24_000, 31_000), random.int(25_000, 60_000), random.magnitude(1_000, 90_000)]);
    this.#world.note(`${isolate.name} is frozen for ${ms} ms`);
    isolate.freeze(ms);
  }

  #cutOff(isolate: Isolate): void {
    const { random } = this.#world;
    const ms = random.pick([random.int(20_000, 27_000), random.int(20_000, 45_000), random.magnitude(2_000, 60_000)]);
    this.#world.note(`${isolate.name} is cut off from the database for ${ms} ms`);
    isolate.cutOff = true;
    this.#world.schedule.after(ms, () => (isolate.cutOff = false));
  }

  /** An isolate dies, or, as in a deployment, all of them. */
  #crash(): void {
    if (this.#world.random.chance(0.1)) for (const isolate of this.#world.isolates) this.#world.kill(isolate);
    else this.#world.kill(this.#anyIsolate());
  }

  /** Parts stop one after the other, and come back in another order: FoundationDB's swizzle. */
  #swizzle(): void {
    const { random } = this.#world;
    const { database, storage, queue, gate, sweep, delivery, watch, stream } = this.#world.parts;
    const { watching, jobs } = this.#world.shape;
    const asked = [...(watching ? [watch] : []), ...(jobs.some(({ resumable }) => resumable) ? [stream] : [])];
    const breakable: ((broken: boolean) => void)[] = [
      ...[database, storage, queue, gate, sweep, delivery, ...asked].map((part) => (broken: boolean) => {
        part.outage = broken ? random.pick(["fails", "hangs"] as const) : "none";
        this.#world.note(`${part.name}: ${part.outage === "none" ? "in order again" : part.outage}`);
      }),
      ...this.#world.gpus.ids.map((id) => (broken: boolean) => {
        const how = broken ? random.pick(["refuses", "hangs", "tunnel"] as const) : "none";
        this.#world.gpus.partition(id, how);
        this.#world.note(`the way to ${id}: ${how === "none" ? "in order again" : how}`);
      }),
    ];
    const some = random.shuffled(breakable).slice(0, random.int(1, Math.min(4, breakable.length)));
    let at = 0;
    for (const each of some) this.#world.schedule.after((at += random.int(0, 5_000)), () => !this.#world.calm && each(true));
    for (const each of random.shuffled(some))
      this.#world.schedule.after((at += random.magnitude(500, 30_000)), () => !this.#world.calm && each(false));
  }
}
