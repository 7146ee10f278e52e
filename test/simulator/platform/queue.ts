/** The queue of wake-ups, which forgets, doubles, delays and mixes up. */
import { RUNNERS_PER_BATCH } from "../../../src/limits.ts";
import type { Lane } from "../../../src/models/lane.ts";
import type { Faults } from "../faults.ts";
import type { Random } from "../random.ts";
import type { Schedule } from "../schedule.ts";

export interface QueueWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly faults: Faults;
  note(what: string): void;
}

export class WakeUps {
  readonly #world: QueueWorld;
  readonly #consume: (lanes: readonly Lane[]) => void;
  readonly #underWay = new Set<Lane>();
  #arrived: Lane[] = [];
  #delivering = false;

  constructor(world: QueueWorld, consume: (lanes: readonly Lane[]) => void) {
    this.#world = world;
    this.#consume = consume;
  }

  send(lane: Lane): void {
    const { random, faults, schedule } = this.#world;
    if (random.chance(faults.wakeLost)) return this.#world.note(`a wake-up for ${lane.model} is lost`);
    const copies = random.chance(faults.wakeDoubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const message = { model: lane.model, version: lane.version };
      this.#underWay.add(message);
      schedule.after(random.chance(faults.wakeLate) ? random.magnitude(50, 30_000) : random.int(1, 30), () => {
        if (!this.#underWay.delete(message)) return;
        this.#arrived.push(message);
        this.#deliver();
      });
    }
  }

  forget(): void {
    this.#world.note("the queue forgets");
    this.#underWay.clear();
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    const { random, schedule } = this.#world;
    schedule.after(random.int(0, 10), () => {
      this.#delivering = false;
      const lanes = random.shuffled(this.#arrived.splice(0)).slice(0, RUNNERS_PER_BATCH * 20);
      for (let first = 0; first < lanes.length; first += RUNNERS_PER_BATCH) this.#consume(lanes.slice(first, first + RUNNERS_PER_BATCH));
    });
  }
}
