/**
 * An event as our own API tells it: type, time and the inference as `present` shows it, its output included while it is
 * small, and beyond that a link to it that needs no key; of the account, its budget. The form is that of Standard Webhooks 1.0.0 ("Webhook payload structure").
 */
import * as z from "zod";
import { nextMonth } from "../accounts/usage.ts";
import { sizeOf } from "../content/content.ts";
import type { Payload } from "../payloads/payload.ts";
import { writeJson } from "../encoding/json.ts";
import { EVENT_OUTPUT_BYTES } from "../limits.ts";
import type { AccountEvent, DeliveryMessage, WebhookEvent } from "../webhooks/deliver.ts";
import { presentBudget } from "./me.ts";
import { present } from "./present.ts";

export async function presentOwnEvent({ name, at, inference, origin, resultLink }: WebhookEvent): Promise<DeliveryMessage> {
  const shown = present(inference, { origin });
  const isLarge = inference.status === "succeeded" && bytesOf(inference.output) > EVENT_OUTPUT_BYTES;
  const data = isLarge ? { ...shown, output: null, output_url: await resultLink() } : shown;
  return { body: eventOf(name, at, data) };
}

/** How a budget stood, as the trigger that tells of it has it (schema.sql); without a budget if it was taken away. */
const stoodSchema = z.object({ spentMicros: z.number(), budgetMicros: z.number().nullable(), warnMicros: z.number().nullable() });

export function presentAccountEvent({ name, accountId, at, snapshot }: AccountEvent): DeliveryMessage {
  const { budgetMicros, ...stood } = stoodSchema.parse(snapshot);
  const budget = budgetMicros === null ? null : presentBudget(stateAt(name, stood), { ...stood, budgetMicros }, nextMonth(at));
  return { body: eventOf(name, at, { account_id: accountId, budget }) };
}

function stateAt(name: AccountEvent["name"], { spentMicros, warnMicros }: { spentMicros: number; warnMicros: number | null }) {
  if (name === "account.budget_exceeded") return "spent";
  return warnMicros !== null && spentMicros >= warnMicros ? "warned" : "ok";
}

/** `at` in ms. */
export function eventOf(type: string, at: number, data: unknown): string {
  return writeJson({ type, timestamp: new Date(at).toISOString(), data });
}

function bytesOf(output: Payload): number {
  return output.at === "object" ? output.bytes : sizeOf(output.body);
}
