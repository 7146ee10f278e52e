/** PURE. The URL that is given with an inference: which events it is sent, and the status of the delivery of its end. */
import { type Status, isFinal } from "./status.ts";

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
