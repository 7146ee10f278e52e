/**
 * Deliver: what is due for an account is claimed, a few at a time, each told to its endpoint and recorded. A courier may
 * die between any two lines: the lease lapses, and the delivery is tried again under the same id, so every delivery
 * arrives at least once. What is told is the inference as the event left it, whatever became of it since, so each
 * attempt tells the same. What the receiver answers is kept for its account and goes nowhere else.
 */
import type { Outside } from "../backends/backend.ts";
import type { Bucket } from "../payloads/bucket.ts";
import type { Inference } from "../inferences/inference.ts";
import { findAsOf } from "../inferences/store.ts";
import { JSON_TYPE } from "../content/content.ts";
import { randomBase62 } from "../ids.ts";
import { LINK_METHODS, signLink } from "../files/link-token.ts";
import { log, logError } from "../platform/log.ts";
import { DELIVERIES_AT_ONCE, DELIVERY_ANSWER_BYTES, EVENT_LINK_SECONDS, WEBHOOK_TIMEOUT_MS } from "../limits.ts";
import { Unavailable, askAgain } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { retryAfterMs } from "../encoding/retry-after.ts";
import type { Row, Sql } from "../platform/sql.ts";
import { deliveryIdOf } from "./delivery.ts";
import type { EventName } from "../inferences/webhook.ts";
import { judgeName } from "./resolver.ts";
import { type DeliveryOutcome, afterAttempt, holdMs, isToRest } from "./schedule.ts";
import { type SigningKey, signStandard } from "./signature.ts";
import { secretsOf } from "./secrets.ts";
import {
  type Attempt,
  type ClaimedDelivery,
  type Recorded,
  claimDeliveries,
  deliveryStatements,
  endpointStatements,
  stopEndpoint,
} from "./store.ts";
import { type TargetRules, judgeTarget } from "./target.ts";

/** What a dialect makes a body of. */
export interface ToldEvent {
  readonly event: EventName;
  /** As the event left it. */
  readonly inference: Inference;
  /** When the event was, and the time of this attempt, in ms. */
  readonly at: number;
  readonly now: number;
  /** Where clients reach us, without a slash at the end. */
  readonly origin: string;
  readonly payloads: Bucket;
  /** The account's, the newest first. */
  readonly secrets: readonly string[];
  /** Makes an address of the inference's result that needs no key. The same at each attempt. */
  readonly resultLink: () => Promise<string>;
}

/** What is sent: JSON, and headers beside those of Standard Webhooks. */
export interface DeliveryMessage {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What of the deployment's settings delivering needs. */
export interface Settings {
  readonly targets: TargetRules;
  readonly looksUpNames: boolean;
  readonly publicUrl: string;
  readonly keySecrets: readonly string[];
  readonly signingKey: SigningKey;
  /** How a dialect, by its name, tells. */
  readonly tell: (dialect: string, told: ToldEvent) => Promise<DeliveryMessage>;
}

/** How one call of an endpoint went. */
export interface Called {
  readonly outcome: DeliveryOutcome;
  readonly durationMs: number;
  /** The beginning of the answer; '' where there was none. */
  readonly answer: string;
}

/**
 * One courier of an account: tries what is due, DELIVERIES_AT_ONCE at a time, until nothing is. `more` is called
 * whenever it has its hands full, so that somebody else can look for the rest.
 */
export class DeliveryLoop {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #accountId: string;
  readonly #more: () => void;
  #busy = 0;
  #looking = false;
  #hinted = false;
  #changed = Promise.withResolvers<void>();

  constructor(ports: Ports, settings: Settings, accountId: string, more: () => void) {
    this.#ports = ports;
    this.#settings = settings;
    this.#accountId = accountId;
    this.#more = more;
  }

  /** There may be something due. Ends when nothing is, or at once where it is looking already. Never throws. */
  async look(): Promise<void> {
    this.#hint();
    if (this.#looking) return;
    this.#looking = true;
    try {
      while (this.#busy > 0 || this.#hinted) await this.#round();
    } catch (error) {
      logError("deliveries_not_claimed", error, { account: this.#accountId }); // the sweep tells of them again
    } finally {
      this.#looking = false;
    }
  }

  #hint(): void {
    this.#hinted = true;
    this.#changed.resolve();
  }

  async #round(): Promise<void> {
    this.#changed = Promise.withResolvers<void>();
    this.#hinted = false;
    const free = DELIVERIES_AT_ONCE - this.#busy;
    let found = 0;
    if (free > 0) {
      const lease = randomBase62(16, this.#ports.randomBytes);
      const claims = await claimDeliveries(this.#ports.db, this.#accountId, lease, free);
      found = claims.length;
      this.#busy += found;
      for (const claim of claims) {
        void this.#deliver(claim);
      }
    }
    if (found === free) this.#more();
    if (this.#busy > 0 && !this.#hinted) await this.#changed.promise;
  }

  async #deliver(claim: ClaimedDelivery): Promise<void> {
    await deliver(this.#ports, this.#settings, claim);
    this.#busy--;
    this.#hint();
  }
}

/** One attempt at a delivery, recorded. Never throws: what could not be recorded is tried again when its lease lapses. */
async function deliver(ports: Ports, settings: Settings, claim: ClaimedDelivery): Promise<void> {
  const known = { account: claim.accountId, inference: claim.inferenceId, sequence: claim.sequence, webhook: claim.webhookId };
  try {
    const message = await messageOf(ports, settings, claim);
    if (message === null) {
      await ports.db.all(deliveryStatements.cancel(claim));
      return;
    }
    const called = await callEndpoint(ports.internet, settings, claim.url, message);
    const { outcome } = called;
    log("delivery_tried", { ...known, attempt: claim.attempt + 1, outcome: outcome.kind, status: statusOf(outcome) });
    await askAgain(() => record(ports, claim, called));
  } catch (error) {
    logError("delivery_broke", error, known);
    if (error instanceof Unavailable) return;
    const outcome: DeliveryOutcome = { kind: "refused", reason: "could not be prepared: a fault of ours" };
    await record(ports, claim, { outcome, durationMs: 0, answer: "" }).catch((again: unknown) =>
      logError("delivery_not_recorded", again, known),
    );
  }
}

/** A request, complete and signed. */
export interface Message {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a delivery says; null where what it tells of is no longer there. */
async function messageOf(ports: Ports, settings: Settings, claim: ClaimedDelivery): Promise<Message | null> {
  const { accountId, inferenceId, event, createdAt, snapshot } = claim;
  const [inference, secrets] = await Promise.all([
    askAgain(() => findAsOf(ports.db, accountId, inferenceId, snapshot satisfies Row)),
    askAgain(() => secretsOf(ports, accountId, settings.keySecrets)),
  ]);
  if (!inference) return null;
  const now = ports.clock.now();
  const origin = settings.publicUrl || claim.origin || (inference.webhook?.origin ?? "");
  const resultLink = async () => {
    const expiresAt = Math.floor(createdAt / 1000) + EVENT_LINK_SECONDS;
    const link = { kind: "result", accountId, id: inferenceId, methods: LINK_METHODS, expiresAt } as const;
    return `${origin}/v1/links/${await signLink(link, settings.keySecrets[0] ?? "")}`;
  };
  const told = { event, inference, at: createdAt, now, origin, payloads: ports.payloads, secrets, resultLink };
  const { body, headers = {} } = await settings.tell(claim.dialect, told);
  return signed(deliveryIdOf(claim), body, headers, now, secrets, settings);
}

/** A body with all its headers. `now` in ms. */
export async function signed(
  id: string,
  body: string,
  headers: Readonly<Record<string, string>>,
  now: number,
  secrets: readonly string[],
  settings: Pick<Settings, "signingKey">,
): Promise<Message> {
  const signature = await signStandard({ id, timestamp: Math.floor(now / 1000), body }, secrets, settings.signingKey);
  return { body, headers: { "Content-Type": JSON_TYPE, "User-Agent": "Claimcheck", ...headers, ...signature } };
}

/** Calls an endpoint, if it may be called. Within WEBHOOK_TIMEOUT_MS, and the resolver's time before that; never throws. */
export async function callEndpoint(
  outside: Outside,
  settings: Pick<Settings, "targets" | "looksUpNames">,
  url: string,
  message: Message,
): Promise<Called> {
  const refused = (reason: string): Called => ({ outcome: { kind: "refused", reason }, durationMs: 0, answer: "" });
  const target = judgeTarget(url, settings.targets);
  if (!target.ok) return refused(target.reason);
  if (target.name !== null && settings.looksUpNames) {
    const judged = await judgeName(target.name, outside);
    if (judged.verdict === "refused") return refused(judged.reason);
  }
  const { fetch, clock } = outside;
  const begunAt = clock.now();
  const signal = clock.timeout(WEBHOOK_TIMEOUT_MS);
  try {
    const { body, headers } = message;
    const response = await fetch(target.url, { method: "POST", body, headers: { ...headers }, redirect: "manual", signal });
    const asked = retryAfterMs(response.headers.get("retry-after"), clock.now());
    const answer = await beginningOf(response);
    return { outcome: { kind: "answered", status: response.status, retryAfterMs: asked }, durationMs: clock.now() - begunAt, answer };
  } catch {
    return { outcome: { kind: signal.aborted ? "timed_out" : "unreachable" }, durationMs: clock.now() - begunAt, answer: "" };
  }
}

/** The first DELIVERY_ANSWER_BYTES of an answer, as text; what came until it broke off or its time was up. */
async function beginningOf(response: Response): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let left = DELIVERY_ANSWER_BYTES;
  try {
    while (left > 0) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value.subarray(0, left), { stream: true });
      left -= value.byteLength;
    }
    await reader.cancel();
  } catch {
    // the status is what counts, and it is known
  }
  return text;
}

/** Records an attempt, and what it tells of its endpoint. */
async function record(ports: Ports, claim: ClaimedDelivery, called: Called): Promise<void> {
  const { accountId, url } = claim;
  const { outcome } = called;
  const verdict = afterAttempt(outcome, claim.attempt + 1, ports.random());
  const made: Recorded = verdict.next === "pending" ? { status: "pending", delayMs: verdict.delayMs } : { status: verdict.next };
  const [, streak] = await ports.db.batch([deliveryStatements.record(claim, made, keptOf(called)), ofEndpoint(claim, outcome)]);
  if (verdict.next === "succeeded") return;
  if (verdict.next === "failed" && verdict.why === "gone") await stopEndpoint(ports.db, accountId, url, "gone");
  const { failures, failing_since: since, now } = streak?.[0] ?? {};
  if (isToRest({ failures: Number(failures), since: Number(since) }, Number(now))) await stopEndpoint(ports.db, accountId, url, "rested");
  await ports.armSweep();
}

function ofEndpoint({ accountId, url }: ClaimedDelivery, outcome: DeliveryOutcome): Sql {
  const status = statusOf(outcome);
  const isSuccess = status !== null && status >= 200 && status < 300;
  return isSuccess ? endpointStatements.proved(accountId, url) : endpointStatements.failed(accountId, url, holdMs(outcome));
}

/** As it is kept with its delivery. */
function keptOf({ outcome, durationMs, answer }: Called): Omit<Attempt, "at"> {
  return { outcome: outcome.kind, status: statusOf(outcome), durationMs, answer: outcome.kind === "refused" ? outcome.reason : answer };
}

function statusOf(outcome: DeliveryOutcome): number | null {
  return outcome.kind === "answered" ? outcome.status : null;
}
