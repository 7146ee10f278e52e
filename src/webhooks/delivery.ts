/**
 * PURE. What a webhook hears of, and what a delivery is: one event of one inference for one endpoint. A delivery's id
 * is made of its key, so it is the same for each attempt and names the account: it is part of what is signed, and a
 * receiver that relies on the deployment's public key sees from it that the delivery is its own.
 */
import { type Status, isFinal } from "../inferences/inference.ts";

export const EVENTS = [
  "inference.started",
  "inference.progress",
  "inference.succeeded",
  "inference.failed",
  "inference.canceled",
  "inference.expired",
] as const;
export type EventName = (typeof EVENTS)[number];

/** What is told unless asked otherwise: how it ended. */
export const ENDS: readonly EventName[] = ["inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"];

/** What an endpoint is sent to try it out. */
export const PING = "webhook.ping";

/** A URL that was given with an inference. */
export interface Webhook {
  /** In its one canonical form (target.ts). */
  readonly url: string;
  readonly events: readonly EventName[];
  /** Where we were reached when it was given, for the addresses in its deliveries. */
  readonly origin: string;
}

/** `held`: its endpoint is not called at present; it waits until somebody sends it again. */
export const DELIVERY_STATUSES = ["pending", "held", "succeeded", "failed", "canceled"] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** How it stands with telling the URL that was given with an inference; `none` where it hears nothing of that end. */
export type WebhookStatus = "none" | Exclude<DeliveryStatus, "held">;

/**
 * Follows from the inference's status and from the delivery of its end, which is null until there is one. Until an
 * inference has ended, and while a delivery is held, it is pending.
 */
export function webhookStatusOf(status: Status, events: readonly string[], ofEnd: DeliveryStatus | null): WebhookStatus {
  if (!isFinal(status)) return "pending";
  if (ofEnd !== null) return ofEnd === "held" ? "pending" : ofEnd;
  if (events.includes(`inference.${status}`)) return "pending";
  return status === "canceled" ? "canceled" : "none";
}

/** What names a delivery. */
export interface DeliveryKey {
  readonly accountId: string;
  readonly inferenceId: string;
  /** Of the event among those of its inference: what comes with a lower one than a receiver has seen is out of date. */
  readonly sequence: number;
  /** Empty for the URL that was given with the inference. */
  readonly webhookId: string;
}

const OWN_URL = "0";

/** The `webhook-id`: letters, digits, `-` and `_`. */
export function deliveryIdOf({ accountId, inferenceId, sequence, webhookId }: DeliveryKey): string {
  return `msg_${accountId}_${inferenceId.replaceAll("-", "")}_${sequence}_${webhookId || OWN_URL}`;
}

/** The delivery of an inference that an id names; null for any other text. */
export function deliveryKeyOf(id: string, accountId: string, inferenceId: string): DeliveryKey | null {
  const [, sequence, webhook = ""] = /_([1-9]\d{0,8})_(0|wh_[0-9A-Za-z]{16})$/.exec(id) ?? [];
  const key = { accountId, inferenceId, sequence: Number(sequence), webhookId: webhook === OWN_URL ? "" : webhook };
  return deliveryIdOf(key) === id ? key : null;
}
