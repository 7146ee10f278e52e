/**
 * The Durable Objects that send deliveries, for a world without the platform: the same few lines as
 * src/entry/delivery-object.ts. Each account's objects share an isolate, which may die.
 */
import { presentAccountEvent, presentOwnEvent } from "../../../src/api/event.ts";
import { bestEffort } from "../../../src/inferences/hints.ts";
import { DELIVERY_OBJECTS_PER_ACCOUNT } from "../../../src/limits.ts";
import type { Ports } from "../../../src/ports.ts";
import { DeliveryLoop, type DeliverySettings } from "../../../src/webhooks/deliver.ts";
import { signingKeyFor } from "../../../src/webhooks/sealing.ts";
import { PUBLIC_ONLY } from "../../../src/webhooks/target.ts";
import type { Isolate } from "./isolate.ts";

const KEY_SECRETS = ["a secret of a simulated deployment"];

export interface DeliverersWorld {
  newIsolate(): Isolate;
  portsOf(isolate: Isolate): Ports;
  /** Another object of the account is told. */
  tell(isolate: Isolate, accountId: string, number: number): Promise<void>;
}

interface Deliverer {
  readonly isolate: Isolate;
  readonly loops: Map<number, Promise<DeliveryLoop>>;
}

export class Deliverers {
  readonly #world: DeliverersWorld;
  readonly #deliverers = new Map<string, Deliverer>();

  constructor(world: DeliverersWorld) {
    this.#world = world;
  }

  get isolates(): Isolate[] {
    return [...this.#deliverers.values()].map(({ isolate }) => isolate);
  }

  isolateOf(accountId: string): Isolate {
    return this.#of(accountId).isolate;
  }

  /** Whether an isolate that died was one of these; its account gets another. */
  bury(isolate: Isolate): boolean {
    for (const [accountId, deliverer] of this.#deliverers) {
      if (deliverer.isolate === isolate) return this.#deliverers.delete(accountId);
    }
    return false;
  }

  /** Something may be due for the account. Returns at once. */
  async deliver(accountId: string, number: number): Promise<void> {
    const deliverer = this.#of(accountId);
    const known = deliverer.loops.get(number) ?? this.#newLoop(deliverer.isolate, accountId, number);
    deliverer.loops.set(number, known);
    const loop = await known;
    void loop.drain();
  }

  #of(accountId: string): Deliverer {
    const known = this.#deliverers.get(accountId);
    if (known) return known;
    const deliverer = { isolate: this.#world.newIsolate(), loops: new Map<number, Promise<DeliveryLoop>>() };
    this.#deliverers.set(accountId, deliverer);
    return deliverer;
  }

  async #newLoop(isolate: Isolate, accountId: string, number: number): Promise<DeliveryLoop> {
    const next = number + 1;
    const onFull = () => {
      if (next >= DELIVERY_OBJECTS_PER_ACCOUNT) return;
      void bestEffort("deliveries_not_announced", this.#world.tell(isolate, accountId, next));
    };
    return new DeliveryLoop(this.#world.portsOf(isolate), await settings(), accountId, onFull);
  }
}

async function settings(): Promise<DeliverySettings> {
  return {
    targets: PUBLIC_ONLY,
    looksUpNames: true,
    publicUrl: "https://claimcheck.example.com",
    keySecrets: KEY_SECRETS,
    signingKey: await signingKeyFor(KEY_SECRETS),
    presentEvent: (_dialect, event) => presentOwnEvent(event),
    presentAccountEvent,
  };
}
