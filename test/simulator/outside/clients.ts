/**
 * The clients of a seed, and what they are told. Each submit is a client that tries until it is told something, then
 * looks, cancels, or queues again what has failed. What it is told is noted and held against what there is: Jepsen's
 * ledger of attempted, acknowledged, lost, unexpected, doubled and recovered.
 */
import { Admissions } from "../../../src/http/admit.ts";
import type { Scope } from "../../../src/keys/key.ts";
import { changeBackend } from "../../../src/backends/store.ts";
import { type WaitResult, submitAndWait } from "../../../src/inferences/waiter.ts";
import type { Inference } from "../../../src/inferences/inference.ts";
import { isFinal } from "../../../src/inferences/status.ts";
import type { Cursor } from "../../../src/inferences/sql/filter.ts";
import { findTogether } from "../../../src/inferences/sql/read.ts";
import { LookUps } from "../../../src/http/lookups.ts";
import { cancel, cancelMany, redrive, redriveMany } from "../../../src/inferences/change.ts";
import { submit } from "../../../src/inferences/submit.ts";
import type { After } from "../../../src/inferences/hints.ts";
import { Unavailable } from "../../../src/platform/unavailable.ts";
import type { Clock, Ports } from "../../../src/ports.ts";
import { Problem } from "../../../src/problem.ts";
import { type Job, type Wait, notBeforeOf } from "../shape.ts";
import type { World } from "../world.ts";
import type { Reply } from "../world/requests.ts";
import { Pollers } from "./pollers.ts";
import { Readers } from "./readers.ts";
import { Uploaders } from "./uploaders.ts";
import { Watchers } from "./watchers.ts";

export interface Ledger {
  /** Submits that a client meant. */
  attempted: number;
  /** Those whose client was told so. */
  accepted: number;
  succeeded: number;
  failed: number;
  canceled: number;
  expired: number;
  /** Accepted, and not there or not final in the end. */
  lost: number;
  /** There, though nobody submitted it. */
  unexpected: number;
  /** Final twice, or there twice. */
  doubled: number;
  /** There and final, though its client was told of an error. */
  recovered: number;
  /** Those whose client went away while it waited for the answer. */
  left: number;
  /** Attempts begun; of them, more than one for an inference is a retry. */
  attempts: number;
  /** Calls that a backend said were done. */
  done: number;
  /** Deliveries made, and requests that receivers got: each delivery comes at least once, unless it is given up. */
  deliveries: number;
  received: number;
  /** Files that were accepted. */
  files: number;
  /** Polls that waited and were answered. */
  polls: number;
}

export class Clients {
  readonly #world: World;
  readonly #uploaders: Uploaders;
  readonly readers: Readers;
  readonly watchers: Watchers;
  readonly pollers: Pollers;
  readonly #accepted = new Map<number, string>();
  readonly #left = new Set<number>();
  /** Each isolate's side of the gates, by its clock. */
  readonly #admissions = new WeakMap<Clock, Admissions>();
  readonly #lookUps = new WeakMap<Clock, LookUps>();
  /** Submits that still may be told something. */
  underWay = 0;

  constructor(world: World) {
    this.#world = world;
    this.#uploaders = new Uploaders(world);
    const sharedOf = (ports: Ports) => ({ admissions: this.#admissionsOf(ports), lookUps: this.#lookUpsOf(ports) });
    this.readers = new Readers(world, sharedOf);
    this.watchers = new Watchers(world, sharedOf);
    this.pollers = new Pollers(world, sharedOf);
    for (const job of world.shape.jobs) this.#later(job.atMs, () => this.#live(job));
    this.#every(world.shape.bulkEveryMs, () => this.#cancelMany());
    this.#every(world.shape.bulkEveryMs, () => this.#redriveMany());
    this.#every(world.shape.operatorEveryMs, () => this.#changeBackend());
  }

  ledger(): Ledger {
    const { model, shape, gpus, deliveries } = this.#world;
    const lives = [...model.known.lives.values()];
    const count = (status: string) => lives.filter(({ row }) => row.status === status).length;
    return {
      attempted: shape.jobs.length,
      accepted: this.#accepted.size,
      succeeded: count("succeeded"),
      failed: count("failed"),
      canceled: count("canceled"),
      expired: count("expired"),
      lost: this.#lost().length,
      unexpected: this.#unexpected().length,
      doubled: model.transitions.doubled + (lives.length - model.known.jobs.size),
      recovered: lives.filter(({ job, row }) => !this.#accepted.has(job) && !this.#left.has(job) && isFinal(row.status)).length,
      left: this.#left.size,
      attempts: model.claims.count,
      done: gpus.done,
      deliveries: deliveries.made,
      received: deliveries.received,
      files: this.#uploaders.accepted,
      polls: this.pollers.answered,
    };
  }

  /** In the end nothing may be lost, and nothing there that nobody asked for. */
  judge(): void {
    for (const number of this.#lost()) this.#world.violate("nothing accepted is lost", `#${number}`);
    this.readers.judge();
    for (const number of this.#unexpected()) this.#world.violate("nothing unexpected", `#${number}`);
  }

  #lost(): number[] {
    const { jobs } = this.#world.model.known;
    return [...this.#accepted].flatMap(([number, id]) => {
      const row = jobs.get(number)?.row;
      return row?.id === id && isFinal(row.status) ? [] : [number];
    });
  }

  #unexpected(): number[] {
    const { model, shape } = this.#world;
    return [...model.known.lives.values()].flatMap(({ job }) => (shape.jobs.some(({ number }) => number === job) ? [] : [job]));
  }

  #later(ms: number, act: () => Promise<void>): void {
    this.#world.schedule.after(ms, () => {
      act().catch((error: unknown) =>
        this.#world.violate("clients do not break", error instanceof Error ? (error.stack ?? error.message) : String(error)),
      );
    });
  }

  #every(meanMs: number, act: () => Promise<void>): void {
    if (meanMs === Infinity) return;
    this.#later(this.#world.random.wait(meanMs), async () => {
      if (this.#world.hasEnded) return;
      await act();
      this.#every(meanMs, act);
    });
  }

  /** A request through the gate of the account's key, as the API does it. Errors other than the expected are ours. */
  async #ask<T>(job: Job, scope: Scope, handle: (ports: Ports, after: After) => Promise<T>): Promise<Reply<T>> {
    const reply = await this.#world.requests.request("client", async (ports, after) => {
      await this.#admit(job, scope, ports, after);
      return handle(ports, after);
    });
    if (!reply.ok) this.#judgeError(reply.error);
    return reply;
  }

  /** As the router does: by a grant that the isolate holds, or the key's gate. */
  async #admit({ account }: Job, scope: Scope, ports: Ports, after: After): Promise<void> {
    const { id: accountId, keyId, digest } = account;
    const caller = { accountId, keyId, digest };
    const { meters } = this.#world;
    const admissions = this.#admissionsOf(ports);
    const allowance = admissions.admitHere(caller, scope);
    if (allowance) meters.use(ports.clock, keyId, scope); // by a grant
    else await admissions.admit(caller, scope, after);
  }

  #admissionsOf(ports: Ports): Admissions {
    const known = this.#admissions.get(ports.clock) ?? new Admissions(ports);
    this.#admissions.set(ports.clock, known);
    return known;
  }

  #lookUpsOf({ clock }: Ports): LookUps {
    const known = this.#lookUps.get(clock) ?? new LookUps(clock);
    this.#lookUps.set(clock, known);
    return known;
  }

  /** As the dialects do: together with what other requests of the isolate look for. */
  #lookUp({ account }: Job, id: string, withWait: boolean, ports: Ports, after: After): Promise<Inference | null> {
    const { db } = ports;
    const lookUps = this.#lookUpsOf(ports);
    const together = withWait ? lookUps.waiting : lookUps.plain;
    const findAll = (asked: readonly (readonly [accountId: string, id: string, bookmark: string | null])[]) =>
      findTogether(
        db,
        asked.map(([accountId, name]) => [accountId, name] as const),
        withWait,
      );
    return together.ask([account.id, id, null], findAll, after);
  }

  #judgeError(error: unknown): void {
    const expected = error instanceof Unavailable || error instanceof Problem || (error instanceof Error && error.constructor === Error);
    if (!expected)
      this.#world.violate("no error but the platform's", error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  async #live(job: Job): Promise<void> {
    const { random } = this.#world;
    const { again } = job;
    if (again) this.#later(again.afterMs, async () => void (await this.#tell(job, again.wait)));
    if (job.wait !== null && random.chance(this.#world.shape.cancels))
      this.#later(random.magnitude(1, 30_000), () => this.#cancelWaited(job));
    const id = await this.#tell(job, job.wait);
    if (id === null) return;
    if (random.chance(0.05) && job.idempotencyKey !== null) await this.#reuseKey(job);
    if (job.wait === null && random.chance(this.#world.shape.cancels))
      this.#later(random.magnitude(1, 30_000), () => this.#cancel(job, id));
    if (job.startsAfterMs !== null && random.chance(0.3)) await this.#redrive(job, id); // there is nothing to redrive
    for (let count = 0; count < job.watchers; count++) this.watchers.watch(job, id);
    for (let count = 0; count < job.polls; count++)
      this.#later(this.#world.pollRandom.magnitude(1, 10_000), () => this.pollers.poll(job, id));
    if (job.resumable) this.#later(random.magnitude(1, 10_000), () => this.readers.read(job, id));
    await this.#watch(job, id);
  }

  /** Submits, and waits for the answer where the client does; the id, if it is told one. */
  async #tell(job: Job, wait: Wait | null): Promise<string | null> {
    this.underWay++;
    const id = await (wait ? this.#submitAndWait(job, wait) : this.#submit(job));
    this.underWay--;
    return id;
  }

  async #submit(job: Job): Promise<string | null> {
    const submission = submissionOf(job, `body-${job.number}`);
    return this.#insist(job, async () => {
      const reply = await this.#ask(job, "submit", (ports, after) => submit(ports, submission, after));
      return reply.ok ? { ok: true, value: reply.value } : reply;
    });
  }

  /** As the dialects do whose clients wait for the answer. */
  async #submitAndWait(job: Job, wait: Wait): Promise<string | null> {
    const world = this.#world;
    const until = world.elapsedMs + wait.patienceMs;
    return this.#insist(job, async () => {
      const patienceMs = until - world.elapsedMs;
      const reply = await world.requests.submitAndWait(job, { ...wait, patienceMs }, async (ports, after, gone, waiter) => {
        try {
          await this.#admit(job, "submit", ports, after);
          const answer = await submitAndWait(ports, submissionOf(job, `body-${job.number}`), { after, gone });
          world.note(`request: #${job.number} ends as ${answer.inference.status}${gone.aborted ? ", its client is gone" : ""}`);
          const { inference, replayed } = endOf(answer);
          world.model.waiting.judgeAnswer(waiter, job.number, inference, replayed);
          return { inference, replayed };
        } catch (error) {
          this.#judgeError(error);
          throw error;
        }
      });
      if (reply.ok || world.elapsedMs < until) return reply;
      this.#left.add(job.number);
      return "left";
    });
  }

  /** Tries until it is told, with the same key, or only once without one: nobody else could tell the two apart. */
  async #insist(job: Job, ask: () => Promise<Reply<{ inference: Inference; replayed: boolean }> | "left">): Promise<string | null> {
    const world = this.#world;
    for (let tries = 0; tries < 8; tries++) {
      const reply = await ask();
      if (reply === "left") return null;
      if (reply.ok) {
        const { inference, replayed } = reply.value;
        const { id } = inference;
        world.note(
          `client: #${job.number} is ${isFinal(inference.status) ? inference.status : "accepted"}${replayed ? ", again" : ""} as ${id}`,
        );
        const life = world.model.known.jobs.get(job.number);
        if (life?.row.id !== id)
          world.violate("nothing accepted is lost", `#${job.number} was accepted as ${id}, there is ${life?.row.id}`);
        this.#accepted.set(job.number, id);
        return id;
      }
      const limited = reply.error instanceof Problem && reply.error.code === "rate_limited";
      if (reply.error instanceof Problem && reply.error.code === "quota_exceeded" && job.account.quotaBytes !== null) return null;
      world.note(`client: #${job.number} is told ${String(reply.error)}`);
      // What waits is refused while all backends are paused, or told to come again if that has just ended.
      const unready = reply.error instanceof Problem && (reply.error.code === "model_not_ready" || reply.error.code === "unavailable");
      if (reply.error instanceof Problem && !limited && !unready)
        world.violate("a sound submit is accepted", `#${job.number}: ${String(reply.error)}`);
      if (job.idempotencyKey === null && !limited) return null;
      if (world.hasEnded && tries > 3) return null;
      await world.wait(limited ? 1_000 : world.random.magnitude(100, 10_000));
    }
    return null;
  }

  async #reuseKey(job: Job): Promise<void> {
    const reply = await this.#ask(job, "submit", (ports, after) => submit(ports, submissionOf(job, "another body"), after));
    if (reply.ok) this.#world.violate("one body to a key", `#${job.number}: another body was taken for a replay`);
  }

  /** Polls until the end, then perhaps queues it again. What a client has once been told stays true. */
  async #watch(job: Job, id: string): Promise<void> {
    const world = this.#world;
    let last: Inference["status"] | null = null;
    for (let looks = 0; looks < 6 && !world.hasEnded; looks++) {
      await world.wait(world.random.magnitude(200, 30_000));
      const reply = await this.#ask(job, "read", (ports, after) => this.#lookUp(job, id, true, ports, after));
      if (!reply.ok) continue;
      if (world.hasEnded) return;
      if (reply.value === null) world.violate("read your writes", `#${job.number} was accepted and is not found`);
      const status = reply.value?.status ?? null;
      if ((last === "succeeded" || last === "canceled") && status !== last) {
        world.violate("final stays final", `#${job.number} was ${last} and is ${status}`);
      }
      last = status;
      if (status === "succeeded" || status === "canceled") return;
      if ((status === "failed" || status === "expired") && world.random.chance(world.shape.redrives)) await this.#redrive(job, id);
      // A burst, so that the gate has something to refuse.
      if (world.random.chance(0.02)) {
        for (let more = 0; more < 15; more++) void this.#ask(job, "read", (ports, after) => this.#lookUp(job, id, false, ports, after));
      }
    }
  }

  /** By somebody who knows the id, such as an operator, while its client still waits. */
  async #cancelWaited(job: Job): Promise<void> {
    const id = this.#world.model.known.jobs.get(job.number)?.row.id;
    if (id !== undefined) await this.#cancel(job, id);
  }

  async #cancel(job: Job, id: string): Promise<void> {
    const world = this.#world;
    if (world.hasEnded) return;
    const reply = await this.#ask(job, "cancel", async (ports, after) => {
      const canceled = await cancel(ports, { accountId: job.account.id, id }, after);
      return canceled.kind === "not_found" ? null : canceled.inference;
    });
    if (!reply.ok) return;
    const status = reply.value?.status ?? null;
    if (status === null) world.violate("read your writes", `#${job.number} was accepted and can't be cancelled`);
    if (status === "canceled" && !world.model.isCanceled(job.number)) {
      world.violate("final stays final", `#${job.number} was said to be canceled, and is not`);
    }
  }

  async #redrive(job: Job, id: string): Promise<void> {
    const reply = await this.#ask(job, "submit", async (ports, after) => {
      const redriven = await redrive(ports, { accountId: job.account.id, id }, after);
      return redriven.kind === "redriven" ? redriven.inference : null;
    });
    this.#world.note(
      `client: redrive of #${job.number}: ${reply.ok ? (reply.value?.status ?? "nothing to redrive") : String(reply.error)}`,
    );
  }

  /** As `POST /v1/inferences/cancel` does it, page by page. */
  async #cancelMany(): Promise<void> {
    const world = this.#world;
    if (!world.random.chance(world.shape.cancels)) return;
    const account = world.random.pick(world.shape.accounts);
    await this.#changeMany("client", account.id, cancelMany);
  }

  /** As the operator's redrive by filter does it. */
  #redriveMany(): Promise<void> {
    return this.#changeMany("operator", null, redriveMany);
  }

  /** Changes what an account has of a model, or all accounts (null), page by page. */
  async #changeMany(
    by: "client" | "operator",
    accountId: string | null,
    changeMany: typeof cancelMany | typeof redriveMany,
  ): Promise<void> {
    const world = this.#world;
    const filter = { model: world.random.pick(world.shape.models).name };
    const change = { filter, everyAccount: accountId === null, dryRun: false, limit: world.random.int(1, 10) };
    let cursor: Cursor | null = { accountId: accountId ?? "", id: "" };
    for (let pages = 0; pages < 5 && cursor; pages++) {
      const from: Cursor = cursor;
      const reply = await world.requests.request(by, (ports, after) => changeMany(ports, { ...change, from }, after));
      if (!reply.ok) return this.#judgeError(reply.error);
      cursor = reply.value.next;
    }
  }

  async #changeBackend(): Promise<void> {
    const world = this.#world;
    const id = world.random.pick(world.gpus.ids);
    const state = world.random.pick(["active", "active", "draining", "paused"] as const);
    const reply = await world.requests.request("operator", (ports) => changeBackend(ports.db, id, { state }));
    if (!reply.ok) this.#judgeError(reply.error);
  }
}

function endOf(attended: WaitResult) {
  if (attended.kind !== "ended") throw new Error("nobody asked for a stream");
  return attended;
}

function submissionOf(job: Job, fingerprint: string): Parameters<typeof submit>[1] {
  const { account, model, idempotencyKey } = job;
  return {
    accountId: account.id,
    keyId: account.keyId,
    dialect: "v1",
    model: model.name,
    version: undefined,
    input: { body: job.input, contentType: "application/json" },
    inputItems: 1,
    resumable: job.resumable,
    priority: job.priority,
    retry: job.retry,
    maxTimeInQueueSeconds: job.maxTimeInQueueSeconds,
    runWithinSeconds: job.runWithinSeconds,
    cancelAfterSeconds: job.cancelAfterSeconds,
    notBefore: notBeforeOf(job) ?? undefined,
    webhook: job.webhook ?? undefined,
    idempotency: idempotencyKey === null ? null : { key: idempotencyKey, fingerprint },
  };
}
