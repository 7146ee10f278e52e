/**
 * The Durable Object that sends an account's deliveries; an entry point, so it may know the dialects. Each account has its
 * own objects instead of one queue for all: a queue's consumer gets more invocations only when a batch ends, so receivers
 * that hang would delay other accounts' deliveries. An object has its own invocation and its own connections, and there
 * is no queue's latency. Nothing is kept here: the rows are the truth, the sweep finds what is due or was lost, and an
 * object that dies costs no more than a lease.
 */
import { DurableObject } from "cloudflare:workers";
import { DIALECTS } from "../wires.ts";
import { presentAccountEvent, presentOwnEvent } from "../api/event.ts";
import { configOf } from "../config.ts";
import { bestEffort } from "../inferences/hints.ts";
import { logError } from "../platform/log.ts";
import { DELIVERY_OBJECTS_PER_ACCOUNT } from "../limits.ts";
import { deliveryObjectName, portsOf } from "./bindings.ts";
import { DeliveryLoop, type DeliverySettings } from "../webhooks/deliver.ts";
import { signingKeyFor } from "../webhooks/sealing.ts";

export class DeliveryObject extends DurableObject<Env> {
  #loop: Promise<DeliveryLoop> | null = null;

  /** Something may be due for the account, whose object of that number this is. Returns at once. */
  async deliver(accountId: string, number: number): Promise<void> {
    this.#loop ??= this.#newLoop(accountId, number);
    const loop = await this.#loop;
    this.ctx.waitUntil(loop.drain());
  }

  async #newLoop(accountId: string, number: number): Promise<DeliveryLoop> {
    const next = number + 1;
    const onFull = () => {
      if (next >= DELIVERY_OBJECTS_PER_ACCOUNT) return;
      const stub = this.env.DELIVERY.getByName(deliveryObjectName(accountId, next));
      this.ctx.waitUntil(bestEffort("deliveries_not_announced", stub.deliver(accountId, next)));
    };
    try {
      return new DeliveryLoop(portsOf(this.env), await settingsOf(this.env), accountId, onFull);
    } catch (error) {
      logError("delivery_object_not_started", error);
      this.#loop = null;
      throw error;
    }
  }
}

/** The deployment's settings that deliveries need. */
export async function settingsOf(env: Env): Promise<DeliverySettings> {
  const { targets, looksUpNames, publicUrl, keySecrets } = configOf(env);
  return {
    targets,
    looksUpNames,
    publicUrl,
    keySecrets,
    signingKey: await signingKeyFor(keySecrets),
    presentEvent(dialect, event) {
      const known = DIALECTS.find(({ name }) => name === dialect);
      return known?.presentEvent?.(event) ?? presentOwnEvent(event);
    },
    presentAccountEvent,
  };
}
