/**
 * `listen`: what happens to the account's inferences, as the webhooks that tell of it, sent to a server on this machine. Each is signed
 * as docs/webhooks.md says, with a secret of this machine's own.
 */
import { createHmac, randomBytes } from "node:crypto";
import type { Claimcheck, Event, Inference } from "../client/typescript/client.ts";
import { bold, dim, green, red } from "../src/local/terminal.ts";
import type { Api } from "./api.ts";
import { UsageError, causeOf } from "./errors.ts";
import { type Output, clockOf, printValue, printable } from "./print.ts";
import { keepSecret, keptSecret } from "./settings.ts";

const ANSWER_MS = 15_000;
const SECRET_BYTES = 24;
/** From one report of an inference's progress to the next. */
const PROGRESS_MS = 5_000;

export interface ListenOptions {
  readonly forwardTo: string;
  /** Such as `inference.succeeded`. */
  readonly events: readonly string[];
  readonly filters: Readonly<Record<string, string>>;
  /** `whsec_…`; this machine's own by default. */
  readonly secret?: string;
}

/** The secret that signs on this machine, the same each time, so that a server need be told of it once. */
export function secretOfThisMachine(): string {
  const kept = keptSecret();
  if (kept !== null) return kept;
  const made = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
  keepSecret(made);
  return made;
}

export async function listen({ client, output, signal }: Api, options: ListenOptions): Promise<void> {
  const { forwardTo, events, filters, secret = secretOfThisMachine() } = options;
  if (!/^https?:$/.test(URL.canParse(forwardTo) ? new URL(forwardTo).protocol : "")) {
    throw new UsageError(`--forward-to must be a URL, such as http://127.0.0.1:3000/hooks, and is "${forwardTo}".`);
  }
  const unheard = events.find((event) => !event.startsWith("inference."));
  if (unheard !== undefined)
    throw new UsageError(`listen sends events of inferences; "${unheard}" is none. A webhook of the account is sent those.`);
  const key = keyOf(secret);
  /** When progress was last sent, by inference. */
  const progressAt = new Map<string, number>();
  output.note(`Webhooks go to ${bold(printable(forwardTo))}. Ctrl-C ends it.`);
  output.note(`The signing secret is ${bold(secret)}`);
  try {
    for await (const event of client.events(null, { ...filters, signal })) {
      const webhook = event.event === "progress" ? await progressOf(client, event, events, progressAt) : webhookOf(event);
      if (webhook && events.includes(webhook.type)) await forward(output, forwardTo, webhook, key);
    }
  } catch (error) {
    if (!signal.aborted) throw error; // else Ctrl-C, which is how it ends
  }
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  if (key.length < SECRET_BYTES) throw new UsageError(`--secret must be whsec_ and at least ${SECRET_BYTES} bytes in base64.`);
  return key;
}

interface Webhook {
  readonly type: string;
  readonly id: string;
  readonly data: Inference;
}

/** The webhook that an event would be: of an end, of the first attempt, or of a move in between; null for others. */
function webhookOf({ event, id, data: { inference: shown, event: line, attempt } }: Event): Webhook | null {
  if (!shown || (event !== "status" && event !== "final")) return null;
  const inference = shown as Inference; // as the deployment writes it
  const between = line === "claimed" && attempt === 1 ? "started" : line === "queued" ? null : "progress";
  const what = event === "final" ? inference.status : between;
  return what === null ? null : { type: `inference.${what}`, id: `msg_${inference.id}_${id ?? ""}`, data: inference };
}

/** The webhook of a report of progress, once in PROGRESS_MS as the deployment has it; null if there is none to send. */
async function progressOf(
  client: Claimcheck,
  { data: { inference_id: id, at } }: Event,
  events: readonly string[],
  sentAt: Map<string, number>,
): Promise<Webhook | null> {
  const type = "inference.progress";
  if (typeof id !== "string" || !events.includes(type) || Date.now() < (sentAt.get(id) ?? 0) + PROGRESS_MS) return null;
  sentAt.set(id, Date.now());
  const data = await client.get(id);
  if (data.is_final) sentAt.delete(id);
  return data.progress ? { type, id: `msg_${id}_progress_${String(at)}`, data } : null;
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
  let isGood = false;
  try {
    const answer = await fetch(to, { method: "POST", headers, body, redirect: "manual", signal: AbortSignal.timeout(ANSWER_MS) });
    await answer.body?.cancel();
    isGood = answer.ok;
    seen = String(answer.status);
  } catch (error) {
    seen = causeOf(error);
  }
  const ms = Date.now() - begun;
  if (output.json) return printValue(output, { type, id: data.id, seen, ms });
  const answered = isGood ? green(seen) : red(printable(seen));
  output.line(`${dim(clockOf(now))}  ${type.padEnd(19)}  ${printable(data.id)}  ${answered}  ${dim(`${ms} ms`)}`);
}
