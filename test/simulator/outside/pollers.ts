/**
 * Clients that ask how an inference is and would rather wait for its end (`Prefer: wait=N`), over the route of the API, again and again
 * until it has ended; some leave before they are answered.
 */
import { inferenceRoutes } from "../../../src/api/inferences.ts";
import type { Admissions } from "../../../src/http/admit.ts";
import type { LookUps } from "../../../src/http/lookups.ts";
import { type Status, isFinal } from "../../../src/inferences/status.ts";
import type { Ports } from "../../../src/ports.ts";
import { Isolate } from "../platform/isolate.ts";
import { Polling } from "../rules/polling.ts";
import type { Job } from "../shape.ts";
import type { World } from "../world.ts";
import { callOf } from "./call.ts";

const [, GET] = inferenceRoutes;

export class Pollers {
  readonly #world: World;
  readonly #sharedOf: (ports: Ports) => { admissions: Admissions; lookUps: LookUps };
  readonly #rules: Polling;
  #underWay = 0;
  #haveLeft = false;

  constructor(world: World, sharedOf: (ports: Ports) => { admissions: Admissions; lookUps: LookUps }) {
    this.#world = world;
    this.#sharedOf = sharedOf;
    this.#rules = new Polling({
      now: () => world.schedule.now,
      calmSince: () => world.model.known.faultsEndedAt,
      violate: (rule, detail) => world.violate(rule, detail),
    });
  }

  /** How many were answered. */
  get answered(): number {
    return this.#rules.answered;
  }

  judge(): void {
    this.#rules.judge();
  }

  /** Nobody polls any more. */
  leave(): void {
    this.#haveLeft = true;
  }

  /** Whether nobody waits for an answer. */
  haveAllAnswers(): boolean {
    return this.#underWay === 0;
  }

  /** Polls until the end. */
  async poll(job: Job, id: string): Promise<void> {
    const { pollRandom: random } = this.#world;
    let status: Status | null = null;
    while (!this.#haveLeft && !this.#world.violation && (status === null || !isFinal(status))) {
      this.#underWay++;
      status =
        (await this.#ask(job, id, random.pick([1, 5, 20, 60]), random.chance(0.1) ? random.magnitude(10, 30_000) : Infinity)) ?? status;
      this.#underWay--;
      await this.#world.wait(random.magnitude(1, 5_000));
    }
  }

  /** One poll: the status in its answer, or null if there is none. */
  async #ask(job: Job, id: string, seconds: number, stayMs: number): Promise<Status | null> {
    const world = this.#world;
    const life = world.model.known.jobs.get(job.number);
    if (!life || !GET) return null;
    let text = "";
    const decoder = new TextDecoder();
    const how = await world.requests.follow(
      async (ports, after, signal) => {
        const { isolate } = ports;
        if (!(isolate instanceof Isolate)) throw new Error("an isolate of the simulator's");
        const poll = this.#rules.begin(life, isolate, seconds, signal);
        const shared = {
          ...this.#sharedOf(ports),
          ports,
          after,
          signal,
          requestId: "poller",
          lastEventId: null,
          prefer: `wait=${seconds}`,
        };
        try {
          const answer = await GET.handle(callOf({ ...shared, account: job.account, path: `/v1/inferences/${id}`, id }));
          const told = await answer.text();
          this.#rules.answers(poll, statusIn(told), answer.headers.get("preference-applied"));
          return new Response(told, answer);
        } catch (error) {
          this.#rules.fails(poll, error);
          throw error;
        }
      },
      (piece) => void (text += decoder.decode(piece, { stream: true })),
      world.hasEnded ? Infinity : stayMs,
    );
    world.note(`who polls #${job.number} for ${seconds} s is told ${how === 200 ? statusIn(text) : String(how)}`);
    return how === 200 ? statusIn(text) : null;
  }
}

function statusIn(text: string): Status {
  return (JSON.parse(text) as { status: Status }).status; // as the API documents it
}
