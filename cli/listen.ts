/**
 * `listen`: what happens to the account's inferences, as the webhooks that tell of it, sent to a server on this machine. Each is signed
 * by the secret that is printed, in the form of docs/webhooks.md.
 */
import { createHmac, randomBytes } from "node:crypto";
import { dim, green, red } from "../src/local/terminal.ts";
import type { Api, Json } from "./api.ts";
import { type ServerSentEvent, eventsIn } from "./events.ts";
import { UsageError } from "./errors.ts";
import { type Output, plain, printValue } from "./print.ts";
import { setTimeout as sleep } from "node:timers/promises";

const PAUSE_MS = 1_000;
const ANSWER_MS = 15_000;

export interface ListenOptions {
  readonly forwardTo: string;
  /** Such as `inference.succeeded`. */
  readonly events: readonly string[];
  readonly filters: Readonly<Record<string, string>>;
}

export async function listen(api: Api, output: Output, { forwardTo, events, filters }: ListenOptions, signal: AbortSignal): Promise<void> {
  if (!URL.canParse(forwardTo)) throw new UsageError(`"${forwardTo}" must be a URL, such as http://127.0.0.1:3000/hooks`);
  const key = randomBytes(24);
  output.note(`The signing secret of this session: whsec_${key.toString("base64")}`);
  output.note(dim(`Forwarding to ${forwardTo}. Ctrl-C ends it.`));
  let after: string | undefined;
  while (!signal.aborted) {
    const headers = { Accept: "text/event-stream", ...(after !== undefined && { "Last-Event-ID": after }) };
    try {
      const answer = await api.call("GET", "/v1/events", { query: filters, headers, signal, waitMs: 2 ** 30 });
      if (answer.body) {
        for await (const event of eventsIn(answer.body)) {
          after = event.id ?? after;
          const webhook = webhookOf(event);
          if (webhook && events.includes(webhook.type)) await forward(output, forwardTo, webhook, key);
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof TypeError)) throw error; // what fetch throws if the connection is cut
    }
    await sleep(PAUSE_MS);
  }
}

interface Webhook {
  readonly type: string;
  readonly id: string;
  readonly data: Json;
}

/** The webhook that an event would be: of an end, a start, or a change in between. */
function webhookOf({ id, data }: ServerSentEvent): Webhook | null {
  const inference = inferenceIn(data);
  if (!inference) return null;
  const status = String(inference["status"]);
  const type =
    inference["is_final"] === true ? `inference.${status}` : status === "in_progress" ? "inference.started" : "inference.progress";
  return { type, id: `msg_${String(inference["id"])}_${id ?? ""}`, data: inference };
}

/** An event is an inference, or has one in it. */
function inferenceIn(data: string): Json | null {
  const value: unknown = JSON.parse(data);
  if (typeof value !== "object" || value === null) return null;
  const members = value as Json; // an object, by the check before
  if (typeof members["inference"] === "object" && members["inference"] !== null) return members["inference"] as Json; // likewise
  return "status" in members && "id" in members ? members : null;
}

async function forward(output: Output, to: string, { type, id, data }: Webhook, key: Buffer): Promise<void> {
  const now = new Date();
  const body = JSON.stringify({ type, timestamp: now.toISOString(), data });
  const seconds = Math.floor(now.getTime() / 1000);
  const signature = createHmac("sha256", key).update(`${id}.${seconds}.${body}`).digest("base64");
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(seconds),
    "webhook-signature": `v1,${signature}`,
  };
  const begun = Date.now();
  let seen: string;
  try {
    const answer = await fetch(to, { method: "POST", headers, body, redirect: "manual", signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    seen = answer.ok ? green(String(answer.status)) : red(String(answer.status));
  } catch (error) {
    seen = red(error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error));
  }
  if (output.json) return printValue(output, { type, id: data["id"], seen });
  output.line(`${dim(now.toISOString())}  ${type}  ${plain(data["id"])}  ${seen}  ${dim(`${Date.now() - begun} ms`)}`);
}
