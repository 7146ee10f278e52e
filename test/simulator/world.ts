/**
 * One seed's world: the real flows at their one seam (ports.ts), with everything on its other side simulated. Which
 * isolate a request or a message comes to, what every call of the platform takes and whether it fails, and what goes
 * wrong besides, is drawn by chance. After a while all faults end; then everything that was accepted must become final.
 */
import { CIRCUIT_FAILURES, DATABASE_MS, BUCKET_MS, GATE_MS, PROBE_MS, QUEUE_MS } from "../../src/limits.ts";
import { backendStatements } from "../../src/backends/store.ts";
import { telling } from "../../src/inferences/tell.ts";
import { run } from "../../src/inferences/run.ts";
import { say } from "../../src/inferences/progress.ts";
import { readProgress } from "../../src/inferences/progress-token.ts";
import type { Lane } from "../../src/models/lane.ts";
import { randomBase62 } from "../../src/ids.ts";
import type { Ports } from "../../src/ports.ts";
import type { Database, Row, Sql } from "../../src/platform/sql.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { type Faults, NO_FAULTS, drawFaults, unkindIn } from "./faults.ts";
import type { Mutation } from "./planted/rewrite.ts";
import { Gpus } from "./outside/gpu.ts";
import { Receivers } from "./outside/receivers.ts";
import { SweepObject } from "./platform/alarm.ts";
import { Deliverers } from "./platform/deliverers.ts";
import { Engine } from "./platform/engine.ts";
import { Gates } from "./platform/gates.ts";
import { Isolate } from "./platform/isolate.ts";
import { Objects } from "./platform/objects.ts";
import { Part } from "./platform/part.ts";
import { Streams } from "./platform/streams.ts";
import { WakeUps } from "./platform/queue.ts";
import { WatchObjects } from "./platform/watch-objects.ts";
import type { Change } from "./platform/rows.ts";
import { Random } from "./random.ts";
import { Calm } from "./rules/calm.ts";
import { Deliveries } from "./rules/deliveries.ts";
import { type Actor, nameOf } from "./rules/lives.ts";
import { Groups } from "./rules/groups.ts";
import { Meters } from "./rules/meters.ts";
import { Model } from "./rules/model.ts";
import { ProgressRules, type Words } from "./rules/progress.ts";
import { Storage } from "./rules/storage.ts";
import { Usage } from "./rules/usage.ts";
import { BEGINNING, Schedule } from "./schedule.ts";
import {
  type Shape,
  drawShape,
  notBeforeOf,
  withDelays,
  withNeighbour,
  withOneDeadline,
  withPolls,
  withStreams,
  withWatchers,
  inStep,
  speaking,
} from "./shape.ts";
import type { Trace } from "./trace.ts";
import { Mischief } from "./world/mischief.ts";
import { portsFor } from "./world/ports.ts";
import { Requests } from "./world/requests.ts";
import { setUp } from "./world/setup.ts";

/** The rule that a statement breaks that fails by itself. */
export const UNSOUND = "the statements are sound";

/** In how many of the others most may wait equally long. */
const ONE_DEADLINE = 0.5;
/** How many of the seeds are about neighbours. */
const NEIGHBOURLY = 0.1;
/** What a question of the database, and its answer, take at most where many come at one moment: meanwhile others gather. */
const DATABASE_IN_STEP_MS = 15;
/** How many of the others have servers that answer many calls at one moment. */
const IN_STEP = 0.1;
/** How many of those with faults have servers of one protocol, most of whose answers are unkind in ways of theirs alone. */
const UNKIND = 0.04;
const ONE_PROTOCOL = ["openai", "openai", "openai", "oip"] as const;
/** How many of the others may have streams that resume. */
const STREAMING = 0.4;
/** How many of the others may have inferences that begin later. */
const DELAYED = 0.2;
/** How many of the others have clients that watch. */
const WATCHED = 0.1;
/** How many of the others have clients that poll, and wait for the end. */
const POLLED = 0.1;
/** How many have models that tell of their progress. */
const SPEAKING = 0.05;
const SPEAKING_IF_WATCHED = 0.5;
/** Longer than who asks waits for an answer, so that it is theirs to deal with one that comes late. */
const LATE_PART_MS = 120_000;
/** A watch object's clock is apart from the database's by this at most: EVENTS_OVERLAP_MS is there for it. */
const WATCH_SKEW_MS = 1_000;
/** Rests and probes are noticed by a pass of the sweep, of which there is one a second. */
const PROBE_NOTICED_MS = 1_500;

export interface Violation {
  readonly rule: string;
  readonly detail: string;
  readonly atMs: number;
}

export class World {
  readonly seed: number;
  readonly random: Random;
  readonly schedule: Schedule;
  readonly shape: Shape;
  readonly trace: Trace;
  readonly mutation: Mutation;
  readonly flowRandom: Random;
  readonly watchRandom: Random;
  readonly pollRandom: Random;
  readonly parts: Readonly<
    Record<"database" | "unreachable" | "storage" | "queue" | "gate" | "sweep" | "delivery" | "watch" | "stream", Part>
  >;
  readonly gpus: Gpus;
  readonly receivers: Receivers;
  readonly objects: Objects;
  readonly streams: Streams;
  readonly watchObjects: WatchObjects;
  readonly secret: string;
  readonly progress: ProgressRules;
  readonly gates: Gates;
  readonly sweep: SweepObject;
  readonly deliverers: Deliverers;
  readonly queue: WakeUps;
  readonly requests: Requests;
  readonly workers: Isolate[] = [];
  // The rules.
  readonly model: Model;
  readonly deliveries: Deliveries;
  readonly storage: Storage;
  readonly usage: Usage;
  readonly meters: Meters;
  readonly groups = new Groups();
  readonly calmRules: Calm;
  violation: Violation | null = null;
  /** No more faults. */
  calm = false;
  /** Faults have ended once: clients begin nothing more. */
  hasEnded = false;
  faults: Faults;
  crashes = 0;
  runs = 0;
  readonly #engine: Engine;
  readonly #mischief: Mischief;
  readonly #drawn: Faults;
  #isolates = 0;
  readonly #answers = new Set<number>();
  readonly #badJobs: ReadonlySet<number>;

  constructor(seed: number, trace: Trace, mutation: Mutation) {
    this.seed = seed;
    this.trace = trace;
    this.mutation = mutation;
    this.random = new Random(seed, 1);
    this.flowRandom = new Random(seed, 2);
    this.watchRandom = new Random(seed, 12);
    this.pollRandom = new Random(seed, 18);
    this.schedule = new Schedule(new Random(seed, 3));
    const shape = drawShape(new Random(seed, 5), new Random(seed, 6), new Random(seed, 7));
    const neighbours = new Random(seed, 8);
    const streams = new Random(seed, 9);
    const [delays, watches, progress] = [new Random(seed, 10), new Random(seed, 11), new Random(seed, 14)];
    // Another in each seed, since the key that is made of it is kept by the flows: a seed must not depend on those before it.
    this.secret = `the secret of seed ${seed}, which is long enough`;
    const deadlines = new Random(seed, 15);
    const steps = new Random(seed, 16);
    const ofOthers = () => {
      const streaming = streams.chance(STREAMING) ? withStreams(shape, streams) : shape;
      const delayed = delays.chance(DELAYED) ? withDelays(streaming, delays) : streaming;
      const watched = watches.chance(WATCHED) ? withWatchers(delayed, watches) : delayed;
      const due = deadlines.chance(ONE_DEADLINE) ? withOneDeadline(watched, deadlines) : watched;
      const stepping = steps.chance(IN_STEP) ? inStep(due, steps) : due;
      const polled = this.pollRandom.chance(POLLED) ? withPolls(stepping, this.pollRandom) : stepping;
      return { ...polled, tellsProgress: progress.chance(due.watching ? SPEAKING_IF_WATCHED : SPEAKING) };
    };
    const drawn = neighbours.chance(NEIGHBOURLY) ? withNeighbour(shape, neighbours) : ofOthers();
    const unkind = new Random(seed, 17);
    const protocol = !drawn.isFaultless && unkind.chance(UNKIND) ? unkind.pick(ONE_PROTOCOL) : null;
    this.shape = protocol === null ? drawn : speaking(drawn, protocol);
    const notBefore = new Map(this.shape.jobs.map((job) => [job.number, notBeforeOf(job)]));
    const faults = drawFaults(new Random(seed, 4), new Random(seed, 13));
    if (this.shape.isFaultless) this.#drawn = NO_FAULTS;
    else this.#drawn = protocol === null ? faults : unkindIn(protocol, faults, unkind);
    this.faults = this.#drawn;
    this.#badJobs = new Set(
      this.shape.jobs.flatMap(({ number, account }) => (this.shape.badAccounts.includes(account.id) ? [number] : [])),
    );
    const now = () => this.schedule.now;
    const violate = (rule: string, detail: string) => this.violate(rule, detail);
    const trail = (what: string) => this.note(what);
    this.#engine = Engine.open(now, mutation.rewrite ?? unchanged);
    this.parts = this.#newParts();
    this.usage = new Usage(violate);
    this.storage = new Storage({ now, sizeOf: (key) => this.objects.sizeOf(key), violate });
    this.objects = new Objects((key) => this.storage.judgeDelete(key));
    this.deliveries = new Deliveries({ now, violate });
    this.meters = new Meters(violate, () => this.schedule.now);
    this.model = new Model(
      {
        now,
        notBeforeOf: (number) => notBefore.get(number) ?? null,
        isStored: (key) => this.objects.has(key),
        calls: () => this.gpus.live,
        tunnelOf: (backendId) => this.gpus.tunnelOf(backendId),
        wasAnswered: (job, output, object) => {
          const text = output ?? this.objects.textOf(object);
          return (this.#answers.has(job) && jobIn(text) === job) || (text !== null && this.model.answers.hasGiven(job, text));
        },
        violate,
      },
      (row) => jobIn(row.input ?? this.objects.textOf(row.inputObject)),
      this.faults.skewMs === 0,
      { isBad: (job) => this.#badJobs.has(job), mostMs: this.shape.badAccounts.length > 1 ? PROBE_MS + PROBE_NOTICED_MS : 0 },
    );
    const { schedule, random } = this;
    this.progress = new ProgressRules({
      now,
      calmSince: () => this.model.known.faultsEndedAt,
      rowOf: (accountId, id) => this.model.known.lives.get(`${accountId}/${id}`)?.row ?? null,
      violate,
    });
    this.gpus = new Gpus(
      {
        says: (url, words) => void this.#hears(url, words),
        progressRandom: progress,
        schedule,
        random,
        trace: trail,
        faults: () => this.faults.backend,
        began: (call) => {
          this.note(`${call.backendId} is called for #${call.job} under ${call.lease}`);
          this.model.calls.judge(call, this.gpus.live);
        },
        answered: (job) => void this.#answers.add(job),
        tunneled: (call) => this.model.answers.tunneled(call),
        said: (call, speaks, way) => this.model.answers.said(call, speaks, way),
      },
      this.shape.models.flatMap((model) => model.backends),
    );
    this.receivers = new Receivers(
      {
        schedule,
        random,
        trace: trail,
        faults: () => this.faults.receiver,
        received: (receipt) => {
          this.note(`${receipt.url} gets ${receipt.id} and answers ${receipt.status}`);
          this.deliveries.receive(receipt);
        },
      },
      this.shape.receivers,
    );
    this.gates = new Gates(
      {
        meters: this.meters,
        database: (isolate) => this.portsOf({ kind: "gate", isolate }).db,
        read: (key) => mutation.key?.(key) ?? key,
        limitOf: (keyId, scope) => this.shape.accounts.find((account) => account.keyId === keyId)?.limits[scope] ?? 0,
      },
      this.newIsolate("gate"),
    );
    this.sweep = new SweepObject(
      {
        schedule,
        random,
        trace: trail,
        faults: () => this.faults,
        pass: (isolate) =>
          sweep(
            this.portsOf({
              kind: "sweep",
              isolate,
            }),
          ),
        passed: () => this.calmRules.judgePass(),
      },
      this.newIsolate("sweep"),
    );
    this.deliverers = new Deliverers({
      newIsolate: () => this.newIsolate("sender"),
      portsOf: (isolate) => this.portsOf({ kind: "sender", isolate }),
      tell: (isolate, accountId, number) => this.tellDeliverer(isolate, accountId, number),
    });
    this.streams = new Streams({ schedule, random: new Random(seed, 15), part: this.parts.stream, note: trail });
    this.watchObjects = new WatchObjects({
      schedule,
      random: this.watchRandom,
      part: this.parts.watch,
      newIsolate: () => this.newIsolate("watch", Math.min(this.faults.skewMs, WATCH_SKEW_MS)),
      databaseOf: (isolate) => this.#database({ kind: "watch", isolate }),
      within: (isolate, work) => this.within(isolate, work),
      note: trail,
    });
    this.queue = new WakeUps(this, (lanes) => this.#consume(lanes));
    this.requests = new Requests(this);
    const { model, gpus, deliveries } = this;
    const { waiters } = this.requests;
    this.calmRules = new Calm({
      schedule,
      model,
      gpus,
      deliveries,
      waiters,
      violate,
      isCalm: () => this.calm || this.faults === NO_FAULTS,
    });
    if (this.faults === NO_FAULTS) {
      this.model.known.faultsEndedAt = 0;
      this.calmRules.beginAtOnce();
    }
    for (let index = 0; index < this.shape.workers; index++) this.workers.push(this.newIsolate("worker"));
    setUp(this);
    this.#mischief = new Mischief(this);
    this.#mischief.begin();
  }

  #newParts(): World["parts"] {
    const part = (name: string, limitMs: number, faults: () => Faults["database"], random = this.random, mostMs?: number) =>
      new Part(name, limitMs, this.schedule, random, faults, mostMs);
    const parts = {
      database: part(
        "database",
        DATABASE_MS,
        () => this.faults.database,
        this.random,
        this.shape.isInStep ? DATABASE_IN_STEP_MS : undefined,
      ),
      unreachable: part("database", DATABASE_MS, () => this.faults.database),
      storage: part("storage", BUCKET_MS, () => this.faults.payloads),
      queue: part("queue", QUEUE_MS, () => this.faults.queue),
      gate: part("gate", GATE_MS, () => this.faults.gate),
      sweep: part("sweep", GATE_MS, () => this.faults.sweep),
      delivery: part("courier", GATE_MS, () => this.faults.delivery),
      stream: part("streams", LATE_PART_MS, () => this.faults.gate),
      watch: part("watchers", LATE_PART_MS, () => this.faults.watch, this.watchRandom),
    };
    parts.unreachable.outage = "hangs";
    return parts;
  }

  get elapsedMs(): number {
    return this.schedule.now - BEGINNING;
  }

  /** All that are alive. */
  get isolates(): Isolate[] {
    return [...this.workers, this.sweep.isolate, this.gates.isolate, ...this.deliverers.isolates, ...this.watchObjects.isolates];
  }

  /** Whether nothing is on its way that could still change anything. */
  get quiet(): boolean {
    const { now } = this.schedule;
    const isOver = this.model.open === 0 && this.requests.waiters.size === 0 && this.model.waiting.keptSlots(0, now).length === 0;
    return isOver && this.isStill;
  }

  /** Whether no call is on its way. */
  get isStill(): boolean {
    return this.receivers.underWay === 0 && Object.values(this.parts).every((part) => part.underWay === 0);
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

  /** Time passes for somebody outside. */
  wait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.schedule.after(ms, resolve));
  }

  portsOf(actor: Actor): Ports {
    const ports = portsFor(this, actor, this.#database(actor));
    const mutated = this.mutation.ports?.(ports, this.schedule, actor.kind) ?? ports;
    return { ...mutated, db: telling(mutated.db, mutated.watch, (work) => void work) };
  }

  /** Says to an account's delivery object of that number that something may be due. */
  tellDeliverer(isolate: Isolate, accountId: string, number: number): Promise<void> {
    const within = () => this.deliverers.isolateOf(accountId);
    const work = () => this.deliverers.deliver(accountId, number);
    return this.parts.delivery.ask(
      isolate,
      () => this.within(within, work),
      (what) => this.note(`${isolate.name}: ${what}`),
    );
  }

  /** A question of the simulator's own, which sees what is committed. */
  ask(text: string): number | null {
    return this.#engine.ask(text);
  }

  #database(actor: Actor): Database {
    const { database, unreachable } = this.parts;
    const { isolate } = actor;
    const trace = (what: string) => this.note(`${nameOf(actor)}: ${what}`);
    const ask = async (statements: readonly Sql[]) => {
      const { clockSets } = isolate;
      const by = actor.kind === "runner" ? { ...actor, names: namedIn(statements, isolate.leases) } : actor;
      try {
        return await (isolate.cutOff ? unreachable : database).ask(isolate, () => this.transact(statements, by), trace);
      } finally {
        if (isolate.clockSets > clockSets) this.model.calls.misjudges(by);
      }
    };
    return {
      all: async (statement) => (await ask([statement]))[0] ?? [],
      batch: (statements) => ask(statements),
    };
  }

  transact(statements: readonly Sql[], actor: Actor): Row[][] {
    const titles = () => statements.map(({ text }) => titleOf(text)).join("; ");
    try {
      const { answers, changes } = this.#engine.transact(statements);
      const asksOften = actor.kind === "sweep" || actor.kind === "waiter" || actor.kind === "sender";
      if (!asksOften || changes.length > 0) this.note(`${nameOf(actor)}: ${titles()}`);
      for (const change of changes) this.#see(change, actor);
      this.deliveries.see(changes, actor);
      this.storage.see(changes, actor);
      this.usage.see(changes);
      this.groups.see(changes, actor, this.schedule.now);
      this.model.calls.judgeLeases(this.gpus.live);
      this.model.heads.see(changes);
      if (changes.length > 0) this.calmRules.judgeIdle(false);
      if (this.shape.badAccounts.length > 0) this.model.neighbours.judge();
      return answers;
    } catch (error) {
      this.violate(UNSOUND, `${String(error)} in ${titles()}`);
      throw error;
    }
  }

  /** A model tells of its progress, at the address that it was given. */
  async #hears(url: string, words: Words): Promise<void> {
    const name = await readProgress(url.slice(url.lastIndexOf("/") + 1), [this.secret]);
    if (!name) return this.violate("progress has an address", `nobody made ${url}`);
    const said = this.progress.says(name, words);
    const reply = await this.requests.request("model", (ports, after) =>
      say(ports, name, { previewUrl: null, lines: [], ...words }, after),
    );
    if (reply.ok && reply.value) this.progress.wasTaken(said);
  }

  #see(change: Change, actor: Actor): void {
    const { now } = this.schedule;
    if (change.of === "inferences") {
      const { row } = change;
      if (this.shape.tellsProgress) this.progress.see(row, change.isGone, actor);
      const job = this.model.jobOf(row) ?? jobIn(row.input ?? this.objects.textOf(row.inputObject));
      if (change.isGone) return this.note(`  #${job} is removed`);
      const lease = row.lease ? `, ${row.lease} for ${(row.leaseUntil ?? 0) - now} ms` : "";
      const place = `level ${row.level}, turn ${row.turn}`;
      this.note(
        `  #${job} ${row.status}, attempt ${row.attempt - row.attemptsBefore} of ${row.maxAttempts}, ${place}, ${row.backendId}${lease}`,
      );
      this.model.seeInference(row, actor);
      this.#mischief?.strike(actor.isolate, row.waiter);
    } else if (change.of === "backends") {
      const { id, state, failures, restedUntil } = change.row;
      if (change.isGone) return this.violate("nothing vanishes", `backend ${id} was deleted`);
      const rest = restedUntil === null ? "" : `, rested for ${restedUntil - now} ms`;
      this.note(`  ${id} ${state}, ${failures} of ${CIRCUIT_FAILURES} failures${rest}`);
      this.model.seeBackend(change.row);
    } else if (change.of === "deliveries") {
      const { event, webhookId, inferenceId, status, attempt, dueAt } = change.row;
      const due = dueAt === null ? "" : `, due in ${dueAt - now} ms`;
      this.note(`  ${event} of ${inferenceId} for "${webhookId}" ${change.isGone ? "is removed" : status}, attempt ${attempt}${due}`);
    } else if (change.of === "files") {
      const { id, state, bytes, expiresAt } = change.row;
      this.note(`  file ${id} ${change.isGone ? "is removed" : state}, ${bytes} bytes, for ${expiresAt - now} ms`);
    }
  }

  /** What the queue's consumer does with a batch. */
  #consume(lanes: readonly Lane[]): void {
    const isolate = this.random.pick(this.workers);
    isolate.after(0, () => {
      const lease = randomBase62(16, (count) => this.flowRandom.bytes(count));
      isolate.leases.add(lease);
      this.runs++;
      this.note(`${isolate.name}: ${lease} runs for ${lanes.map(({ model }) => model).join(", ")}`);
      run(this.portsOf({ kind: "runner", lease, isolate }), lanes, lease).catch((error: unknown) =>
        this.violate("a runner ends in peace", String(error)),
      );
    });
  }

  /** Runs something within an isolate that may be frozen; never, where it dies first. */
  within<T>(isolate: () => Isolate, work: () => T | Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      isolate().after(0, () => {
        (async () => work())().then(resolve, reject);
      });
    });
  }

  newIsolate(kind: string, skewMs = this.faults.skewMs): Isolate {
    this.#isolates++;
    return new Isolate(this.schedule, `${kind}-${this.#isolates}`, skewMs === 0 ? 0 : this.random.int(-skewMs, skewMs));
  }

  kill(isolate: Isolate): void {
    this.note(`${isolate.name} dies`);
    this.crashes++;
    const place = this.workers.indexOf(isolate);
    if (place >= 0) this.workers[place] = this.newIsolate("worker");
    else if (isolate === this.gates.isolate) this.gates.moveTo(this.newIsolate("gate"));
    else if (isolate === this.sweep.isolate) this.sweep.moveTo(this.newIsolate("sweep"));
    else if (!this.deliverers.bury(isolate)) this.watchObjects.bury(isolate);
    isolate.die();
  }

  /** All faults end, what was broken is whole again. Clocks stay as they are. */
  endFaults(): void {
    this.note("no more faults");
    this.calm = true;
    this.hasEnded = true;
    this.faults = NO_FAULTS;
    for (const part of Object.values(this.parts)) part.outage = "none";
    this.parts.unreachable.outage = "hangs";
    this.gpus.mend();
    for (const isolate of this.isolates) {
      isolate.thaw();
      isolate.cutOff = false;
    }
    const setup: Actor = { kind: "setup", isolate: this.gates.isolate };
    for (const id of this.gpus.ids) this.transact([backendStatements.change(id, { state: "active" })], setup);
    this.model.known.faultsEndedAt = Math.min(this.model.known.faultsEndedAt, this.schedule.now);
    this.calmRules.begin();
  }

  /** The faults of the seed begin again. */
  resumeFaults(): void {
    this.note("faults again");
    this.calm = false;
    this.faults = this.#drawn;
    this.calmRules.end();
    this.#mischief.begin();
  }

  /** Time leaps to then: nothing happens meanwhile. */
  leap(toMs: number): void {
    if (toMs <= this.schedule.now) return;
    this.note(`time leaps by ${toMs - this.schedule.now} ms`);
    this.schedule.now = toMs;
    this.calmRules.leapt();
  }
}

const unchanged = (text: string) => text;

const JOB = /"job\\*":(\d+)/;

/** Which job an input or output is of. */
export function jobIn(text: string | null): number {
  return Number(JOB.exec(text ?? "")?.[1] ?? -1);
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

/** Which of these leases are said in what statements are given: invocations of one isolate write together. */
function namedIn(statements: readonly Sql[], leases: ReadonlySet<string>): readonly string[] {
  const given = JSON.stringify(statements.map(({ params }) => params));
  return [...leases].filter((lease) => given.includes(lease));
}
