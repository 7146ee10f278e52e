/**
 * Clients that watch an inference, or all of an account, over the routes of the API: `EventSource`s, as a browser has them. Their
 * connections are cut and come back with the id of the last event, each time to another isolate. What they are told is held against
 * what there is (rules/watching.ts).
 */
import { eventRoutes } from "../../../src/api/events.ts";
import type { Admissions } from "../../../src/http/admit.ts";
import type { LookUps } from "../../../src/http/lookups.ts";
import type { After } from "../../../src/inferences/hints.ts";
import { EVENTS_RETRY_MS } from "../../../src/limits.ts";
import type { Ports } from "../../../src/ports.ts";
import { type Filter, type SeenEvent, Watching, type Watcher } from "../rules/watching.ts";
import { Blocks, fieldOf } from "./blocks.ts";
import { callOf } from "./call.ts";
import type { AccountShape, Job } from "../shape.ts";
import type { World } from "../world.ts";

const [OF_ONE, OF_ALL] = eventRoutes;

export class Watchers {
  readonly #world: World;
  readonly #sharedOf: (ports: Ports) => { admissions: Admissions; lookUps: LookUps };
  readonly #rules: Watching;
  #haveLeft = false;

  constructor(world: World, sharedOf: (ports: Ports) => { admissions: Admissions; lookUps: LookUps }) {
    this.#world = world;
    this.#sharedOf = sharedOf;
    this.#rules = new Watching({
      now: () => world.schedule.now,
      calmSince: () => world.model.known.faultsEndedAt,
      violate: (rule, detail) => world.violate(rule, detail),
      lives: () => world.model.known.lives.values(),
    });
    for (const account of world.shape.watching?.accounts ?? [])
      world.schedule.after(world.random.int(0, world.shape.spanMs / 2), () => this.#begin(account, null, -1));
    for (const { account, ...filter } of world.shape.watching?.filters ?? [])
      world.schedule.after(world.watchRandom.int(0, world.shape.spanMs / 2), () => this.#begin(account, null, -1, filter));
  }

  /** Somebody watches an inference from now on. */
  watch({ account, number }: Job, id: string): void {
    this.#world.schedule.after(this.#world.watchRandom.magnitude(1, 10_000), () => this.#begin(account, id, number));
  }

  /** Whether all who watch have seen all that they are to see. */
  haveSeenAll(): boolean {
    return this.#rules.behind().length === 0;
  }

  judge(): void {
    this.#rules.judge();
  }

  /** Nobody watches any more. */
  leave(): void {
    this.#haveLeft = true;
  }

  #begin(account: AccountShape, id: string | null, job: number, filter?: Filter): void {
    const watcher = this.#rules.begin(account.id, id, job, filter);
    this.#stay(account, watcher).catch((error: unknown) =>
      this.#world.violate("clients do not break", error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
  }

  /** Comes back until all is seen, or time is up. */
  async #stay(account: AccountShape, watcher: Watcher): Promise<void> {
    const world = this.#world;
    const { watchRandom: random } = world;
    const cutEveryMs = world.shape.watching?.cutEveryMs ?? Infinity;
    while (!this.#haveLeft && !watcher.isOver) {
      const stayMs = cutEveryMs === Infinity || world.hasEnded ? Infinity : random.wait(cutEveryMs);
      const blocks = new Blocks();
      const take = (piece: Uint8Array) => {
        if (this.#haveLeft) return;
        for (const event of blocks.of(piece).map(eventIn)) {
          if (event.name !== null || event.id !== null)
            world.note(`${watcher.name} is told ${event.name ?? "where it stands:"} ${event.id ?? ""}`);
          this.#rules.see(watcher, event);
        }
      };
      this.#rules.connects(watcher);
      const how = await world.requests.follow((ports, after, gone) => this.#ask(account, watcher, ports, after, gone), take, stayMs);
      this.#rules.disconnected(watcher, how);
      if (how instanceof Error) world.note(`${watcher.name} is told ${String(how)}`);
      await world.wait(random.chance(0.7) ? EVENTS_RETRY_MS : random.magnitude(1, 90_000));
    }
  }

  async #ask(
    account: AccountShape,
    { id, name, filter, lastEventId }: Watcher,
    ports: Ports,
    after: After,
    signal: AbortSignal,
  ): Promise<Response> {
    const query = queryOf(filter);
    this.#world.mutation.query?.(query);
    const path = id === null ? `/v1/events?${query.toString()}` : `/v1/inferences/${id}/events`;
    const route = id === null ? OF_ALL : OF_ONE;
    if (!route) throw new Error("the API has no such route");
    return route.handle(callOf({ account, path, id, requestId: name, lastEventId, ports, after, signal, ...this.#sharedOf(ports) }));
  }
}

function queryOf({ model, statuses }: Filter): URLSearchParams {
  return new URLSearchParams({ ...(model === null ? {} : { model }), ...(statuses === null ? {} : { status: statuses.join(",") }) });
}

/** An event as a block has it. */
function eventIn(block: string): SeenEvent {
  const data = fieldOf(block, "data");
  return { name: fieldOf(block, "event"), id: fieldOf(block, "id"), data: data === null ? {} : (JSON.parse(data) as SeenEvent["data"]) }; // as the API has it
}
