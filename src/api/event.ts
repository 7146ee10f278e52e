/**
 * An event as our own API tells it: type, time and the inference as `present` shows it, its output included while it is
 * small, and beyond that a link to it that needs no key. The form is that of Standard Webhooks 1.0.0 ("Webhook payload structure").
 */
import { sizeOf } from "../content/content.ts";
import type { Payload } from "../payloads/payload.ts";
import { writeJson } from "../encoding/json.ts";
import { EVENT_OUTPUT_BYTES } from "../limits.ts";
import type { DeliveryMessage, WebhookEvent } from "../webhooks/deliver.ts";
import { present } from "./present.ts";

export async function presentOwnEvent({ name, at, inference, origin, resultLink }: WebhookEvent): Promise<DeliveryMessage> {
  const shown = present(inference, { origin });
  const isLarge = inference.status === "succeeded" && bytesOf(inference.output) > EVENT_OUTPUT_BYTES;
  const data = isLarge ? { ...shown, output: null, output_url: await resultLink() } : shown;
  return { body: eventOf(name, at, data) };
}

/** `at` in ms. */
export function eventOf(type: string, at: number, data: unknown): string {
  return writeJson({ type, timestamp: new Date(at).toISOString(), data });
}

function bytesOf(output: Payload): number {
  return output.at === "object" ? output.bytes : sizeOf(output.body);
}
