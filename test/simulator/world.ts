/**
 * One seed's world: the real flows at their one seam (ports.ts), with everything on its other side simulated. Which
 * isolate a request or a message comes to, what every call of the platform takes and whether it fails, and what goes
 * wrong besides, is drawn by chance. After a while all faults end; then everything that was accepted must become final.
 */
import { createHash } from "node:crypto";
import {
  CIRCUIT_FAILURES,
  DATABASE_MS,
  BUCKET_MS,
  GATE_MS,
  LEASE_MS,
  LEASE_RENEW_MS,
  QUEUE_MS,
  RUNNERS_PER_BATCH,
  SWEEP_POKE_MS,
} from "../../src/limits.ts";
import type { Bucket, Uploads } from "../../src/payloads/bucket.ts";
import { accountStatements } from "../../src/accounts/store.ts";
import { backendStatements } from "../../src/backends/store.ts";
import { run } from "../../src/inferences/run.ts";
import type { Lane } from "../../src/models/lane.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import type { After } from "../../src/inferences/hints.ts";
import { Gate, type Verdict } from "../../src/keys/gate.ts";
import { type Scope, accountOf } from "../../src/keys/key.ts";
import { randomBase62 } from "../../src/ids.ts";
import { findKey, keyStatements } from "../../src/keys/store.ts";
import { modelStatements } from "../../src/models/store.ts";
import { askAgain } from "../../src/platform/unavailable.ts";
import type { Ports } from "../../src/ports.ts";
import type { Database, Row, Sql } from "../../src/platform/sql.ts";
import { SweepObject } from "./alarm.ts";
import { Engine } from "./engine.ts";
import { type Faults, NO_FAULTS, drawFaults } from "./faults.ts";
import { Gpus } from "./gpu.ts";
import { Isolate } from "./isolate.ts";
import { Meters } from "./meters.ts";
import { type Actor, type Waiter, Model, leaseOf } from "./model.ts";
import type { Mutation } from "./mutations.ts";
import { Part } from "./part.ts";
import { Random } from "./random.ts";
import { BEGINNING, Schedule } from "./schedule.ts";
import { type Job, type Shape, type Wait, drawShape } from "./shape.ts";
import type { Trace } from "./trace.ts";

export interface Violation {
  readonly rule: string;
  readonly detail: string;
  readonly atMs: number;
}

/** How a request ended, as its client sees it: an answer, an error, or nothing at all. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

/** Nothing that the simulated GPU servers answer is stored while it comes; what is stored whole has a digest. */
const UPLOADS = {
  digest() {
    const hash = createHash("sha256");
    return { write: async (chunk: Uint8Array) => void hash.update(chunk), end: async () => new Uint8Array(hash.digest()) };
  },
} as Uploads; // of which nothing else is asked

/** With no fault left, a lane with work and a free backend may stand still for this long. */
const IDLE_MOST_MS = 6_000;
/** Where a request waits for what is first in line, only until that looks: every WAITER_LOOK_MAX_MS at the latest. */
const FRONT_IDLE_MOST_MS = 1_000;
/** Who holds a slot calls its backend this long after the claim, or after a request that waits has looked. */
const UNUSED_MOST_MS = 2_000;
/** A runner gives back the slot of what was cancelled when a renewal of its lease has told it. */
const KEPT_MOST_MS = LEASE_RENEW_MS + 2_000;
/** A request that waits ends this long after its client is gone, or after the end, of which a renewal of its lease tells it. */
const LEFT_MOST_MS = 2_000;
const ANSWERED_MOST_MS = LEASE_RENEW_MS + 2_000;
/** So long after the last fault nobody waits for what hangs any more: DATABASE_MS, BUCKET_MS and the pauses between. */
const SETTLED_MS = 30_000;
/** So long after it, nothing that nobody waits for takes effect any more, such as a claim. */
const STALLS_MS = 62_000;
/** What the sweep must have dealt with this long after its time. */
const OVERDUE_MOST_MS = 2_000;

export class World {
  readonly seed: number;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly shape: Shape;
  readonly model: Model;
  readonly gpus: Gpus;
  readonly trace: Trace;
  violation: Violation | null = null;
  /** No more faults. */
  calm = false;
  faults: Faults;
  crashes = 0;
  runs = 0;
  readonly #mutation: Mutation;
  readonly #flowRandom: Random;
  readonly #engine: Engine;
  readonly #parts: Readonly<Record<"database" | "unreachable" | "storage" | "queue" | "gate" | "sweep", Part>>;
  readonly #objects = new Map<string, { value: string | Uint8Array; at: number }>();
  readonly #answers = new Set<number>();
  readonly #meters: Meters;
  readonly #sweep: SweepObject;
  readonly #workers: Isolate[] = [];
  #gateIsolate: Isolate;
  #gates = new Map<string, Gate>();
  #isolates = 0;
  #inQueue = new Set<Lane>();
  #arrived: Lane[] = [];
  #delivering = false;
  #passesSinceCalm = 0;
  /** From then on nothing hangs that hung while there were faults. */
  #settledAt = Infinity;
  readonly #idleSince = new Map<string, number>();
  readonly #frontIdleSince = new Map<Waiter, number>();
  /** Requests that wait, and for what. */
  readonly #attendances = new Map<Waiter, { readonly job: number; readonly beganAt: number }>();

  constructor(seed: number, trace: Trace, mutation: Mutation) {
    this.seed = seed;
    this.trace = trace;
    this.#mutation = mutation;
    this.random = new Random(seed, 1);
    this.#flowRandom = new Random(seed, 2);
    this.schedule = new Schedule(new Random(seed, 3));
    this.faults = drawFaults(new Random(seed, 4));
    this.shape = drawShape(new Random(seed, 5), new Random(seed, 6));
    const now = () => this.schedule.now;
    this.#engine = Engine.open(now, mutation.rewrite ?? unchanged);
    const part = (name: string, limitMs: number, faults: () => Faults["database"]) =>
      new Part(name, limitMs, this.schedule, this.random, faults);
    this.#parts = {
      database: part("database", DATABASE_MS, () => this.faults.database),
      unreachable: part("database", DATABASE_MS, () => this.faults.database),
      storage: part("storage", BUCKET_MS, () => this.faults.payloads),
      queue: part("queue", QUEUE_MS, () => this.faults.queue),
      gate: part("gate", GATE_MS, () => this.faults.gate),
      sweep: part("sweep", GATE_MS, () => this.faults.sweep),
    };
    this.#parts.unreachable.outage = "hangs";
    this.#meters = new Meters((rule, detail) => this.violate(rule, detail));
    this.model = new Model(
      {
        now,
        isStored: (key) => this.#objects.has(key),
        calls: () => this.gpus.live,
        wasAnswered: (job, output, object) => this.#answers.has(job) && jobIn(output ?? this.#textOf(object)) === job,
        violate: (rule, detail) => this.violate(rule, detail),
      },
      (row) => jobIn(row.input ?? this.#textOf(row.inputObject)),
      this.faults.skewMs === 0,
    );
    if (this.faults === NO_FAULTS) {
      this.model.faultsEndedAt = 0;
      this.#settledAt = 0;
    }
    this.gpus = new Gpus(
      {
        schedule: this.schedule,
        random: this.random,
        faults: () => this.faults.backend,
        began: (call) => {
          this.note(`${call.backendId} is called for #${call.job} under ${call.lease}`);
          this.model.judgeCalls(call, this.gpus.live);
        },
        answered: (job) => void this.#answers.add(job),
        trace: (what) => this.note(what),
      },
      this.shape.models.flatMap((model) => model.backends),
    );
    this.#gateIsolate = this.#newIsolate("gate");
    this.#sweep = new SweepObject(
      {
        schedule: this.schedule,
        random: this.random,
        faults: () => this.faults,
        pass: (isolate) => sweep(this.portsOf({ kind: "sweep", isolate })),
        passed: () => this.#judgeCalm(),
        trace: (what) => this.note(what),
      },
      this.#newIsolate("sweep"),
    );
    for (let index = 0; index < this.shape.workers; index++) this.#workers.push(this.#newIsolate("worker"));
    this.#setUp();
    this.#beginFaults();
  }

  get elapsedMs(): number {
    return this.schedule.now - BEGINNING;
  }

  note(what: string): void {
    this.trace.add(`${String(this.elapsedMs).padStart(7)} ${what}`);
  }

  violate(rule: string, detail: string): void {
    this.note(`VIOLATION ${rule}: ${detail}`);
    this.violation ??= { rule, detail, atMs: this.elapsedMs };
  }

  close(): void {
    this.gpus.close();
    this.#engine.close();
  }

  /** Whether nothing is on its way that could still change anything. */
  get quiet(): boolean {
    const { now } = this.schedule;
    const isOver = this.model.open === 0 && this.#attendances.size === 0 && this.model.keptSlots(0, now).length === 0;
    return isOver && Object.values(this.#parts).every((part) => part.underWay === 0);
  }

  /** A client's request: comes to some isolate, and is answered unless that dies or the client loses patience. */
  request<T>(kind: "client" | "operator", handle: (ports: Ports, after: After) => Promise<T>): Promise<Reply<T>> {
    const isolate = this.random.pick(this.#workers);
    const ports = this.portsOf({ kind, isolate });
    const patienceMs = this.random.pick([15_000, 30_000, 70_000]);
    return this.#serve(
      isolate,
      patienceMs,
      (after) => handle(ports, after),
      () => {},
    );
  }

  /** A request that waits for its inference (submitAndWait.ts), as its client does for the answer. */
  submitAndWait<T>(
    job: Job,
    wait: Wait,
    handle: (ports: Ports, after: After, gone: AbortSignal, attendance: Waiter) => Promise<T>,
  ): Promise<Reply<T>> {
    const isolate = this.random.pick(this.#workers);
    const attendance: Waiter = { isolate, lease: null, goneAt: null, end: "none", isLost: false, misjudges: false };
    const ports = this.portsOf({ kind: "waiter", attendance, isolate });
    const gone = new AbortController();
    const forget = () => void this.#attendances.delete(attendance);
    const over = (end: Waiter["end"]) => {
      attendance.end = end;
      isolate.onDeath.delete(forget);
      forget();
    };
    const see = async (after: After) => {
      this.#attendances.set(attendance, { job: job.number, beganAt: this.schedule.now });
      isolate.onDeath.add(forget);
      try {
        const answer = await handle(ports, after, gone.signal, attendance);
        over("answered");
        return answer;
      } catch (error) {
        over("failed");
        throw error;
      }
    };
    const leaves = () => {
      this.note(`client: #${job.number} is not waited for any more${wait.isHeard ? "" : ", which nobody hears of"}`);
      if (!wait.isHeard) return;
      isolate.after(this.random.int(0, 5), () => {
        attendance.goneAt = this.schedule.now;
        gone.abort();
      });
    };
    return this.#serve(isolate, wait.patienceMs, see, leaves);
  }

  /** `left`: what happens where the client loses patience. */
  #serve<T>(isolate: Isolate, patienceMs: number, handle: (after: After) => Promise<T>, left: () => void): Promise<Reply<T>> {
    return new Promise((resolve) => {
      const answer = (reply: Reply<T>) => {
        isolate.onDeath.delete(died);
        impatient.canceled = true;
        this.schedule.after(this.random.int(0, 5), () => resolve(reply));
      };
      const died = () => answer({ ok: false, error: new Error("connection lost") });
      const impatient = this.schedule.after(patienceMs, () => {
        left();
        answer({ ok: false, error: new Error("no answer") });
      });
      isolate.onDeath.add(died);
      isolate.after(this.random.int(0, 5), () => {
        handle((work) => void work).then(
          (value) => answer({ ok: true, value }),
          (error: unknown) => answer({ ok: false, error }),
        );
      });
    });
  }

  /** Time passes for somebody outside. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.schedule.after(ms, resolve));
  }

  portsOf(actor: Actor): Ports {
    const { isolate } = actor;
    const trace = (what: string) => this.note(`${nameOf(actor)}: ${what}`);
    const { storage, queue, gate, sweep: sweepPart } = this.#parts;
    const payloads: Bucket = {
      put: (key, value, { onlyIf }) =>
        storage.ask(
          isolate,
          () => {
            trace(`put ${key}`);
            if (this.#objects.has(key) && onlyIf.etagDoesNotMatch === "*") return null;
            this.#objects.set(key, { value, at: isolate.clock.now() });
            return {};
          },
          trace,
        ),
      get: (key) => storage.ask(isolate, () => this.#object(key), trace),
      delete: (keys) => storage.ask(isolate, () => [keys].flat().forEach((key) => this.#objects.delete(key)), trace),
      list: ({ prefix, after }) =>
        storage.ask(isolate, () => ({ objects: this.#listed(prefix).filter(({ key }) => key > (after ?? "")), more: false }), trace),
    };
    const ports: Ports = {
      db: this.#database(actor, trace),
      payloads,
      uploads: UPLOADS,
      deliver: async () => {}, // nobody here has webhooks
      wake: async (lanes) => {
        if (lanes.length === 0) return;
        await queue.ask(isolate, () => lanes.forEach((lane) => this.#enqueue(lane)), trace);
      },
      armSweep: async () => {
        const now = isolate.clock.now();
        if (now - isolate.pokedAt < SWEEP_POKE_MS) return;
        isolate.pokedAt = now;
        try {
          await sweepPart.ask(
            isolate,
            () =>
              this.#in(
                () => this.#sweep.isolate,
                () => this.#sweep.arm(),
              ),
            trace,
          );
        } catch (error) {
          isolate.pokedAt = -Infinity;
          throw error;
        }
      },
      gate: {
        admit: (keyId, digest, scope) =>
          askAgain(() =>
            gate.ask(
              isolate,
              () =>
                this.#in(
                  () => this.#gateIsolate,
                  () => this.#admit(keyId, digest, scope),
                ),
              trace,
            ),
          ),
        forget: (keyId) => gate.ask(isolate, () => this.#gates.get(keyId)?.forget(), trace),
      },
      fetch: this.gpus.fetchOf(isolate, () => leaseOf(actor)),
      internet: { fetch: () => Promise.reject(new Error("nobody here has webhooks")), clock: isolate.clock },
      publicUrl: "",
      secret: () => null,
      clock: isolate.clock,
      random: () => this.#flowRandom.next(),
      randomBytes: (count) => this.#flowRandom.bytes(count),
    };
    return this.#mutation.ports?.(ports, this.schedule, actor.kind) ?? ports;
  }

  #database(actor: Actor, trace: (what: string) => void): Database {
    const { database, unreachable } = this.#parts;
    const { isolate } = actor;
    const ask = async (statements: readonly Sql[]) => {
      const { clockSets } = isolate;
      try {
        return await (isolate.cutOff ? unreachable : database).ask(isolate, () => this.#transact(statements, actor), trace);
      } finally {
        if (isolate.clockSets > clockSets) this.model.misjudges(actor);
      }
    };
    return {
      all: async (statement) => (await ask([statement]))[0] ?? [],
      batch: (statements) => ask(statements),
    };
  }

  #transact(statements: readonly Sql[], actor: Actor): Row[][] {
    try {
      const { answers, changes } = this.#engine.transact(statements);
      if ((actor.kind !== "sweep" && actor.kind !== "waiter") || changes.length > 0) {
        this.note(`${nameOf(actor)}: ${statements.map(({ text }) => titleOf(text)).join("; ")}`);
      }
      for (const change of changes) {
        if (change.of === "inference") {
          const { row } = change;
          const job = jobIn(row.input ?? this.#textOf(row.inputObject));
          const lease = row.lease ? `, ${row.lease} for ${(row.leaseUntil ?? 0) - this.schedule.now} ms` : "";
          const place = `level ${row.level}, turn ${row.turn}`;
          this.note(
            `  #${job} ${row.status}, attempt ${row.attempt - row.attemptsBefore} of ${row.maxAttempts}, ${place}, ${row.backendId}${lease}`,
          );
        } else if (change.of === "backend") {
          const { id, state, failures, restedUntil } = change.row;
          const rest = restedUntil === null ? "" : `, rested for ${restedUntil - this.schedule.now} ms`;
          this.note(`  ${id} ${state}, ${failures} of ${CIRCUIT_FAILURES} failures${rest}`);
        }
        this.model.see(change, actor);
        if (change.of === "inference") this.#strike(actor.isolate, change.row.waiter);
      }
      this.model.judgeLeases(this.gpus.live);
      if (changes.length > 0) this.#judgeIdle(false);
      return answers;
    } catch (error) {
      this.violate("the statements are sound", `${String(error)} in ${statements.map(({ text }) => titleOf(text)).join("; ")}`);
      throw error;
    }
  }

  #textOf(key: string | null): string | null {
    const object = key === null ? undefined : this.#objects.get(key)?.value;
    return object === undefined ? null : typeof object === "string" ? object : new TextDecoder().decode(object);
  }

  #listed(prefix: string) {
    const keys = [...this.#objects].filter(([key]) => key.startsWith(prefix)).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return keys.map(([key, { value, at }]) => ({ key, size: value.length, uploaded: new Date(at) }));
  }

  #object(key: string) {
    const text = this.#textOf(key);
    if (text === null) return null;
    return {
      get body() {
        return new Blob([text]).stream();
      },
      size: text.length,
      bytes: () => Promise.resolve(new TextEncoder().encode(text)),
    };
  }

  // The queue: forgets, doubles, delays and mixes up.

  #enqueue(lane: Lane): void {
    const { random, faults } = this;
    if (random.chance(faults.wakeLost)) return this.note(`a wake-up for ${lane.model} is lost`);
    const copies = random.chance(faults.wakeDoubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const message = { model: lane.model, version: lane.version };
      this.#inQueue.add(message);
      this.schedule.after(random.chance(faults.wakeLate) ? random.magnitude(50, 30_000) : random.int(1, 30), () => {
        if (!this.#inQueue.delete(message)) return;
        this.#arrived.push(message);
        this.#deliver();
      });
    }
  }

  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    this.schedule.after(this.random.int(0, 10), () => {
      this.#delivering = false;
      const lanes = this.random.shuffled(this.#arrived.splice(0)).slice(0, RUNNERS_PER_BATCH * 20);
      for (let first = 0; first < lanes.length; first += RUNNERS_PER_BATCH) this.#consume(lanes.slice(first, first + RUNNERS_PER_BATCH));
    });
  }

  /** What wakeup.ts does with a batch. */
  #consume(lanes: readonly Lane[]): void {
    const isolate = this.random.pick(this.#workers);
    isolate.after(0, () => {
      const lease = randomBase62(16, (count) => this.#flowRandom.bytes(count));
      this.runs++;
      this.note(`${isolate.name}: ${lease} runs for ${lanes.map(({ model }) => model).join(", ")}`);
      run(this.portsOf({ kind: "runner", lease, isolate }), lanes, lease).catch((error: unknown) =>
        this.violate("a runner ends in peace", String(error)),
      );
    });
  }

  // The gate of every key: one isolate for all, whose memory is lost now and then.

  async #admit(keyId: string, digest: string, scope: Scope): Promise<Verdict> {
    const isolate = this.#gateIsolate;
    let gate = this.#gates.get(keyId);
    if (!gate) {
      const { db } = this.portsOf({ kind: "gate", isolate });
      const read = async () => {
        const key = await findKey(db, accountOf(keyId), keyId);
        return key && (this.#mutation.key?.(key) ?? key);
      };
      gate = new Gate(read, () => isolate.clock.now());
      this.#gates.set(keyId, gate);
    }
    const verdict = await gate.admit(digest, scope);
    const limit = this.shape.accounts.find((account) => account.keyId === keyId)?.limits[scope] ?? 0;
    if (verdict.admitted || verdict.reason === "limited")
      this.#meters.judge(gate, keyId, scope, limit, isolate.clock.now(), verdict.admitted);
    return verdict;
  }

  /** Runs something within an isolate that may be frozen; never, where it dies first. */
  #in<T>(isolate: () => Isolate, work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      isolate().after(0, () => {
        (async () => work())().then(resolve, reject);
      });
    });
  }

  // Setting up.

  #newIsolate(kind: string): Isolate {
    this.#isolates++;
    const { skewMs } = this.faults;
    return new Isolate(this.schedule, `${kind}-${this.#isolates}`, skewMs === 0 ? 0 : this.random.int(-skewMs, skewMs));
  }

  #setUp(): void {
    const { accounts, models } = this.shape;
    const setup: Actor = { kind: "setup", isolate: this.#gateIsolate };
    for (const { id, keyId, digest, limits } of accounts) {
      const scopes = ["submit", "read", "cancel"] as const;
      const key = { accountId: id, id: keyId, digest, name: "key", scopes, limits, expiresAt: null };
      this.#transact([accountStatements.insert({ id, name: id }), keyStatements.insert(key)], setup);
    }
    for (const { name, version, accountConcurrency, backends } of models) {
      this.model.accountCaps.set(name, accountConcurrency);
      const versions = version === "" ? [] : [version];
      this.#transact(
        [
          modelStatements.insert({
            name,
            description: "",
            versions,
            defaultVersion: version,
            accountConcurrency,
            capabilities: [],
            outputFiles: [],
            maxOutputBytes: null,
          }),
        ],
        setup,
      );
      for (const { id, protocol, maxConcurrency, timeoutSeconds } of backends) {
        const url = `http://${id}/`.slice(0, protocol === "http" ? undefined : -1);
        const backend = {
          id,
          model: name,
          version,
          url,
          protocol,
          remoteModel: "model",
          credential: null,
          state: "active" as const,
          maxConcurrency,
          timeoutSeconds,
        };
        this.#transact([backendStatements.insert(backend)], setup);
      }
    }
    const cron = () => {
      this.schedule.after(60_000, cron);
      if (this.random.chance(this.faults.cronLost)) return;
      void this.#in(
        () => this.#sweep.isolate,
        () => this.#sweep.arm(),
      );
    };
    this.schedule.after(this.random.int(1, 60_000), cron);
  }

  // What goes wrong besides single calls.

  #beginFaults(): void {
    const { random } = this;
    const again = (everyMs: (faults: Faults) => number, strike: () => void) => {
      const mean = everyMs(this.faults);
      if (mean === Infinity) return;
      this.schedule.after(random.wait(mean), () => {
        if (this.calm) return;
        strike();
        again(everyMs, strike);
      });
    };
    again(
      (faults) => faults.crashEveryMs,
      () => this.#crash(),
    );
    again(
      (faults) => faults.pauseEveryMs,
      () => {
        this.#freeze(this.#anyIsolate());
      },
    );
    again(
      (faults) => faults.jumpEveryMs,
      () => {
        const isolate = this.#anyIsolate();
        const most = Math.max(1_000, this.faults.skewMs);
        isolate.setClock(random.int(-most, most));
        if (isolate === this.#gateIsolate) this.#meters.clear();
        this.note(`the clock of ${isolate.name} is set to ${isolate.offset} ms off`);
      },
    );
    again(
      (faults) => faults.outageEveryMs,
      () => this.#swizzle(),
    );
    again(
      (faults) => faults.cutOffEveryMs,
      () => {
        this.#cutOff(random.chance(0.2) ? this.#sweep.isolate : this.#someWorker());
      },
    );
    again(
      (faults) => faults.gateForgetsEveryMs,
      () => {
        this.note("the gates forget");
        this.#gates.clear();
      },
    );
    again(
      (faults) => faults.queueForgetsEveryMs,
      () => {
        this.note("the queue forgets");
        this.#inQueue.clear();
      },
    );
  }

  #anyIsolate(): Isolate {
    const worker = this.#someWorker();
    return this.random.pick([worker, worker, worker, this.#sweep.isolate, this.#gateIsolate]);
  }

  /** More often than not one that is in the middle of something. */
  #someWorker(): Isolate {
    const busy = [...this.gpus.live].map(({ isolate }) => isolate);
    return this.random.pick(busy.length > 0 && this.random.chance(0.7) ? busy : this.#workers);
  }

  /** The worst moment: a write has taken effect, and nobody has been told. More often where another one is to hear of it. */
  #strike(writer: Isolate, waiter: string | null): void {
    const { random } = this;
    const waiting = this.model.isolateOf(waiter);
    const isOthers = waiting !== null && waiting !== writer;
    if (!random.chance(this.faults.strikes * (isOthers ? 40 : waiting ? 4 : 1))) return;
    const isolate = isOthers && random.chance(0.8) ? waiting : writer;
    const draw = random.next();
    if (!isolate.alive) return;
    // Who stands still while something is claimed in its name wakes up with what is left of a lease, more often than not.
    if (isOthers && isolate === waiting && random.chance(0.7)) this.#freeze(isolate, LEASE_MS - random.magnitude(100, 5_000));
    else if (draw < 0.25) this.#kill(isolate);
    else if (draw < 0.7) this.#freeze(isolate);
    else this.#cutOff(isolate);
  }

  #freeze(isolate: Isolate, forMs?: number): void {
    const { random } = this;
    // About as long as a lease.
    const ms = forMs ?? random.pick([random.int(24_000, 31_000), random.int(25_000, 60_000), random.magnitude(1_000, 90_000)]);
    this.note(`${isolate.name} is frozen for ${ms} ms`);
    isolate.freeze(ms);
  }

  #cutOff(isolate: Isolate): void {
    const { random } = this;
    const ms = random.pick([random.int(20_000, 27_000), random.int(20_000, 45_000), random.magnitude(2_000, 60_000)]);
    this.note(`${isolate.name} is cut off from the database for ${ms} ms`);
    isolate.cutOff = true;
    this.schedule.after(ms, () => (isolate.cutOff = false));
  }

  /** An isolate dies, or, as in a deployment, all of them. */
  #crash(): void {
    if (this.random.chance(0.1)) for (const isolate of [...this.#workers, this.#sweep.isolate, this.#gateIsolate]) this.#kill(isolate);
    else this.#kill(this.#anyIsolate());
  }

  #kill(isolate: Isolate): void {
    this.note(`${isolate.name} dies`);
    this.crashes++;
    const place = this.#workers.indexOf(isolate);
    if (place >= 0) this.#workers[place] = this.#newIsolate("worker");
    else if (isolate === this.#gateIsolate) {
      this.#gateIsolate = this.#newIsolate("gate");
      this.#gates.clear();
    } else this.#sweep.moveTo(this.#newIsolate("sweep"));
    isolate.die();
  }

  /** Parts stop one after the other, and come back in another order: FoundationDB's swizzle. */
  #swizzle(): void {
    const { random } = this;
    const { database, storage, queue, gate, sweep: sweepPart } = this.#parts;
    const breakable: ((broken: boolean) => void)[] = [
      ...[database, storage, queue, gate, sweepPart].map((part) => (broken: boolean) => {
        part.outage = broken ? random.pick(["fails", "hangs"] as const) : "none";
        this.note(`${part.name}: ${part.outage === "none" ? "in order again" : part.outage}`);
      }),
      ...this.gpus.ids.map((id) => (broken: boolean) => {
        const how = broken ? random.pick(["refuses", "hangs"] as const) : "none";
        this.gpus.partition(id, how);
        this.note(`the way to ${id}: ${how === "none" ? "in order again" : how}`);
      }),
    ];
    const some = random.shuffled(breakable).slice(0, random.int(1, Math.min(4, breakable.length)));
    let at = 0;
    for (const each of some) this.schedule.after((at += random.int(0, 5_000)), () => !this.calm && each(true));
    for (const each of random.shuffled(some)) this.schedule.after((at += random.magnitude(500, 30_000)), () => !this.calm && each(false));
  }

  /** All faults end, what was broken is whole again. Clocks stay as they are. */
  endFaults(): void {
    this.note("no more faults");
    this.calm = true;
    this.faults = NO_FAULTS;
    for (const part of Object.values(this.#parts)) part.outage = "none";
    this.gpus.mend();
    for (const isolate of [...this.#workers, this.#sweep.isolate, this.#gateIsolate]) {
      isolate.thaw();
      isolate.cutOff = false;
    }
    const setup: Actor = { kind: "setup", isolate: this.#gateIsolate };
    for (const id of this.gpus.ids) this.#transact([backendStatements.change(id, { state: "active" })], setup);
    this.model.faultsEndedAt = Math.min(this.model.faultsEndedAt, this.schedule.now);
    this.#settledAt = Math.min(this.#settledAt, this.schedule.now + SETTLED_MS);
  }

  /**
   * Lanes that stand idle. One may for a moment until a request that waits for its first looks again, and for longer
   * where a wake-up is lost, until a pass of the sweep notices; one that ceased to meanwhile has not stood idle for long.
   */
  #judgeIdle(isSwept: boolean): void {
    if (!this.#isCalm || this.#passesSinceCalm < 3) return;
    const { now } = this.schedule;
    const idle = this.model.idleLanes(now);
    const lanes = new Set(idle.map(({ lane }) => lane));
    const fronts = new Set(idle.map(({ attendance }) => attendance));
    for (const lane of this.#idleSince.keys()) if (!lanes.has(lane)) this.#idleSince.delete(lane);
    for (const front of this.#frontIdleSince.keys()) if (!fronts.has(front)) this.#frontIdleSince.delete(front);
    for (const { lane, attendance } of idle) {
      const since = this.#idleSince.get(lane) ?? now;
      if (isSwept) this.#idleSince.set(lane, since);
      if (now - since > IDLE_MOST_MS) this.violate("no slot idle while work waits", `${lane}, for ${now - since} ms`);
      if (attendance === null || now < this.#settledAt) continue;
      const lookedAt = this.#frontIdleSince.get(attendance) ?? now;
      this.#frontIdleSince.set(attendance, lookedAt);
      if (now - lookedAt > FRONT_IDLE_MOST_MS) this.violate("a request takes its turn", `${lane}, first in line for ${now - lookedAt} ms`);
    }
  }

  /** No call goes wrong any more, nor any part. */
  get #isCalm(): boolean {
    return this.calm || this.faults === NO_FAULTS;
  }

  /** With no fault left, nothing may stand still, and nothing may be overdue. */
  #judgeCalm(): void {
    this.model.judgeZombies(this.gpus.live);
    if (!this.#isCalm || ++this.#passesSinceCalm < 3) return;
    const { now } = this.schedule;
    for (const { job, row } of this.model.overdue(now - OVERDUE_MOST_MS)) {
      this.violate("acted on in time", `#${job} is ${row.status}, and was due ${now - (row.dueAt ?? 0)} ms ago`);
    }
    const stallsEndAt = this.#settledAt + STALLS_MS - SETTLED_MS;
    for (const { job, row, canceledAt } of this.model.keptSlots(stallsEndAt, now - KEPT_MOST_MS)) {
      this.violate("no slot held unused", `#${job} was cancelled ${now - (canceledAt ?? now)} ms ago and is held under ${row.lease}`);
    }
    for (const { job, row } of this.model.unusedSlots(stallsEndAt, now - UNUSED_MOST_MS)) {
      this.violate("no slot held unused", `#${job} was claimed ${now - (row.startedAt ?? 0)} ms ago under ${row.lease}`);
    }
    this.#judgeIdle(true);
    this.#judgeWaiting();
  }

  /** A request that waits is answered once there is an answer, and one whose client is gone does not go on. */
  #judgeWaiting(): void {
    const { now } = this.schedule;
    for (const [{ goneAt, lease, isolate }, { job, beganAt }] of this.#attendances) {
      const since = goneAt ?? this.model.finalSince(job);
      const most = goneAt === null ? ANSWERED_MOST_MS : LEFT_MOST_MS;
      const late = since === null ? 0 : now - Math.max(since, beganAt, this.#settledAt) - most;
      if (late > 0) this.violate("a request that waits is answered", `#${job} on ${isolate.name}, under ${lease}, ${late} ms late`);
    }
  }
}

const unchanged = (text: string) => text;

const JOB = /"job\\*":(\d+)/;

/** Which job an input or output is of. */
export function jobIn(text: string | null): number {
  return Number(JOB.exec(text ?? "")?.[1] ?? -1);
}

export function nameOf(actor: Actor): string {
  return `${actor.isolate.name} ${leaseOf(actor) ?? actor.kind}`;
}

const titles = new Map<string, string>();

/** The first words of a statement. */
function titleOf(text: string): string {
  const known = titles.get(text);
  if (known) return known;
  const title = text.trim().replaceAll(/\s+/g, " ").slice(0, 60);
  if (titles.size > 1_000) titles.clear();
  titles.set(text, title);
  return title;
}

export function laneOfJob({ model }: Job): Lane {
  return { model: model.name, version: model.version };
}
