/**
 * One call of an endpoint: a signed message is posted, and what comes back is told apart. The URL is judged right before,
 * and its name is looked up, since the name may lead elsewhere than when the webhook was set. An endpoint's failure is a
 * value; what is thrown from here is a fault of ours.
 */
import type { Outside } from "../backends/backend.ts";
import { JSON_TYPE } from "../content/content.ts";
import { retryAfterMs } from "../encoding/retry-after.ts";
import { readUpTo } from "../encoding/streams.ts";
import { DELIVERY_ANSWER_BYTES, WEBHOOK_TIMEOUT_MS } from "../limits.ts";
import { type DeliveryOutcome, isSuccess } from "./schedule.ts";
import type { Attempt } from "./sql/deliveries.ts";
import { type SigningKey, signStandard } from "./signature.ts";
import { type TargetRules, judgeName, judgeTarget } from "./target.ts";

/** Which URLs may be called. */
export interface TargetSettings {
  readonly targets: TargetRules;
  readonly looksUpNames: boolean;
}

/** A request, complete and signed. */
export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** How one call of an endpoint went. */
export interface CallResult {
  readonly outcome: DeliveryOutcome;
  readonly durationMs: number;
  /** The beginning of the answer; '' if there was none. */
  readonly answer: string;
  /** Why there was no answer, for the log. */
  readonly cause?: unknown;
}

/** A body with all its headers. `now` in ms; the newest of the `secrets` first. */
export async function signed(
  id: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  now: number,
  secrets: readonly string[],
  signingKey: SigningKey,
): Promise<Message> {
  const signature = await signStandard({ id, timestamp: Math.floor(now / 1000), body }, secrets, signingKey);
  return { body, headers: { "Content-Type": JSON_TYPE, "User-Agent": "Claimcheck", ...headers, ...signature } };
}

/** Calls an endpoint, if it may be called. It has WEBHOOK_TIMEOUT_MS to answer, after the resolver's time. */
export async function callEndpoint(outside: Outside, settings: TargetSettings, url: string, message: Message): Promise<CallResult> {
  const refused = (reason: string): CallResult => ({ outcome: { kind: "refused", reason }, durationMs: 0, answer: "" });
  const target = judgeTarget(url, settings.targets);
  if (!target.ok) return refused(target.reason);
  if (target.name !== null && settings.looksUpNames) {
    const judged = await judgeName(target.name, outside);
    if (judged.verdict === "refused") return refused(judged.reason);
  }
  const { fetch, clock } = outside;
  const headers = Object.fromEntries(new Headers(message.headers)); // throws here if we made a header that is not valid
  const begunAt = clock.now();
  const signal = clock.timeout(WEBHOOK_TIMEOUT_MS);
  const sent = await settled(fetch(target.url, { method: "POST", body: message.body, headers, redirect: "manual", signal }));
  if ("error" in sent) {
    const kind = signal.aborted ? "timed_out" : "unreachable";
    return { outcome: { kind }, durationMs: clock.now() - begunAt, answer: "", cause: sent.error };
  }
  const response = sent.value;
  const askedMs = retryAfterMs(response.headers.get("retry-after"), clock.now());
  const { text, cause } = await beginningOf(response);
  const outcome = { kind: "answered", status: response.status, retryAfterMs: askedMs } as const;
  return { outcome, durationMs: clock.now() - begunAt, answer: text, ...(cause === undefined ? {} : { cause }) };
}

/** Whether an endpoint took what it was sent. */
export function wasDelivered({ outcome }: CallResult): boolean {
  return isSuccess(outcome);
}

/** The status that an endpoint answered; null if it did not answer. */
export function statusOf(outcome: DeliveryOutcome): number | null {
  return outcome.kind === "answered" ? outcome.status : null;
}

/** As it is kept with its delivery. */
export function attemptOf({ outcome, durationMs, answer }: CallResult): Omit<Attempt, "at"> {
  return { outcome: outcome.kind, status: statusOf(outcome), durationMs, answer: outcome.kind === "refused" ? outcome.reason : answer };
}

/** What a JSON text has six characters for, and nobody can read. */
const CONTROLS = /(?![\t\n\r])\p{Cc}/gu;

/** The first DELIVERY_ANSWER_BYTES of an answer, as text: all that came, if it broke off or took too long. Its status counts either way. */
async function beginningOf({ body }: Response): Promise<{ text: string; cause?: unknown }> {
  if (!body) return { text: "" };
  const decoder = new TextDecoder();
  let text = "";
  const read = await settled(
    readUpTo(body, DELIVERY_ANSWER_BYTES, (chunk) => {
      text += decoder.decode(chunk, { stream: true });
    }),
  );
  text = text.replaceAll(CONTROLS, "\ufffd");
  return "error" in read ? { text, cause: read.error } : { text };
}

/** What a promise of the network came to. */
function settled<T>(work: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
}
