/** What a seed is about: tenants, models, backends and how much is asked of them. Faults are drawn apart (faults.ts). */
import { INLINE_BYTES } from "../../src/limits.ts";
import type { Limits } from "../../src/keys/store.ts";
import { STATUSES } from "../../src/inferences/status.ts";
import { ENDS, EVENTS, type EventName, type Webhook } from "../../src/inferences/webhook.ts";
import type { Speech } from "../support/repertoire.ts";
import type { GpuSettings } from "./outside/gpu.ts";
import type { Filter } from "./rules/watching.ts";
import type { ReceiverSettings } from "./outside/receivers.ts";
import type { Random } from "./random.ts";
import { BEGINNING } from "./schedule.ts";

export interface AccountShape {
  readonly id: string;
  readonly keyId: string;
  readonly digest: string;
  readonly limits: Limits;
  /** Null: the default, which nothing here comes near. */
  readonly quotaBytes: number | null;
  readonly retentionSeconds: number;
  readonly webhooks: readonly { readonly id: string; readonly url: string; readonly events: readonly EventName[] }[];
}

/** A file, as its client sends it. */
export interface FileJob {
  readonly number: number;
  readonly account: AccountShape;
  readonly atMs: number;
  readonly bytes: number;
  /** In one request, of a length that is told or not, or part by part. */
  readonly way: "whole" | "unmeasured" | "parts";
  readonly partBytes: number;
  readonly sha256: "none" | "right" | "wrong";
  /** Its client leaves after so much of it. */
  readonly breaksOffAt: number | null;
  /** It is removed by its client after so long. */
  readonly removedAfterMs: number | null;
}

export interface BackendShape extends GpuSettings {
  readonly maxConcurrency: number;
  readonly timeoutSeconds: number;
}

export interface ModelShape {
  readonly name: string;
  readonly version: string;
  readonly accountConcurrency: number | null;
  readonly backends: readonly BackendShape[];
}

/** One submit, as its client means it. */
export interface Job {
  readonly number: number;
  readonly account: AccountShape;
  readonly model: ModelShape;
  readonly atMs: number;
  readonly input: string;
  readonly idempotencyKey: string | null;
  readonly priority: number;
  readonly maxTimeInQueueSeconds: number;
  readonly runWithinSeconds: number | undefined;
  readonly cancelAfterSeconds: number | undefined;
  readonly retry: { maxAttempts?: number; initialDelayMs?: number; maxDelayMs?: number };
  /** It is not to begin before so long after its client first asked; null: at once. */
  readonly startsAfterMs: number | null;
  /** Whether its output is kept as a stream while it comes. */
  readonly resumable: boolean;
  /** How many watch it, from different places. */
  readonly watchers: number;
  /** How many ask for it and would rather wait for its end. */
  readonly polls: number;
  /** How its client waits for the answer; null where it looks later. */
  readonly wait: Wait | null;
  /** The URL that is given with it. */
  readonly webhook: Webhook | null;
  /** Another request under the same Idempotency-Key: how long after the first, and how its client waits. */
  readonly again: { readonly afterMs: number; readonly wait: Wait | null } | null;
}

/** How a client waits for an answer. */
export interface Wait {
  /** Then it leaves. */
  readonly patienceMs: number;
  /** Whether the isolate hears of it. */
  readonly isHeard: boolean;
}

export interface Shape {
  readonly accounts: readonly AccountShape[];
  readonly files: readonly FileJob[];
  readonly receivers: readonly ReceiverSettings[];
  /** Who watches accounts and not inferences, and how often a watcher's connection is cut, on average; null: nobody watches anything. */
  readonly watching: {
    readonly accounts: readonly AccountShape[];
    /** Who watches an account and wants some of its events. */
    readonly filters: readonly (Filter & { readonly account: AccountShape })[];
    readonly cutEveryMs: number;
  } | null;
  /** Whether its models tell of their progress. */
  readonly tellsProgress: boolean;
  /** Whether its servers answer many calls at one moment. */
  readonly isInStep: boolean;
  /** Whether nothing goes wrong in it, or nothing but with the inputs of `badAccounts`. */
  readonly isFaultless: boolean;
  /** All inputs of these are bad. */
  readonly badAccounts: readonly string[];
  /** Whether it goes on until everything is past its retention. */
  readonly ages: boolean;
  readonly models: readonly ModelShape[];
  readonly jobs: readonly Job[];
  /** Faults end then. */
  readonly spanMs: number;
  readonly workers: number;
  /** Mean times between; Infinity: never. */
  readonly bulkEveryMs: number;
  readonly operatorEveryMs: number;
  readonly cancels: number;
  readonly redrives: number;
}

/** `waits` and `beside` are streams of their own, so that a seed in which nobody waits, or is told, is the same as it was without. */
export function drawShape(random: Random, waits: Random, beside: Random): Shape {
  const long = random.chance(0.12);
  const sluggish = !long && random.chance(0.35);
  const spanMs = long ? random.int(150_000, 300_000) : sluggish ? random.int(60_000, 180_000) : random.magnitude(15_000, 90_000);
  const receivers = drawReceivers(beside);
  const accounts = Array.from({ length: random.int(1, 3) }, (_, index): AccountShape => {
    const id = `account${String(index).padStart(5, "0")}`;
    const limit = (most: number) => random.magnitude(2, most);
    return {
      id,
      keyId: `${id}key000`,
      digest: String(index).repeat(64),
      limits: { read: limit(100), submit: limit(200), cancel: limit(50) },
      quotaBytes: beside.chance(0.2) ? beside.magnitude(20_000, 500_000) : null,
      retentionSeconds: beside.pick([1, 2, 8]) * 86_400,
      webhooks: drawWebhooks(beside, receivers),
    };
  });
  const models = Array.from({ length: random.int(1, long ? 1 : 3) }, (_, index): ModelShape => drawModel(random, index, long, sluggish));
  const large = random.chance(0.25) ? random.next() : 0;
  const poison = random.chance(0.25) ? random.next() * 0.1 : 0;
  const hurried = random.chance(0.5);
  // Who waits where everything is slow looks thousands of times, so it is only a few there.
  const patient = waits.chance(0.3) ? 0 : waits.next() * (long || sluggish ? 0.5 : 1);
  const count = long ? random.int(30, 80) : random.magnitude(4, sluggish ? 40 : 60);
  const bursts = Array.from({ length: random.int(1, 3) }, () => random.int(0, spanMs * (long || sluggish ? 0.3 : 0.8)));
  const jobs = Array.from({ length: count }, (_, number): Job => {
    const input = {
      job: number,
      messages: undefined as unknown,
      ...(random.chance(large) ? { large: true, padding: "p".repeat(random.chance(0.5) ? INLINE_BYTES : 10) } : {}),
      ...(random.chance(poison) ? { poison: true } : {}),
    };
    const model = random.pick(models);
    if (model.backends.some(({ protocol }) => protocol === "openai")) input.messages = [];
    const job = {
      number,
      account: random.chance(0.6) ? (accounts[0] ?? random.pick(accounts)) : random.pick(accounts),
      model,
      atMs: random.chance(0.6) ? random.pick(bursts) + random.int(0, 500) : random.int(0, spanMs * 0.9),
      input: JSON.stringify(input),
      idempotencyKey: random.chance(0.6) ? `key-${number}` : null,
      priority: random.pick([0, 0, 1, 2]),
      maxTimeInQueueSeconds: long
        ? random.int(100, 600)
        : sluggish
          ? random.int(60, 300)
          : hurried && random.chance(0.3)
            ? random.int(10, 20)
            : random.magnitude(30, 120),
      runWithinSeconds: random.chance(0.3) ? (sluggish ? random.int(20, 90) : random.int(1, 20)) : undefined,
      cancelAfterSeconds: random.chance(0.1) ? random.magnitude(1, 60) : undefined,
      retry: random.chance(0.5)
        ? {}
        : {
            maxAttempts: random.int(1, 5),
            initialDelayMs: random.pick([0, 100, 1_000, 10_000]),
            maxDelayMs: random.pick([0, 1_000, 20_000]),
          },
    };
    const wait = waits.chance(patient) ? drawWait(waits) : null;
    const isAskedAgain = job.idempotencyKey !== null && waits.chance(patient * 0.4);
    const again = isAskedAgain ? { afterMs: waits.magnitude(1, 30_000), wait: waits.chance(0.7) ? drawWait(waits) : null } : null;
    const [receiver] = receivers;
    const webhook =
      receiver && beside.chance(0.3) ? { url: receiver.url, events: drawEvents(beside), origin: "https://claimcheck.example.com" } : null;
    return { ...job, wait, again, webhook, resumable: false, startsAfterMs: null, watchers: 0, polls: 0 };
  });
  const files = Array.from({ length: beside.chance(0.4) ? beside.int(1, 12) : 0 }, (_, number) =>
    drawFile(beside, number, beside.pick(accounts), beside.int(0, Math.round(spanMs * 0.9))),
  );
  const every = (least: number, most: number) => (random.chance(0.5) ? Infinity : random.magnitude(least, most));
  return {
    badAccounts: [],
    isInStep: false,
    isFaultless: false,
    watching: null,
    tellsProgress: false,
    accounts,
    models,
    files,
    receivers,
    ages: beside.chance(0.3),
    jobs: jobs.toSorted((one, other) => one.atMs - other.atMs),
    spanMs,
    workers: random.int(2, 6),
    bulkEveryMs: every(5_000, 60_000),
    operatorEveryMs: every(5_000, 60_000),
    cancels: random.chance(0.5) ? random.next() * 0.4 : 0,
    redrives: random.next(),
  };
}

/** The same, and of the chats that nobody waits for some are streams that resume. */
export function withStreams(shape: Shape, random: Random): Shape {
  const share = random.next();
  const mayStream = ({ wait, again, model }: Job) =>
    wait === null && again === null && model.backends.some(({ protocol }) => protocol === "openai");
  return { ...shape, jobs: shape.jobs.map((job) => ({ ...job, resumable: mayStream(job) && random.chance(share) })) };
}

/** The same, and some of those that nobody waits for are not to begin before a time. */
export function withDelays(shape: Shape, random: Random): Shape {
  const share = random.next();
  const mayWait = ({ wait, again }: Job) => wait === null && (again?.wait ?? null) === null;
  const most = Math.min(shape.spanMs, 60_000);
  return {
    ...shape,
    jobs: shape.jobs.map((job) => ({ ...job, startsAfterMs: mayWait(job) && random.chance(share) ? random.magnitude(100, most) : null })),
  };
}

/** The same, and most may wait equally long: of those that come together many are due together. */
export function withOneDeadline(shape: Shape, random: Random): Shape {
  const { maxTimeInQueueSeconds } = random.pick(shape.jobs);
  return { ...shape, jobs: shape.jobs.map((job) => (random.chance(0.8) ? { ...job, maxTimeInQueueSeconds } : job)) };
}

/**
 * The same, but of one model, whose servers take many at once and answer at the beat of a clock, as those do that compute in batches;
 * what they take comes in bursts, and there are few isolates: so many attempts end at one moment, and many are claimed.
 */
export function inStep(shape: Shape, random: Random): Shape {
  const [first] = shape.models;
  if (!first) return shape;
  const isFaultless = random.chance(0.5);
  const meanRunMs = random.magnitude(20, 1_000);
  const stepMs = meanRunMs * random.int(1, 3);
  const beat = { meanRunMs, stepMs, timeoutSeconds: random.magnitude(5, 60) };
  const backends = first.backends.slice(0, 2).map((backend) => ({ ...backend, ...beat, maxConcurrency: random.int(3, 10) }));
  const model = { ...first, backends, accountConcurrency: random.chance(0.8) ? null : random.int(2, 6) };
  const bursts = Array.from({ length: random.int(1, 2) }, () => random.int(0, shape.spanMs * 0.5));
  const jobs = Array.from({ length: random.int(40, 70) }, (_, number): Job => {
    const like = random.pick(shape.jobs);
    return {
      ...ofModel(like, model, { job: number }),
      number,
      resumable: false,
      account: random.pick(shape.accounts),
      atMs: random.chance(0.9) ? random.pick(bursts) + random.int(0, 100) : like.atMs,
      idempotencyKey: like.idempotencyKey === null ? null : `key-${number}`,
      wait: random.chance(0.8) ? null : like.wait,
    };
  });
  return {
    ...shape,
    isInStep: true,
    isFaultless,
    workers: isFaultless ? 1 : 2, // one alone stands still for as long as its questions hang
    models: [model],
    jobs: jobs.toSorted((one, other) => one.atMs - other.atMs),
  };
}

/** The same, but all servers speak one protocol. */
export function speaking(shape: Shape, protocol: Speech): Shape {
  const models = shape.models.map((model) => ({ ...model, backends: model.backends.map((backend) => ({ ...backend, protocol })) }));
  const modelOf = ({ model }: Job) => models[shape.models.indexOf(model)] ?? model;
  return { ...shape, models, jobs: shape.jobs.map((job) => ofModel(job, modelOf(job), {})) };
}

/** The same job for another model, with what is more in its input. */
function ofModel(job: Job, model: ModelShape, more: object): Job {
  const { messages: _, ...input } = JSON.parse(job.input) as Record<string, unknown>; // an object, as drawShape writes it
  const chat = model.backends.some(({ protocol }) => protocol === "openai") ? { messages: [] } : {};
  return { ...job, model, input: JSON.stringify({ ...input, ...chat, ...more }) };
}

/** When a job may begin, in ms; null: at once. */
export function notBeforeOf({ atMs, startsAfterMs }: Job): number | null {
  return startsAfterMs === null ? null : BEGINNING + Math.round(atMs) + startsAfterMs;
}

/** The same, watched: some of the inferences, and up to three times all of an account, or some of its events. */
export function withWatchers(shape: Shape, random: Random): Shape {
  const share = random.next();
  const accounts = Array.from({ length: random.int(0, 3) }, () => random.pick(shape.accounts));
  const cutEveryMs = random.chance(0.3) ? Infinity : random.magnitude(2_000, 60_000);
  const jobs = shape.jobs.map((job) => ({ ...job, watchers: random.chance(share) ? random.int(1, 3) : 0 }));
  const filters = Array.from({ length: random.int(0, 3) }, () => ({ account: random.pick(shape.accounts), ...drawFilter(shape, random) }));
  return { ...shape, watching: { accounts, filters, cutEveryMs }, jobs };
}

/** The same, and some of the inferences are polled by clients that would rather wait. In half of these nothing goes wrong: who is late is seen. */
export function withPolls(shape: Shape, random: Random): Shape {
  const share = random.next();
  const isFaultless = shape.isFaultless || random.chance(0.5);
  return { ...shape, isFaultless, jobs: shape.jobs.map((job) => ({ ...job, polls: random.chance(share) ? random.int(1, 2) : 0 })) };
}

function drawFilter({ models }: Shape, random: Random): Filter {
  const statuses = random.shuffled(STATUSES).slice(0, random.int(1, 3));
  const by = random.pick(["model", "status", "both"] as const);
  return { model: by === "status" ? null : random.pick(models).name, statuses: by === "model" ? null : statuses };
}

/** A seed about neighbours: half of the inferences are of one account, or of two, and their inputs make healthy servers fail. */
export function withNeighbour(shape: Shape, random: Random): Shape {
  if (shape.accounts.length < 2 || shape.models.some((model) => model.backends.some(({ meanRunMs }) => meanRunMs > 5_000))) return shape;
  const bads = shape.accounts.slice(0, random.int(1, shape.accounts.length - 1));
  const others = shape.accounts.slice(bads.length);
  const models = new Map(
    shape.models.map((model) => [model.name, { ...model, backends: model.backends.map((it) => ({ ...it, timeoutSeconds: 60 })) }]),
  );
  const [model] = models.values();
  if (!model) return shape;
  const jobs = shape.jobs.map((job): Job => {
    const isBad = random.chance(0.5);
    // More often than not what looks like the server's own fault.
    const more = isBad ? { bad: random.chance(0.7) ? 0 : random.int(0, 99) } : {};
    const account = random.pick(isBad ? bads : others);
    return { ...ofModel(job, model, { poison: undefined, ...more }), account };
  });
  return { ...shape, badAccounts: bads.map(({ id }) => id), isFaultless: true, models: [...models.values()], jobs };
}

/** None in most seeds, so that those are as fast as before. */
function drawReceivers(random: Random): ReceiverSettings[] {
  const count = random.chance(0.5) ? 0 : random.int(1, 4);
  return Array.from({ length: count }, (_, index) => ({
    url: `https://hooks-${index}.example.com/`,
    failing: random.chance(0.5) ? 0 : random.next(),
    backAfterMs: random.pick([20_000, 3_600_000, 10 * 86_400_000]),
  }));
}

function drawWebhooks(random: Random, receivers: readonly ReceiverSettings[]): AccountShape["webhooks"] {
  return receivers.flatMap(({ url }, index) =>
    random.chance(0.5) ? [{ id: `wh_${String(index).padStart(16, "0")}`, url, events: drawEvents(random) }] : [],
  );
}

function drawEvents(random: Random): EventName[] {
  return random.chance(0.5) ? [...ENDS] : EVENTS.filter((_, index) => index === 2 || random.chance(0.5));
}

function drawFile(random: Random, number: number, account: AccountShape, atMs: number): FileJob {
  const way = random.pick(["whole", "whole", "unmeasured", "parts", "parts"] as const);
  const bytes = random.magnitude(1, 50_000);
  return {
    number,
    account,
    atMs,
    bytes,
    way,
    partBytes: Math.ceil(bytes / random.int(1, 4)),
    sha256: random.pick(["none", "right", "right", "wrong"] as const),
    breaksOffAt: random.chance(0.2) ? random.int(0, bytes - 1) : null,
    removedAfterMs: random.chance(0.3) ? random.magnitude(1, 6e4) : null,
  };
}

/** Most clients stay for longer than anything may take. */
function drawWait(random: Random): Wait {
  return { patienceMs: random.chance(0.3) ? random.magnitude(1, 60_000) : 3_600_000, isHeard: random.chance(0.9) };
}

function drawModel(random: Random, index: number, long: boolean, sluggish: boolean): ModelShape {
  const protocol = random.pick(["oip", "http", "openai"] as const);
  const meanRunMs = long ? random.int(1_000, 5_000) : sluggish ? random.int(15_000, 50_000) : random.magnitude(20, 5_000);
  return {
    name: `model-${index}`,
    version: random.chance(0.5) ? "" : "v1",
    accountConcurrency: random.chance(0.3) ? random.int(1, 3) : null,
    backends: Array.from({ length: random.int(1, long ? 1 : 3) }, (_, place) => ({
      id: `gpu-${index}-${place}`,
      protocol,
      meanRunMs,
      stepMs: null,
      maxConcurrency: random.int(1, long ? 2 : 3),
      timeoutSeconds: sluggish ? random.int(60, 120) : random.magnitude(5, 60),
    })),
  };
}
