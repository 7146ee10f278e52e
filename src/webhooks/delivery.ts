/**
 * PURE. What a webhook hears of, and what a delivery is: one event of one inference, or of the account, for one endpoint. A delivery's id
 * is made of its key, so it is the same for each attempt and names the account: it is part of what is signed, and a
 * receiver that relies on the deployment's public key sees from it that the delivery is its own.
 */

import { EVENTS } from "../inferences/webhook.ts";

/** What the webhooks of an account may be told of it. */
const ACCOUNT_EVENTS = ["account.budget_warning", "account.budget_exceeded", "account.budget_renewed"] as const;

export type AccountEventName = (typeof ACCOUNT_EVENTS)[number];

/** All that a webhook of an account may hear of; a URL that was given with an inference hears of that alone. */
export const ALL_EVENTS = [...EVENTS, ...ACCOUNT_EVENTS] as const;

export type AnyEvent = (typeof ALL_EVENTS)[number];

export function isOfAccount(event: AnyEvent): event is AccountEventName {
  return (ACCOUNT_EVENTS as readonly string[]).includes(event);
}

/** What stands for an inference where a delivery tells of the account itself. */
export const OF_ACCOUNT = "account";

/** What an endpoint is sent to try it out. */
export const PING = "webhook.ping";

/** What names a delivery. */
export interface DeliveryKey {
  readonly accountId: string;
  /** OF_ACCOUNT where it tells of that. */
  readonly inferenceId: string;
  /** Of the event among those of its inference: what comes with a lower one than a receiver has seen is out of date. */
  readonly sequence: number;
  /** Empty for the URL that was given with the inference. */
  readonly webhookId: string;
}

/** What stands in an id for the URL that was given with the inference. */
export const OWN_URL = "0";

/** The `webhook-id`: letters, digits, `-` and `_`. */
export function deliveryIdOf({ accountId, inferenceId, sequence, webhookId }: DeliveryKey): string {
  return `msg_${accountId}_${inferenceId.replaceAll("-", "")}_${sequence}_${webhookId || OWN_URL}`;
}

/** The name of its span, within its inference. */
export function deliverySpan({ sequence, webhookId }: DeliveryKey): string {
  return `delivery/${sequence}/${webhookId}`;
}

/** Where a delivery stands in the list of its inference. */
export function placeOf({ sequence, webhookId }: DeliveryKey): string {
  return `${sequence}.${webhookId}`;
}

/** The key of the delivery at a place; for '' the one before all. Null for any other text. */
export function keyAt(place: string, accountId: string, inferenceId: string): DeliveryKey | null {
  const [, sequence, webhookId = ""] = /^([1-9]\d{0,8})\.(|wh_[0-9A-Za-z]{16})$/.exec(place) ?? [];
  if (place === "") return { accountId, inferenceId, sequence: 0, webhookId: "" };
  return sequence === undefined ? null : { accountId, inferenceId, sequence: Number(sequence), webhookId };
}

/** The delivery of an account that an id names; null for any other text. */
export function deliveryKeyOf(id: string, accountId: string): DeliveryKey | null {
  const [, of = "", sequence, webhook = ""] = /_(account|[0-9a-f]{32})_([1-9]\d{0,8})_(0|wh_[0-9A-Za-z]{16})$/.exec(id) ?? [];
  const inferenceId = of.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const key = { accountId, inferenceId, sequence: Number(sequence), webhookId: webhook === OWN_URL ? "" : webhook };
  return deliveryIdOf(key) === id ? key : null;
}
