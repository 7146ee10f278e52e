/** The production side of ports.ts: the bindings of the deployment, each within a time limit. */
import { waitUntil } from "cloudflare:workers";
import { type Config, configOf } from "../config.ts";
import { r2, r2Uploads } from "../payloads/r2.ts";
import type { Fetch } from "../backends/backend.ts";
import { Admissions } from "../http/admit.ts";
import { KeptAnswers } from "../http/kept-answers.ts";
import { LookUps } from "../http/lookups.ts";
import type { Dialect, Upkeep } from "../http/route.ts";
import type { AccountLimit } from "../keys/account-limit.ts";
import type { Verdict } from "../keys/gate.ts";
import type { ModelSchemas } from "../models/schemas.ts";
import { Memory, oncePer } from "../platform/memory.ts";
import {
  DELIVERY_OBJECTS_CALLED_AT_ONCE,
  DATABASE_MS,
  GATE_MS,
  MEMORY_THINGS,
  QUEUE_BATCH,
  QUEUE_MS,
  SWEEP_POKE_MS,
  SCHEMAS_REMEMBERED,
} from "../limits.ts";
import { ask, askAgain } from "../platform/unavailable.ts";
import { exporting } from "../inferences/spans.ts";
import { telling } from "../inferences/tell.ts";
import { SpanExporter } from "../platform/otlp.ts";
import { SOFTWARE_VERSION } from "../platform/version.ts";
import { d1 } from "../platform/sql.ts";
import type { Ports, Clock } from "../ports.ts";
import { streamPortOf } from "./stream-port.ts";
import { observed } from "../metrics/observed.ts";
import { reportFrom } from "./metrics-port.ts";
import { watchPortOf } from "./watch-port.ts";

export const SWEEP_NAME = "sweep";

/** An account's delivery objects are numbered from 0. The first hears of deliveries, and calls the next when it has no free slot. */
export function deliveryObjectName(accountId: string, number: number): string {
  return `${accountId}/${number}`;
}

let sweepPokedAt = -Infinity; // once per isolate and SWEEP_POKE_MS; the sweep ticks on for longer than that by itself

export const forms = new Memory<boolean>(MEMORY_THINGS);

const schemas = new Memory<ModelSchemas>(SCHEMAS_REMEMBERED);

const waiting = new Map<string, number>(); // an entry for each account with a request that waits: see ports.ts

/** Bindings that a deployment may have. */
interface Private {
  /** The private network in which its GPU servers are. */
  readonly GPU_NETWORK?: { readonly fetch: Fetch };
}

/** The ports of a deployment, made once per isolate. */
export const portsOf = oncePer(newPorts);

/** This isolate's side of all gates. */
export const admissionsOf = oncePer((env: Env) => new Admissions(portsOf(env)));

/** What this isolate need not ask again. */
export const keptAnswersOf = oncePer((_env: Env) => new KeptAnswers<Dialect>());

/** What this isolate looks for at this moment. */
export const lookUpsOf = oncePer((env: Env) => new LookUps(portsOf(env).clock));

function newPorts(env: Env & Private): Ports {
  const secrets: Readonly<Record<string, unknown>> = { ...env };
  const network = env.GPU_NETWORK;
  const clock: Clock = { now: () => Date.now(), sleep, after, timeout: (ms) => AbortSignal.timeout(ms) };
  const openly: Fetch = (url, init) => fetch(url, init);
  const watch = watchPortOf(env, waitUntil);
  reportFrom(observed, env);
  const spans = spansTo(configOf(env), clock);
  const told = telling(d1(env.DB, DATABASE_MS), watch, waitUntil);
  const db = spans ? exporting(told, spans, clock, waitUntil) : told;
  return {
    db,
    isolate: clock,
    payloads: r2(env.PAYLOADS),
    uploads: r2Uploads(env.PAYLOADS),
    async wake(lanes) {
      for (let sent = 0; sent < lanes.length; sent += QUEUE_BATCH) {
        const batch = lanes.slice(sent, sent + QUEUE_BATCH).map((body) => ({ body }));
        await ask("queue", QUEUE_MS, () => env.WAKE_UPS.sendBatch(batch));
      }
    },
    armSweep() {
      const now = Date.now();
      if (now - sweepPokedAt < SWEEP_POKE_MS) return null;
      sweepPokedAt = now;
      return ask("sweep", GATE_MS, () => env.SWEEP.getByName(SWEEP_NAME).arm()).catch((error: unknown) => {
        sweepPokedAt = -Infinity;
        throw error;
      });
    },
    async deliver(accountIds) {
      const announce = (accountId: string) =>
        ask("deliveries", GATE_MS, () => env.DELIVERY.getByName(deliveryObjectName(accountId, 0)).deliver(accountId, 0));
      for (let called = 0; called < accountIds.length; called += DELIVERY_OBJECTS_CALLED_AT_ONCE) {
        await Promise.all(accountIds.slice(called, called + DELIVERY_OBJECTS_CALLED_AT_ONCE).map(announce));
      }
    },
    watch,
    spans,
    streams: streamPortOf(env),
    gate: {
      // A new stub each time: one that has thrown stays broken.
      admit: (keyId, digest, scope, asking) =>
        askAgain(() => ask<Verdict>("gate", GATE_MS, async () => env.GATE.getByName(keyId).admit(digest, scope, asking))),
      ended: (keyId, digest, scope) => askAgain(() => ask("gate", GATE_MS, async () => env.GATE.getByName(keyId).ended(digest, scope))),
      async forget(keyId) {
        await askAgain(() => ask("gate", GATE_MS, () => env.GATE.getByName(keyId).forget()));
        admissionsOf(env).forget(keyId);
      },
    },
    fetch: network ? (url, init) => network.fetch(url, init) : openly,
    internet: { fetch: openly, clock },
    forms,
    schemas,
    waiting,
    publicUrl: configOf(env).publicUrl,
    progressOrigin: configOf(env).progressOrigin,
    databaseQuotaBytes: configOf(env).databaseQuotaBytes,
    secret: (name) => (typeof secrets[name] === "string" ? secrets[name] : null),
    clock,
    random: () => Math.random(),
    randomBytes,
  };
}

/** Where spans go; undefined if the operator has named no collector. */
function spansTo({ collector, publicUrl }: Config, clock: Clock): SpanExporter | undefined {
  if (!collector) return undefined;
  const resource = {
    "service.name": "claimcheck",
    "service.version": SOFTWARE_VERSION,
    "server.address": publicUrl === "" ? null : new URL(publicUrl).hostname,
  };
  return new SpanExporter(collector, resource, { fetch: (url, init) => fetch(url, init), clock, keep: waitUntil });
}

/** The sweep and what it hears of, as the operator's calls use it. */
export function sweepOf(env: Env): Upkeep {
  const sweep = () => env.SWEEP.getByName(SWEEP_NAME);
  return {
    recover: (startedBefore) => sweep().recover(startedBefore),
    async tryQueue(probe, withinMs) {
      const begun = Date.now();
      const [consumed] = await Promise.all([
        ask("sweep", withinMs + GATE_MS, async () => sweep().awaitProbe(probe, withinMs)),
        ask("queue", QUEUE_MS, () => env.WAKE_UPS.sendBatch([{ body: { probe } }])),
      ]);
      return consumed ? Date.now() - begun : null;
    },
  };
}

/** Takes one permit of a limit of an account. Returns 0; if there is none, in how many ms there will be one. */
export function accountMeterOf(env: Env): (accountId: string, limit: AccountLimit) => Promise<number> {
  return (accountId, limit) => ask("gate", GATE_MS, async () => env.GATE.getByName(accountId).take(limit));
}

/** Random bytes that nobody has had yet: to ask for few costs as much as to ask for many. */
const unused = new Uint8Array(4_096);
let used = unused.length;

function randomBytes(count: number): Uint8Array {
  if (count > unused.length) return crypto.getRandomValues(new Uint8Array(count));
  if (used + count > unused.length) {
    crypto.getRandomValues(unused);
    used = 0;
  }
  const bytes = unused.slice(used, used + count);
  unused.fill(0, used, used + count); // what becomes a secret is here no more
  used += count;
  return bytes;
}

export function after(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

/** Ends after `ms`, or at once when the signal is aborted; never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const cancel = after(ms, done);
    function done() {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
