/**
 * Attend: a request that waits for its inference and runs it itself, so that its answer needs no queue in between and
 * may be streamed. The inference is a row in its lane like any other and keeps its place: it is claimed at its turn, by
 * the request when it looks, or by a runner that finds it first in line and claims it in the request's name. The request
 * then holds the lease, calls the backend, and records the end as a runner does.
 * What may go wrong: the client goes away (the inference is canceled and its backend's connection closed); the isolate
 * dies (the lease lapses, and the inference is a runner's from then on).
 */
import { randomBase62 } from "../ids.ts";
import { WAITERS_PER_ACCOUNT, WAITER_FRONT_MS, WAITER_LOOK_MS, WAITER_LOOK_MAX_MS, WAITER_TOLD_LOOK_MS, WAITER_TRIES } from "../limits.ts";
import { Unavailable } from "../platform/unavailable.ts";
import type { Ports } from "../ports.ts";
import { problem } from "../problem.ts";
import type { Inference } from "./inference.ts";
import { isFinal } from "./status.ts";
import { Leases } from "./leases.ts";
import { Pauses } from "./pauses.ts";
import { persist } from "./run.ts";
import { attempt, statementsOf } from "./attempt.ts";
import type { Claim } from "./sql/record.ts";
import { changeStatements } from "./sql/change.ts";
import { cancelForWaiter, claimForWaiter, claimStatements, giveBack, recordForWaiter, releaseWaiter } from "./sql/claim.ts";
import { type Submitted, submit } from "./submit.ts";
import type { Submission } from "./submission.ts";
import { type After, bestEffort, hintDeliveries, hintWork } from "./hints.ts";
import { type StreamWords, StreamSink } from "./stream.ts";

/** How a client waits. */
export interface WaitOptions {
  readonly after: After;
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal;
  /** Where the client takes the answer bit by bit. */
  readonly stream?: StreamWords;
}

/** Either the end of the inference, or its answer while it comes. */
export type WaitResult =
  | { readonly kind: "ended"; readonly inference: Inference; readonly replayed: boolean }
  | { readonly kind: "streaming"; readonly inference: Inference; readonly body: ReadableStream<Uint8Array> };

/** Counts one more, or one less, request of an account that waits. */
function count(waiting: Map<string, number>, accountId: string, change: 1 | -1): void {
  const now = (waiting.get(accountId) ?? 0) + change;
  if (now > 0) waiting.set(accountId, now);
  else waiting.delete(accountId);
}

/**
 * Submits and waits for the end, or for the beginning of a stream. Throws what `submit` throws, Unavailable, and
 * `too_many_waiting` if WAITERS_PER_ACCOUNT requests of the account wait already.
 */
export async function submitAndWait(ports: Ports, submission: Submission, attention: WaitOptions): Promise<WaitResult> {
  const { accountId } = submission;
  if ((ports.waiting.get(accountId) ?? 0) >= WAITERS_PER_ACCOUNT) {
    throw problem("too_many_waiting", {
      detail: `${WAITERS_PER_ACCOUNT} requests of the account wait for their answers already. Try again, or submit asynchronous requests.`,
      headers: { "Retry-After": "1" },
    });
  }
  count(ports.waiting, accountId, 1);
  const waiter = randomBase62(16, ports.randomBytes);
  const submitted = await submit(ports, { ...submission, waiter }, attention.after).catch((error: unknown) => {
    count(ports.waiting, accountId, -1);
    throw error;
  });
  const streaming = Promise.withResolvers<WaitResult>();
  const begin = (body: ReadableStream<Uint8Array>) => streaming.resolve({ kind: "streaming", inference: submitted.inference, body });
  const sink = attention.stream ? new StreamSink(ports.clock, attention.stream.idle ?? null, begin) : null;
  const seen = new Waiter(ports, submitted, waiter, attention, sink).see().finally(() => count(ports.waiting, accountId, -1));
  attention.after(seen.catch(() => undefined)); // goes on when the client is gone, for as long as the platform lets it
  return Promise.race([
    streaming.promise,
    seen.then((inference): WaitResult => ({ kind: "ended", inference, replayed: submitted.replayed })),
  ]);
}

class Waiter {
  readonly #ports: Ports;
  readonly #first: Submitted;
  readonly #waiter: string;
  readonly #attention: WaitOptions;
  readonly #sink: StreamSink | null;
  readonly #gone: AbortSignal;
  readonly #leases: Leases;
  readonly #pauses: Pauses;
  /** The last attempt that it began. One that it has let go of is left to lapse: an attempt is one call. */
  #begun = 0;

  constructor(ports: Ports, first: Submitted, waiter: string, attention: WaitOptions, sink: StreamSink | null) {
    this.#ports = ports;
    this.#first = first;
    this.#waiter = waiter;
    this.#attention = attention;
    this.#sink = sink;
    this.#gone = sink ? AbortSignal.any([attention.gone, sink.gone]) : attention.gone;
    this.#leases = new Leases(ports, waiter);
    this.#pauses = new Pauses(ports, first.inference, this.#gone);
  }

  /** The inference at its end. */
  async see(): Promise<Inference> {
    try {
      return await this.#wait();
    } catch (error) {
      const { accountId, id } = this.#first.inference;
      await bestEffort("waiter_not_released", releaseWaiter(this.#ports.db, accountId, id, this.#waiter));
      throw error;
    } finally {
      this.#pauses.end();
      this.#sink?.end();
    }
  }

  async #wait(): Promise<Inference> {
    const { clock, db } = this.#ports;
    const { inference, replayed } = this.#first;
    const gone = this.#gone;
    let { claimed, askedAt } = this.#first;
    let pause = replayed ? 0 : WAITER_FRONT_MS;
    for (let failures = 0; ;) {
      if (claimed) {
        const after = await this.#run(claimed, askedAt);
        if (after && (isFinal(after.status) || this.#sink?.begun)) return after;
      }
      if (gone.aborted) return this.#leave();
      const looksAtOnce = pause >= WAITER_LOOK_MAX_MS && (await this.#pauses.begin());
      if (!looksAtOnce) await this.#pauses.pause(pause);
      try {
        askedAt = clock.now();
        const turn = await claimForWaiter(db, inference.accountId, inference.id, this.#waiter, this.#begun);
        if (!turn.inference) throw problem("inference_not_found");
        if (turn.inference.status === "canceled") await giveBack(db, inference.accountId, inference.id, this.#waiter);
        if (isFinal(turn.inference.status)) return turn.inference;
        claimed = turn.claimed;
        const seldom = this.#pauses.isTold ? WAITER_TOLD_LOOK_MS : Math.min(WAITER_LOOK_MAX_MS, Math.max(WAITER_LOOK_MS, pause * 1.5));
        pause = turn.isFront && !replayed ? WAITER_FRONT_MS : seldom;
        failures = 0;
      } catch (error) {
        if (!(error instanceof Unavailable) || ++failures >= WAITER_TRIES) throw error;
        claimed = null;
        pause = WAITER_LOOK_MAX_MS;
      }
    }
  }

  /** Runs one attempt, and tells how the inference stands after it. */
  async #run(claimed: Claim, askedAt: number): Promise<Inference | null> {
    const { after } = this.#attention;
    const gone = this.#gone;
    this.#begun = claimed.attempt;
    const stop = AbortSignal.any([this.#leases.take(claimed, askedAt), gone]);
    const recording = await attempt(this.#ports, this.#leases, claimed, stop, this.#sink);
    const { accountId, id } = claimed;
    const isLeft = gone.aborted && !this.#first.replayed;
    // While this isolate stood still the attempt may have been given up, another claimed in this request's name, and that canceled.
    const nextAttempt = claimStatements.giveBack(accountId, id, this.#waiter);
    const statements = [...(isLeft ? [changeStatements.cancel(accountId, id)] : []), ...statementsOf(recording), nextAttempt];
    const recorded = await persist(this.#ports, this.#leases, claimed, () => recordForWaiter(this.#ports.db, statements, claimed));
    this.#leases.release(claimed);
    if (recorded?.othersWait) after(hintWork(this.#ports, [{ model: claimed.model, version: claimed.version }]));
    if (claimed.watched) after(hintDeliveries(this.#ports, [accountId]));
    const stands = recorded?.inference ?? null;
    if (this.#sink?.begun) {
      const { stream } = this.#attention;
      const failure = stands && "error" in stands ? stands.error : null;
      await this.#sink.say(stands?.status === "succeeded" ? stream?.succeeded : stream?.failed(failure));
    }
    return stands;
  }

  /** The client is gone: what it submitted is canceled, unless it was only asking for what another request submitted. */
  async #leave(): Promise<Inference> {
    const { inference, replayed } = this.#first;
    if (replayed) return inference;
    const left = await cancelForWaiter(this.#ports.db, inference.accountId, inference.id, this.#waiter);
    this.#attention.after(hintDeliveries(this.#ports, [inference.accountId]));
    return left ?? inference;
  }
}
