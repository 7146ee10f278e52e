/**
 * Sends what is due for an account: some deliveries at a time are claimed, each is sent to its endpoint, and the attempt is
 * recorded. A loop may die between any two lines: then the lease lapses and the delivery is tried again under the same
 * id, so every delivery arrives at least once. What is sent is the inference as the event left it, whatever it has become
 * since, so each attempt sends the same. A report of progress alone is sent as it stands, once, and not at all if the inference
 * has ended. A receiver's answer is kept for its account and goes nowhere else.
 */
import type { EventName } from "../inferences/webhook.ts";
import type { Inference } from "../inferences/inference.ts";
import { findAsOf, findInference, findInput } from "../inferences/sql/read.ts";
import { type TraceContext, spanIdOf, spanOf, traceHeaders } from "../inferences/trace.ts";
import { randomBase62 } from "../ids.ts";
import { LINK_METHODS, signLink } from "../files/link-token.ts";
import { DELIVERIES_AT_ONCE, EVENT_LINK_SECONDS } from "../limits.ts";
import type { Bucket } from "../payloads/bucket.ts";
import type { Payload } from "../payloads/payload.ts";
import { observed } from "../metrics/observed.ts";
import { errorText, log, logError } from "../platform/log.ts";
import type { Row, Sql } from "../platform/sql.ts";
import { Unavailable, askAgain } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { type CallResult, type Message, type TargetSettings, attemptOf, callEndpoint, signed, statusOf } from "./call.ts";
import { type AccountEventName, OF_ACCOUNT, deliveryIdOf, deliverySpan, isOfAccount } from "./delivery.ts";
import { type DeliveryOutcome, afterAttempt, holdMs, isSuccess, isToRest } from "./schedule.ts";
import { signingKeyFor } from "./sealing.ts";
import { secretsOf } from "./secrets.ts";
import { noteTry } from "./span.ts";
import type { SigningKey } from "./signature.ts";
import { type ClaimedDelivery, type Recorded, cancelDelivery, claimDeliveries, deliveryStatements } from "./sql/deliveries.ts";
import { endpointStatements, stopEndpoint, streakSchema } from "./sql/endpoints.ts";

/** What a dialect makes a body of. */
export interface WebhookEvent {
  readonly name: EventName;
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
  /** Makes a link to the inference's result, or to the part of that number beside it, which needs no key. It is the same at each attempt. */
  readonly resultLink: (part?: number) => Promise<string>;
  /** The deployment's Ed25519 key for a wire that signs in a way of its own. */
  readonly wireKey: (wire: string) => Promise<SigningKey>;
  /** What was submitted; null if it is no more. */
  readonly input: () => Promise<Payload | null>;
}

/** What happened to an account itself. */
export interface AccountEvent {
  readonly name: AccountEventName;
  readonly accountId: string;
  /** When the event was, in ms. */
  readonly at: number;
  /** What there was to say of it. */
  readonly snapshot: Row;
}

/** A JSON body, and headers beside those of Standard Webhooks. */
export interface DeliveryMessage {
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The deployment's settings that deliveries need. */
export interface DeliverySettings extends TargetSettings {
  readonly publicUrl: string;
  readonly keySecrets: readonly string[];
  readonly signingKey: SigningKey;
  /** The event as the dialect of that name sends it. */
  readonly presentEvent: (dialect: string, event: WebhookEvent) => Promise<DeliveryMessage>;
  readonly presentAccountEvent: (event: AccountEvent) => DeliveryMessage;
}

/**
 * Sends an account's due deliveries, DELIVERIES_AT_ONCE at a time, until nothing is due. `onFull` is called whenever no
 * slot is free, so that another loop can take the rest.
 */
export class DeliveryLoop {
  readonly #ports: Ports;
  readonly #settings: DeliverySettings;
  readonly #accountId: string;
  readonly #onFull: () => void;
  #busy = 0;
  #draining = false;
  #hinted = false;
  #changed = Promise.withResolvers<void>();

  constructor(ports: Ports, settings: DeliverySettings, accountId: string, onFull: () => void) {
    this.#ports = ports;
    this.#settings = settings;
    this.#accountId = accountId;
    this.#onFull = onFull;
  }

  /** Ends when nothing is due, or at once if the loop runs already, which then looks once more. Never throws. */
  async drain(): Promise<void> {
    this.#hint();
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#busy > 0 || this.#hinted) await this.#step();
    } catch (error) {
      logError("deliveries_not_claimed", error, { account: this.#accountId }); // the sweep finds them again
    } finally {
      this.#draining = false;
    }
  }

  #hint(): void {
    this.#hinted = true;
    this.#changed.resolve();
  }

  async #step(): Promise<void> {
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
    if (found === free) this.#onFull();
    if (this.#busy > 0 && !this.#hinted) await this.#changed.promise;
  }

  async #deliver(claim: ClaimedDelivery): Promise<void> {
    await deliver(this.#ports, this.#settings, claim);
    this.#busy--;
    this.#hint();
  }
}

/**
 * One attempt at a delivery, recorded. Never throws: if it can't be recorded it is tried again when its lease lapses. A
 * fault of ours is logged with its cause; the delivery is tried again on schedule, and its endpoint is not blamed.
 */
async function deliver(ports: Ports, settings: DeliverySettings, claim: ClaimedDelivery): Promise<void> {
  const known = { account: claim.accountId, inference: claim.inferenceId, sequence: claim.sequence, webhook: claim.webhookId };
  try {
    const toSend = await messageOf(ports, settings, claim);
    if (toSend === null) {
      await cancelDelivery(ports.db, claim);
      return;
    }
    const { message, context } = toSend;
    const result = await callEndpoint(ports.internet, settings, claim.url, message);
    if (context) noteTry(ports.spans, claim, context, result, ports.clock.now());
    const { outcome, cause } = result;
    const why = cause === undefined ? {} : { cause: errorText(cause).replaceAll(claim.url, "[url]") }; // it may hold a secret
    observed.count("deliveries", [isSuccess(outcome) ? "succeeded" : outcome.kind]);
    log("delivery_tried", { ...known, attempt: claim.attempt + 1, outcome: outcome.kind, status: statusOf(outcome), ...why });
    await askAgain(() => record(ports, claim, result));
  } catch (error) {
    logError("delivery_broke", error, known);
    observed.count("deliveries", ["internal_error"]);
    if (error instanceof Unavailable) return;
    await record(ports, claim, { outcome: { kind: "internal_error" }, durationMs: 0, answer: "" }).catch((again: unknown) =>
      logError("delivery_not_recorded", again, known),
    );
  }
}

/** The name of the span of one try, of which each has a lease of its own. */
const tryOf = (claim: ClaimedDelivery) => `${deliverySpan(claim)}/${claim.lease}`;

/** What a delivery sends, and the span that it is in the trace of its inference. */
interface ToSend {
  readonly message: Message;
  /** Null where it tells of no inference. */
  readonly context: TraceContext | null;
}

/** Null if there is nothing to tell any more: its inference is gone, or it tells of progress and the attempt is over. */
async function messageOf(ports: Ports, settings: DeliverySettings, claim: ClaimedDelivery): Promise<ToSend | null> {
  const { accountId, inferenceId, event, snapshot, hint } = claim;
  const [inference, secrets] = await Promise.all([
    inferenceId === OF_ACCOUNT
      ? null
      : askAgain(() => (hint ? findInference(ports.db, accountId, inferenceId) : findAsOf(ports.db, accountId, inferenceId, snapshot))),
    askAgain(() => secretsOf(ports, accountId, settings.keySecrets)),
  ]);
  const now = ports.clock.now();
  if (isOfAccount(event)) {
    const { body, headers = {} } = settings.presentAccountEvent({ name: event, accountId, at: claim.createdAt, snapshot });
    return { context: null, message: await signed(deliveryIdOf(claim), body, headers, now, secrets, settings.signingKey) };
  }
  if (!inference) return null;
  const progress = inference.status === "in_progress" ? inference.progress : null;
  if (hint && !progress) return null;
  const createdAt = hint && progress ? progress.at : claim.createdAt;
  const origin = settings.publicUrl || claim.origin || (inference.webhook?.origin ?? "");
  const resultLink = async (part?: number) => {
    const expiresAt = Math.floor(createdAt / 1000) + EVENT_LINK_SECONDS;
    const link = {
      kind: "result",
      ...(part === undefined ? {} : { part }),
      accountId,
      keyId: null,
      id: inferenceId,
      methods: LINK_METHODS,
      expiresAt,
    } as const;
    return `${origin}/v1/links/${await signLink(link, settings.keySecrets[0] ?? "")}`;
  };
  const input = () => askAgain(() => findInput(ports.db, accountId, inferenceId));
  const wireKey = (wire: string) => signingKeyFor(settings.keySecrets, wire);
  const shown = { name: event, inference, at: createdAt, now, origin, payloads: ports.payloads, secrets, resultLink, input, wireKey };
  const { body, headers = {} } = await settings.presentEvent(claim.dialect, shown);
  const context = spanOf(inference, tryOf(claim));
  const all = { ...headers, ...traceHeaders(context) };
  return { context, message: await signed(deliveryIdOf(claim), body, all, now, secrets, settings.signingKey) };
}

/** Records an attempt, and what follows from it for the endpoint. */
async function record(ports: Ports, claim: ClaimedDelivery, result: CallResult): Promise<void> {
  const { db } = ports;
  const { accountId, url } = claim;
  const { outcome } = result;
  const verdict = afterAttempt(outcome, claim.attempt + 1, ports.random(), claim.hint);
  const made: Recorded = verdict.next === "pending" ? { status: "pending", delayMs: verdict.delayMs } : { status: verdict.next };
  const [, [row] = []] = await db.batch([
    deliveryStatements.record(claim, made, { ...attemptOf(result), span: spanIdOf(claim.inferenceId, tryOf(claim)) }),
    ...ofEndpoint(claim, outcome),
  ]);
  if (verdict.next === "succeeded") return;
  if (verdict.next === "failed" && verdict.why === "gone") await stopEndpoint(db, accountId, url, "gone");
  if (row) {
    const { now, ...streak } = streakSchema.parse(row);
    if (isToRest(streak, now)) await stopEndpoint(db, accountId, url, "rested");
  }
  await ports.armSweep();
}

/** What an attempt changes about its endpoint. A fault of ours says nothing about it. */
function ofEndpoint({ accountId, url }: ClaimedDelivery, outcome: DeliveryOutcome): Sql[] {
  if (outcome.kind === "internal_error") return [];
  return [isSuccess(outcome) ? endpointStatements.succeeded(accountId, url) : endpointStatements.failed(accountId, url, holdMs(outcome))];
}
