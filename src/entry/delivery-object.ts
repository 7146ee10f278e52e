/**
 * The Durable Object that sends an account's deliveries; an entry point, so it may know the dialects. Why an object for
 * each account and not one queue for all: a queue's consumer is given more invocations only when a batch ends, so
 * receivers that hang would keep another account's deliveries waiting behind them; an object has its own invocation and
 * its own connections, and is told without a queue's latency. Nothing is kept here: the rows are the truth, the sweep
 * tells of what is due or was lost, and one that dies costs no more than a lease.
 */
import { DurableObject } from "cloudflare:workers";
import { DIALECTS } from "../wires.ts";
import { presentOwnEvent } from "../api/event.ts";
import { configOf } from "../config.ts";
import { bestEffort } from "../inferences/hints.ts";
import { logError } from "../platform/log.ts";
import { DELIVERY_OBJECTS_PER_ACCOUNT } from "../limits.ts";
import { deliveryObjectName, portsOf } from "./bindings.ts";
import { DeliveryLoop, type Settings } from "../webhooks/deliver.ts";
import { signingKeysOf } from "../webhooks/sealing.ts";

export class DeliveryObject extends DurableObject<Env> {
  #rounds: Promise<DeliveryLoop> | null = null;

  /** Something may be due for the account, whose courier of that number this is. Returns at once. */
  async deliver(accountId: string, number: number): Promise<void> {
    this.#rounds ??= this.#begin(accountId, number);
    const rounds = await this.#rounds;
    this.ctx.waitUntil(rounds.look());
  }

  async #begin(accountId: string, number: number): Promise<DeliveryLoop> {
    const next = number + 1;
    const more = () => {
      if (next >= DELIVERY_OBJECTS_PER_ACCOUNT) return;
      const stub = this.env.DELIVERY.getByName(deliveryObjectName(accountId, next));
      this.ctx.waitUntil(bestEffort("deliveries_not_announced", stub.deliver(accountId, next)));
    };
    try {
      return new DeliveryLoop(portsOf(this.env), await settingsOf(this.env), accountId, more);
    } catch (error) {
      logError("delivery_object_not_started", error);
      this.#rounds = null;
      throw error;
    }
  }
}

/** What delivering needs of the deployment. */
export async function settingsOf(env: Env): Promise<Settings> {
  const { targets, looksUpNames, publicUrl, keySecrets } = configOf(env);
  const [signingKey] = await signingKeysOf(keySecrets);
  if (!signingKey) throw new Error("there is no key to sign with");
  return {
    targets,
    looksUpNames,
    publicUrl,
    keySecrets,
    signingKey,
    tell(dialect, told) {
      const known = DIALECTS.find(({ name }) => name === dialect);
      return known?.tell?.(told) ?? presentOwnEvent(told);
    },
  };
}
