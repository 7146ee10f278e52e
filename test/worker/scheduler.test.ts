/**
 * Who runs next, where, and who must wait: order, ageing, turns, capacity, the circuit, quarantine and the sweep. The
 * flows are the real ones on the real database; nothing happens but what a test does, and time passes when it says so.
 */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import type { Failure } from "../../src/backends/outcome.ts";
import { findBackend, listBackends } from "../../src/backends/store.ts";
import { run } from "../../src/inferences/run.ts";
import type { Lane } from "../../src/models/lane.ts";
import type { Claim } from "../../src/inferences/sql/record.ts";
import { cancelInference, changeStatements, redriveInference } from "../../src/inferences/sql/change.ts";
import { claimStatements } from "../../src/inferences/sql/claim.ts";
import { type NewInference, insertStatements } from "../../src/inferences/sql/insert.ts";
import {
  AGEING_MS,
  CIRCUIT_FAILURES,
  LEASE_MS,
  PROBE_MS,
  REST_MS,
  RETRY_AFTER_MAX_MS,
  STALE_CONNECTION_MS,
  WAKE_UP_LOST_MS,
  WITNESSES,
} from "../../src/limits.ts";
import type { Clock, Ports } from "../../src/ports.ts";
import { claim, claimed, forgetAll, laneOf, queued, rowOf, submission } from "./support/inferences.ts";
import { databaseNow, held, standingClock, timePasses } from "./support/clock.ts";
import { still, swept } from "./support/ports.ts";
import { type ScriptedBackend, gpu, hang } from "./support/outside.ts";
import { newBackend, newModel } from "./support/tenants.ts";
import { object, operator, until } from "./support/requests.ts";

const { db } = still();
const NO_DELAY = { maxAttempts: 3, initialDelayMs: 0, maxDelayMs: 0 };
const ONCE = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 };
const ok: ScriptedBackend = () => Response.json({ done: true });
const breaks: ScriptedBackend = () => Response.json({ error: "out of memory" }, { status: 500 });

beforeEach(forgetAll);

/** A model with a backend for each number of slots given; the backends' ids in that order. */
async function served(...slots: number[]): Promise<{ model: string; backends: string[] }> {
  const model = await newModel();
  const backends: string[] = [];
  for (const [index, max_concurrency] of slots.entries()) {
    backends.push(await newBackend(model, { protocol: "http", url: `https://gpu-${index}.${model}.test`, max_concurrency }));
  }
  return { model, backends };
}

/** Runs a model's queue down with one runner and returns what its backends were asked, in order. */
async function drained(model: string, script: ScriptedBackend = ok, instead: Partial<Ports> = {}): Promise<string[]> {
  const seen: string[] = [];
  const fetch = gpu(async (request) => {
    if (request.method === "POST") {
      const body: { id: string } = await request.clone().json();
      seen.push(body.id);
    }
    return script(request);
  });
  await run(still({ fetch, ...instead }), [laneOf(model)], crypto.randomUUID(), 1);
  return seen;
}

/** Up to so many claims, one after the other. */
async function claims(model: string, count: number): Promise<Claim[]> {
  const won: Claim[] = [];
  for (let round = 0; round < count; round++) {
    const it = await claim(db, laneOf(model), `lease-${round}`);
    if (!it) break;
    won.push(it);
  }
  return won;
}

const succeed = (it: Claim) => db.all(changeStatements.succeed(it, { at: "row", body: "{}", contentType: "application/json" }, 2, 1));

/** Many at once, in one transaction for each 500. */
async function queuedMany(model: string, count: number, more: Partial<NewInference> = {}): Promise<void> {
  for (let done = 0; done < count; done += 500) {
    await db.batch(Array.from({ length: Math.min(500, count - done) }, () => insertStatements.insert(submission(model, more))));
  }
}

describe("with one slot, the backend sees", () => {
  test("30 queued inferences of mixed priority and age in exact order: priority first, then age", async () => {
    const { model } = await served(1);
    const mixed = Array.from({ length: 30 }, (_, index) => ({ priority: (index * 7) % 3, id: "" }));
    for (const [index, it] of mixed.entries()) {
      it.id = await queued(model, { priority: it.priority });
      if (index % 10 === 9) await timePasses(model, 5_000);
    }
    const order = [0, 1, 2].flatMap((priority) => mixed.filter((it) => it.priority === priority).map(({ id }) => id));
    expect(await drained(model)).toEqual(order);
  });

  test("one that backed off in its old place, not behind those that came after it", async () => {
    const { model } = await served(1);
    const id = await queued(model);
    const first = await claimed(model);
    await db.all(changeStatements.retry(first, { class: "capacity", code: "backend_busy", message: "busy", status: 503 }, 1_000, false));
    const later = await queued(model);
    await timePasses(model, 1_000);
    await swept();
    expect(await drained(model)).toEqual([id, later]);
  });
});

describe("ageing", () => {
  /** So much time, with the sweep that ends it. */
  async function waits(model: string, ms: number): Promise<void> {
    await timePasses(model, ms);
    await swept();
  }

  test("lets a priority 2 that has waited for twice AGEING_MS go before a newer priority 0", async () => {
    const { model } = await served(1);
    const patient = await queued(model, { priority: 2 });
    await waits(model, AGEING_MS);
    await waits(model, AGEING_MS);
    const fresh = await queued(model, { priority: 0 });
    expect(await drained(model)).toEqual([patient, fresh]);
  });

  test("gives it its account's next turn at the new level: after those that wait there, before those that come later", async () => {
    const { model } = await served(1);
    const patient = await queued(model, { priority: 2 });
    const between: string[] = [];
    for (let count = 0; count < 5; count++) between.push(await queued(model, { priority: 0 }));
    await waits(model, AGEING_MS);
    await waits(model, AGEING_MS);
    const later = await queued(model, { priority: 0 });
    expect(await drained(model)).toEqual([...between, patient, later]);
  });

  test("raises by one level for each AGEING_MS, no sooner, and says so in the log", async () => {
    const { model } = await served(1);
    const id = await queued(model, { priority: 2 });
    await waits(model, AGEING_MS - 5_000);
    expect(await rowOf(id)).toMatchObject({ priority: 2, level: 2 });
    await waits(model, 5_000);
    expect(await rowOf(id)).toMatchObject({ priority: 2, level: 1 });
    await waits(model, AGEING_MS);
    expect(await rowOf(id)).toMatchObject({ priority: 2, level: 0, ages_at: null });
    const log = JSON.parse(String((await rowOf(id))["log"])) as { event: string }[];
    expect(log.map(({ event }) => event)).toEqual(["queued", "aged", "aged"]);
  });

  test("counts from when one may begin that is not to begin before a time", async () => {
    const { model } = await served(1);
    const scheduled = await queued(model, { priority: 2, notBefore: (await databaseNow()) + 3 * AGEING_MS });
    for (let count = 0; count < 3; count++) await waits(model, AGEING_MS);
    expect(await rowOf(scheduled)).toMatchObject({ not_before: null, level: 2 });
    const fresh = await queued(model, { priority: 0 });
    expect(await drained(model)).toEqual([fresh, scheduled]);
    const another = await queued(model, { priority: 2, notBefore: (await databaseNow()) + AGEING_MS });
    await waits(model, AGEING_MS);
    await waits(model, AGEING_MS);
    expect(await rowOf(another)).toMatchObject({ level: 1 });
  });

  test("still keeps a newer priority 2 behind a priority 0", async () => {
    const { model } = await served(1);
    const late = await queued(model, { priority: 2 });
    await waits(model, AGEING_MS);
    const fresh = await queued(model, { priority: 0 });
    expect(await drained(model)).toEqual([fresh, late]);
  });
});

describe("fairness", () => {
  test("with 10,000 queued of one account, another's first waits for at most two of them", { timeout: 120_000 }, async () => {
    const { model } = await served(1);
    await queuedMany(model, 10_000, { accountId: "account-a" });
    const single = await queued(model, { accountId: "account-b" });
    const order: string[] = [];
    for (let round = 0; round < 3; round++) {
      const it = await claimed(model);
      order.push(it.id);
      await succeed(it);
    }
    expect(order).toContain(single);
  });

  test("gives each of three accounts its turn, whatever each has waiting", async () => {
    const { model } = await served(1);
    await queuedMany(model, 20, { accountId: "account-a" });
    await queuedMany(model, 5, { accountId: "account-b" });
    await queuedMany(model, 10, { accountId: "account-c" });
    const order = (await claimsInTurn(model, 16)).map(({ accountId }) => accountId);
    // The first round began before the others came.
    for (let round = 1; round < 16; round += 3) {
      expect(new Set(order.slice(round, round + 3))).toEqual(new Set(["account-a", "account-b", "account-c"]));
    }
  });

  test("does not pay an account for the time in which it asked for nothing", async () => {
    const { model } = await served(1);
    await queuedMany(model, 40, { accountId: "account-a" });
    await claimsInTurn(model, 20);
    await queuedMany(model, 20, { accountId: "account-b" });
    const [, ...order] = (await claimsInTurn(model, 11)).map(({ accountId }) => accountId);
    const ofB = order.filter((account) => account === "account-b").length;
    expect([ofB, order.length]).toEqual([5, 10]);
  });

  test("keeps nobody waiting for ever behind accounts that come again as soon as they are served", async () => {
    const { model } = await served(1);
    const clients = ["account-b", "account-c"];
    for (const accountId of clients) await queued(model, { accountId });
    await queuedMany(model, 5, { accountId: "account-a" });
    const order: string[] = [];
    for (let round = 0; round < 15; round++) {
      const it = await claimed(model);
      order.push(it.accountId);
      await succeed(it);
      if (clients.includes(it.accountId)) await queued(model, { accountId: it.accountId });
    }
    expect(order.filter((account) => account === "account-a").length).toBeGreaterThanOrEqual(4);
  });

  test("lets nobody go before another again and again by a redrive", async () => {
    const { model } = await served(1);
    const old = await queued(model, { accountId: "account-a", retry: { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 } });
    await queued(model, { accountId: "account-c" });
    const single = await queued(model, { accountId: "account-b" });
    const order: string[] = [];
    for (let round = 0; round < 4; round++) {
      const it = await claimed(model);
      order.push(it.id);
      if (it.id !== old) {
        await succeed(it);
        continue;
      }
      await db.batch([
        changeStatements.fail(it, { class: "capacity", code: "backend_busy", message: "busy", status: 503 }),
        claimStatements.release(it),
      ]);
      await redriveInference(db, "account-a", old);
    }
    expect(order.indexOf(single)).toBeLessThan(4);
    expect(order.filter((id) => id === old).length).toBeLessThanOrEqual(2);
  });

  test("gives what was not to begin before a time its account's next turn when that has come, however many come at once", async () => {
    const { model } = await served(1);
    const at = (await databaseNow()) + 1_000;
    for (let count = 0; count < 3; count++) await queued(model, { accountId: "account-a", notBefore: at });
    await queuedMany(model, 3, { accountId: "account-b" });
    await timePasses(model, 1_000);
    await swept();
    const [first, ...order] = (await claimsInTurn(model, 6)).map(({ accountId }) => accountId);
    expect(first).toBe("account-b"); // the round that was served when the others' time came
    expect([order.slice(0, 2), order.slice(2, 4)].map((round) => new Set(round).size)).toEqual([2, 2]);
  });

  test("stands below priority: another account's turn never goes before a higher priority", async () => {
    const { model } = await served(1);
    await queuedMany(model, 5, { accountId: "account-a", priority: 0 });
    await queuedMany(model, 1, { accountId: "account-b", priority: 1 });
    const order = (await claimsInTurn(model, 6)).map(({ accountId }) => accountId);
    expect(order).toEqual([...Array.from({ length: 5 }, () => "account-a"), "account-b"]);
  });

  /** So many, each claimed after the one before it has succeeded. */
  async function claimsInTurn(model: string, count: number): Promise<Claim[]> {
    const order: Claim[] = [];
    for (let round = 0; round < count; round++) {
      const it = await claimed(model);
      order.push(it);
      await succeed(it);
    }
    return order;
  }
});

describe("a cap on one account's running inferences", () => {
  test("is never exceeded and lets others pass, with hundreds of capped ones in front", async () => {
    const model = await newModel({ account_concurrency: 2 });
    await newBackend(model, { protocol: "http", max_concurrency: 10 });
    await queuedMany(model, 400, { accountId: "account-a", priority: 0 });
    await queuedMany(model, 3, { accountId: "account-b", priority: 1 });
    await queuedMany(model, 1, { accountId: "account-c", priority: 2 });
    const won = await claims(model, 10);
    expect(won.map(({ accountId }) => accountId)).toEqual(["account-a", "account-a", "account-b", "account-b", "account-c"]);
    const [first] = won;
    if (first) await succeed(first);
    expect((await claims(model, 10)).map(({ accountId }) => accountId)).toEqual(["account-a"]);
  });

  test("is not exceeded by racing callers", async () => {
    const model = await newModel({ account_concurrency: 3 });
    await newBackend(model, { protocol: "http", max_concurrency: 20 });
    await queuedMany(model, 30);
    const won = await Promise.all(Array.from({ length: 20 }, (_, caller) => claim(db, laneOf(model), `lease-${caller}`)));
    expect(won.filter((it) => it !== null)).toHaveLength(3);
  });

  test("keeps the order within an account and between accounts", async () => {
    const model = await newModel({ account_concurrency: 1 });
    await newBackend(model, { protocol: "http", max_concurrency: 10 });
    await queued(model, { accountId: "account-a" });
    const later = await queued(model, { accountId: "account-b", priority: 1 });
    const sooner = await queued(model, { accountId: "account-b", priority: 0 });
    await queued(model, { accountId: "account-a" });
    const other = await queued(model, { accountId: "account-c", priority: 1 });
    const won = await claims(model, 10);
    expect(won.slice(1).map(({ id }) => id)).toEqual([sooner, other]);
    await succeed(won[1] ?? (await claimed(model)));
    expect((await claims(model, 10)).map(({ id }) => id)).toEqual([later]);
  });

  test("passes over an account whose waiting ones have all waited too long", async () => {
    const model = await newModel({ account_concurrency: 1 });
    await newBackend(model, { protocol: "http", max_concurrency: 10 });
    await queuedMany(model, 2, { accountId: "account-a" });
    await claimed(model);
    await queued(model, { accountId: "account-b", maxTimeInQueueSeconds: 10 });
    const other = await queued(model, { accountId: "account-c", priority: 2 });
    await timePasses(model, 11_000);
    expect((await claims(model, 5)).map(({ id }) => id)).toEqual([other]);
  });
});

describe("capacity", () => {
  test("is shared by free slots: each claim goes to the backend with the most of them", async () => {
    const { model, backends } = await served(2, 5, 3);
    await queuedMany(model, 20);
    const free = new Map(backends.map((id, index) => [id, [2, 5, 3][index] ?? 0]));
    const won = await claims(model, 20);
    for (const { backend } of won) {
      expect(free.get(backend.id)).toBe(Math.max(...free.values()));
      free.set(backend.id, (free.get(backend.id) ?? 0) - 1);
    }
    expect([won.length, ...free.values()]).toEqual([10, 0, 0, 0]);
  });

  test("is never exceeded by many runners on several backends, and all of it is used", { timeout: 30_000 }, async () => {
    const { model } = await served(3, 1);
    await queuedMany(model, 60);
    const running = new Map<string, number>();
    const most = new Map<string, number>();
    let answered = 0;
    const fetch = gpu(async (request) => {
      const { host } = new URL(request.url);
      running.set(host, (running.get(host) ?? 0) + 1);
      most.set(host, Math.max(most.get(host) ?? 0, running.get(host) ?? 0));
      await databaseNow(); // takes its time
      running.set(host, (running.get(host) ?? 0) - 1);
      answered++;
      return Response.json({ done: true });
    });
    const lanes = Array.from({ length: 5 }, () => laneOf(model));
    await Promise.all(["one", "two", "three"].map((lease) => run(still({ fetch }), lanes, lease)));
    expect([answered, ...[...most.values()].toSorted((a, b) => b - a)]).toEqual([60, 3, 1]);
    const { results } = await env.DB.prepare("SELECT status, count(*) AS count FROM inferences WHERE model = ? GROUP BY status")
      .bind(model)
      .all();
    expect(results).toEqual([{ status: "succeeded", count: 60 }]);
  });

  test("is free again as soon as a lease has lapsed, before any sweep", async () => {
    const { model } = await served(1);
    await queuedMany(model, 2);
    await claimed(model);
    expect(await claims(model, 1)).toEqual([]);
    await timePasses(model, LEASE_MS);
    expect(await claims(model, 1)).toHaveLength(1);
  });

  test("of a model that is all taken delays no other model", async () => {
    const busy = await served(1);
    const idle = await served(1);
    await queuedMany(busy.model, 50);
    await claimed(busy.model);
    const id = await queued(idle.model);
    const asked: string[] = [];
    const fetch = gpu(async (request) => {
      asked.push((await request.json<{ id: string }>()).id);
      return Response.json({});
    });
    await run(still({ fetch }), [laneOf(busy.model), laneOf(idle.model)], "lease");
    expect(asked).toEqual([id]);
    expect((await rowOf(id))["status"]).toBe("succeeded");
  });

  test.each(["draining", "paused"])("of a backend that is %s is none; what it runs goes on", async (state) => {
    const { model, backends } = await served(5, 1);
    await queuedMany(model, 5);
    const running = await claimed(model);
    expect(running.backend.id).toBe(backends[0]);
    await operator("PATCH", `/backends/${backends[0]}`, { state });
    expect((await claims(model, 5)).map(({ backend }) => backend.id)).toEqual([backends[1]]);
    expect(await succeed(running)).toHaveLength(1);
    expect(await claims(model, 5)).toEqual([]);
    await operator("PATCH", `/backends/${backends[0]}`, { state: "active" });
    expect(await claims(model, 5)).toHaveLength(3);
  });
});

describe("a retry", () => {
  test("goes to another backend where there is one, even one with fewer free slots", async () => {
    const { model } = await served(5, 1);
    const id = await queued(model, { retry: NO_DELAY });
    const hosts: string[] = [];
    const asked = await drained(model, (request) => {
      hosts.push(new URL(request.url).host);
      return hosts.length === 1 ? breaks(request) : ok(request);
    });
    expect(asked).toEqual([id, id]);
    expect(new Set(hosts).size).toBe(2);
    expect((await rowOf(id))["status"]).toBe("succeeded");
  });

  test("goes to the same backend where there is no other", async () => {
    const { model } = await served(1);
    const id = await queued(model, { retry: NO_DELAY });
    let calls = 0;
    await drained(model, (request) => (++calls === 1 ? breaks(request) : ok(request)));
    expect([calls, (await rowOf(id))["status"]]).toEqual([2, "succeeded"]);
  });

  test("ends with the attempts that were asked for, and keeps the last error", async () => {
    const { model } = await served(1);
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 4 } });
    expect(await drained(model, breaks)).toHaveLength(4);
    const row = await rowOf(id);
    expect(row).toMatchObject({ status: "failed", attempt: 4 });
    expect(JSON.parse(String(row["error"]))).toMatchObject({ class: "infrastructure", code: "backend_error", status: 500 });
  });

  test("gives back the time in the queue that was left when the attempt began, and not more", async () => {
    const { model } = await served(1);
    const id = await queued(model, { maxTimeInQueueSeconds: 600 });
    await timePasses(model, 100_000);
    const first = await claimed(model);
    await timePasses(model, 20_000);
    await db.all(changeStatements.retry(first, { class: "timeout", code: "backend_timeout", message: "late", status: 504 }, 2_000, false));
    const left = Number((await rowOf(id))["start_by"]) - (await databaseNow());
    expect(left).toBeGreaterThan(501_000);
    expect(left).toBeLessThanOrEqual(502_000);
    await timePasses(model, 2_000);
    await swept();
    await timePasses(model, 501_000);
    await swept();
    expect(await rowOf(id)).toMatchObject({ status: "expired", attempt: 1 });
  });

  test("waits at most as long in the queue as was asked for, over all attempts and beside the back-offs", async () => {
    const { model } = await served(1);
    const id = await queued(model, { maxTimeInQueueSeconds: 100, retry: { maxAttempts: 10, initialDelayMs: 1_000, maxDelayMs: 1_000 } });
    for (let round = 0; round < 3; round++) {
      await timePasses(model, 30_000);
      const it = await claimed(model);
      await timePasses(model, 10_000);
      await db.all(changeStatements.retry(it, { class: "timeout", code: "backend_timeout", message: "late", status: 504 }, 1_000, false));
      await timePasses(model, 1_000);
      await swept();
    }
    await timePasses(model, 9_000);
    await swept();
    expect((await rowOf(id))["status"]).toBe("queued");
    await timePasses(model, 2_000);
    await swept();
    expect((await rowOf(id))["status"]).toBe("expired");
  });
});

describe("the circuit of a backend", () => {
  const circuit = async (id: string | undefined) => (await findBackend(db, id ?? ""))?.circuit;

  /** A model whose one backend has just failed so often in a row. */
  async function failing(failures: number, slots = 4): Promise<{ model: string; backend: string }> {
    const { model, backends } = await served(slots);
    await queuedMany(model, failures, { retry: ONCE });
    await drained(model, breaks);
    return { model, backend: String(backends[0]) };
  }

  test("opens at the fifth failure in a row, and it gets nothing", async () => {
    const { model, backends } = await served(4);
    await queuedMany(model, CIRCUIT_FAILURES + 3, { retry: ONCE });
    const asked = await drained(model, breaks);
    expect(asked).toHaveLength(CIRCUIT_FAILURES);
    expect(await claims(model, 1)).toEqual([]);
    const shown = await object(operator("GET", `/backends/${backends[0]}`));
    expect(shown).toMatchObject({ circuit: "open", failures: CIRCUIT_FAILURES, rested_until: expect.stringMatching(/Z$/) });
  });

  test("stays closed with one failure fewer, and a success between forgets them", async () => {
    const { model, backend } = await failing(CIRCUIT_FAILURES - 1);
    expect(await circuit(backend)).toBe("closed");
    await queued(model);
    await drained(model, ok);
    expect(await findBackend(db, backend)).toMatchObject({ circuit: "closed", failures: 0 });
    await queuedMany(model, CIRCUIT_FAILURES - 1, { retry: ONCE });
    await drained(model, breaks);
    expect(await circuit(backend)).toBe("closed");
  });

  test("is half open when its rest is over, and gives exactly one probe to racing callers", async () => {
    const { model, backend } = await failing(CIRCUIT_FAILURES);
    await queuedMany(model, 20);
    await timePasses(model, REST_MS);
    expect(await circuit(backend)).toBe("half_open");
    const won = await Promise.all(Array.from({ length: 20 }, (_, caller) => claim(db, laneOf(model), `lease-${caller}`)));
    expect(won.filter((it) => it !== null)).toHaveLength(1);
    expect(await claims(model, 1)).toEqual([]);
  });

  test("gives another probe when the runner of the first is lost", async () => {
    const { model } = await failing(CIRCUIT_FAILURES);
    await queuedMany(model, 3);
    await timePasses(model, REST_MS);
    expect(await claims(model, 2)).toHaveLength(1);
    await timePasses(model, LEASE_MS);
    expect(await claims(model, 2)).toHaveLength(1);
  });

  test("closes with the success of its probe, and all slots are free for work", async () => {
    const { model, backend } = await failing(CIRCUIT_FAILURES);
    await queuedMany(model, 10);
    await timePasses(model, REST_MS);
    expect(await drained(model, ok)).toHaveLength(10);
    expect(await findBackend(db, backend)).toMatchObject({ circuit: "closed", failures: 0, restedUntil: null });
    await queuedMany(model, 6);
    expect(await claims(model, 6)).toHaveLength(4);
  });

  test("opens again for longer with the failure of its probe, each time, up to a minute", async () => {
    const { model, backend } = await failing(CIRCUIT_FAILURES);
    const rests: number[] = [];
    for (let round = 0; round < 8; round++) {
      const before = await databaseNow();
      const { restedUntil } = (await findBackend(db, backend)) ?? {};
      rests.push(Math.round(((restedUntil ?? 0) - before) / 1000));
      await queued(model, { retry: ONCE });
      await timePasses(model, 60_000);
      expect(await drained(model, breaks)).toHaveLength(1);
    }
    expect(rests).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  });

  test("opens again for longer also with a probe by the inference that failed last", async () => {
    const { model, backends } = await served(1);
    await queuedMany(model, CIRCUIT_FAILURES - 1, { retry: ONCE });
    await drained(model, breaks);
    await queued(model, { retry: { ...NO_DELAY, maxAttempts: 9 } });
    expect(await drained(model, breaks)).toHaveLength(1);
    await timePasses(model, REST_MS);
    expect(await drained(model, breaks)).toHaveLength(1);
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "open", failures: CIRCUIT_FAILURES + 1 });
  });

  test("is proven by what has not been tried while it is half open, whatever its place, then by what has failed", async () => {
    const { model, backends } = await served(2);
    const failed = [await queued(model, { priority: 0 }), await queued(model, { accountId: "another", priority: 0 })];
    const error: Failure = { class: "infrastructure", code: "backend_error", message: "The backend answered 500.", status: 500 };
    for (const it of await claims(model, 2)) await db.all(changeStatements.retry(it, error, 0, false));
    const fresh = [
      await queued(model, { priority: 1 }),
      await queued(model, { accountId: "another", priority: 1 }),
      await queued(model, { priority: 2 }),
    ];
    const order = async (state: string) => {
      await env.DB.prepare(`UPDATE backends SET ${state} WHERE id = ?`).bind(backends[0]).run();
      const ids: string[] = [];
      for (let it = await claim(db, laneOf(model), "lease"); it; it = await claim(db, laneOf(model), "lease")) {
        ids.push(it.id);
        await env.DB.prepare("UPDATE inferences SET lease = NULL, lease_until = NULL, status = 'canceled' WHERE id = ?").bind(it.id).run();
      }
      await env.DB.prepare("UPDATE inferences SET status = 'queued', attempt = attempt - 1 WHERE model = ?").bind(model).run();
      return ids;
    };
    const halfOpen = `failures = ${CIRCUIT_FAILURES}, rested_until = 1, failures_of`;
    expect(await order(`${halfOpen} = NULL`)).toEqual([...fresh, ...failed]);
    // To one account alone: others' go as ever.
    expect(await order(`${halfOpen} = 'account-a'`)).toEqual([failed[1], fresh[0], fresh[1], fresh[2], failed[0]]);
    expect(await order("failures = 0, rested_until = NULL, failures_of = NULL")).toEqual([...failed, ...fresh]);
  });

  test("is given work while it is half open only if no other has a slot", async () => {
    const { model, backends } = await served(4, 2);
    await env.DB.prepare("UPDATE backends SET failures = ?, rested_until = 1 WHERE id = ?").bind(CIRCUIT_FAILURES, backends[0]).run();
    await queuedMany(model, 10);
    expect((await claims(model, 10)).map(({ backend }) => backend.id)).toEqual([backends[1], backends[1], backends[0]]);
  });

  describe("whose tunnel says that it is away", () => {
    const away = () => new Response("error code: 1033", { status: 530 });

    test("opens at once if its health is answered so too, and no attempt is used up", async () => {
      const { model, backends } = await served(4);
      const id = await queued(model, { retry: ONCE });
      expect(await drained(model, away)).toEqual([id]);
      expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "open", lastError: { code: "backend_error" } });
      expect(await rowOf(id)).toMatchObject({ status: "queued", attempt: 1, unreached: 1 });
      await timePasses(model, REST_MS);
      await drained(model, ok);
      expect((await rowOf(id))["status"]).toBe("succeeded");
    });

    test("is not away if its health is answered: then the status is its own, and an attempt is", async () => {
      const { model, backends } = await served(4);
      const id = await queued(model, { retry: ONCE });
      await drained(model, (request) => (request.method === "GET" ? new Response("hello") : away()));
      expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "closed", failures: 1 });
      expect((await rowOf(id))["status"]).toBe("failed");
    });
  });

  test("sends the work to the others while one rests", async () => {
    const { model, backends } = await served(4, 4);
    await env.DB.prepare("UPDATE backends SET failures = ?, rested_until = ? WHERE id = ?")
      .bind(CIRCUIT_FAILURES, (await databaseNow()) + 30_000, backends[0])
      .run();
    await queuedMany(model, 10);
    expect(new Set((await claims(model, 10)).map(({ backend }) => backend.id))).toEqual(new Set([backends[1]]));
  });

  describe("that rests for long", () => {
    async function resting(): Promise<{ model: string; backend: string }> {
      const { model, backend } = await failing(CIRCUIT_FAILURES);
      await env.DB.prepare("UPDATE backends SET failures = 12, rested_until = ?, probe_at = 1 WHERE id = ?")
        .bind((await databaseNow()) + 60_000, backend)
        .run();
      await queuedMany(model, 5);
      return { model, backend };
    }

    test("ends its rest when its server says that it is ready, with one probe", async () => {
      const { model, backend } = await resting();
      await swept({ fetch: gpu(() => new Response("hello")) });
      expect(
        await until(
          () => circuit(backend),
          (state) => state === "half_open",
        ),
      ).toBe("half_open");
      expect(await claims(model, 5)).toHaveLength(1);
    });

    test("goes on resting when its server does not", async () => {
      const { model, backend } = await resting();
      await swept({ fetch: gpu(() => new Response(null, { status: 503 })) });
      expect(await circuit(backend)).toBe("open");
      expect(await claims(model, 5)).toEqual([]);
    });

    test("is asked once in PROBE_MS, however many sweeps there are", async () => {
      const { model } = await resting();
      let asked = 0;
      const fetch = gpu(() => {
        asked++;
        return new Response(null, { status: 503 });
      });
      await Promise.all([swept({ fetch }), swept({ fetch }), swept({ fetch })]);
      expect(asked).toBe(1);
      await timePasses(model, PROBE_MS - 1_000);
      await swept({ fetch });
      expect(asked).toBe(1);
      await timePasses(model, 1_000);
      await swept({ fetch });
      expect(asked).toBe(2);
    });

    test("is woken for when it is back", async () => {
      const { model, backend } = await resting();
      await timePasses(model, WAKE_UP_LOST_MS);
      await swept({ fetch: gpu(() => new Response("hello")) });
      await until(
        () => circuit(backend),
        (state) => state === "half_open",
      );
      expect(await swept({ fetch: gpu(() => new Response("hello")) })).toEqual([laneOf(model)]);
    });
  });

  test.each([429, 503])("rests for as long as a %i asked with Retry-After, and the work goes to the other", async (status) => {
    const { model, backends } = await served(5, 1);
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 2 } });
    const it: ScriptedBackend = () => Response.json({ error: "later" }, { status, headers: { "Retry-After": "7" } });
    await drained(model, it);
    const { restedUntil, failures } = (await findBackend(db, String(backends[0]))) ?? {};
    const rest = (restedUntil ?? 0) - (await databaseNow());
    expect(rest).toBeGreaterThan(6_000);
    expect(rest).toBeLessThanOrEqual(7_000);
    expect(failures).toBe(0);
    await timePasses(model, 1_000);
    expect((await rowOf(id))["status"]).toBe("queued");
    await queued(model);
    expect((await claims(model, 2)).map(({ backend }) => backend.id)).toEqual([backends[1]]);
    await timePasses(model, 6_000);
    expect((await claims(model, 1)).map(({ backend }) => backend.id)).toEqual([]);
    await queued(model);
    expect((await claims(model, 1)).map(({ backend }) => backend.id)).toEqual([backends[0]]);
  });

  test("does not rest for longer than a minute, whatever Retry-After says", async () => {
    const { model, backends } = await served(1);
    await queued(model, { retry: ONCE });
    await drained(model, () => new Response(null, { status: 429, headers: { "Retry-After": "86400" } }));
    const rest = ((await findBackend(db, String(backends[0])))?.restedUntil ?? 0) - (await databaseNow());
    expect(rest).toBeLessThanOrEqual(RETRY_AFTER_MAX_MS);
    expect(rest).toBeGreaterThan(RETRY_AFTER_MAX_MS - 5_000);
  });

  test.each([
    ["an input that it refuses", () => Response.json({ error: "no" }, { status: 422 })],
    ["being busy", () => new Response(null, { status: 429 })],
  ])("is not opened by %s", async (_what, script) => {
    const { model, backends } = await served(1);
    await queuedMany(model, CIRCUIT_FAILURES + 2, { retry: ONCE });
    expect(await drained(model, script)).toHaveLength(CIRCUIT_FAILURES + 2);
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "closed", failures: 0 });
  });
});

describe("the circuit of a backend, to other accounts than the one whose inferences fail there,", () => {
  const NEIGHBOUR = "neighbour";

  /** A backend on which an inference of another account has just succeeded. */
  async function shared(): Promise<{ model: string; backend: string }> {
    const { model, backends } = await served(8);
    await queued(model, { accountId: NEIGHBOUR });
    await drained(model, ok);
    return { model, backend: String(backends[0]) };
  }

  /** Ready, but every inference fails. */
  const fails: ScriptedBackend = (request) => (request.method === "GET" ? new Response("hello") : breaks(request));

  test("stays closed while it says that it is ready", async () => {
    const { model, backend } = await shared();
    await queuedMany(model, CIRCUIT_FAILURES * 3, { retry: ONCE });
    expect(await drained(model, fails)).toHaveLength(CIRCUIT_FAILURES * 3);
    expect(await findBackend(db, backend)).toMatchObject({ circuit: "closed", failures: 0, lastError: { code: "backend_error" } });
  });

  test("opens if it does not, or if the others fail there too, or have not succeeded for a while", async () => {
    const down = await shared();
    await queuedMany(down.model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(down.model, (request) => (request.method === "GET" ? new Response(null, { status: 530 }) : breaks(request)));
    expect(await findBackend(db, down.backend)).toMatchObject({ circuit: "open" });

    const broken = await shared();
    await queued(broken.model, { accountId: NEIGHBOUR, retry: ONCE });
    await queuedMany(broken.model, CIRCUIT_FAILURES * 2, { retry: ONCE });
    await drained(broken.model, fails);
    expect(await findBackend(db, broken.backend)).toMatchObject({ circuit: "open" });

    const quiet = await shared();
    await env.DB.prepare("UPDATE backends SET witnesses = json_object(?, 1) WHERE id = ?").bind(NEIGHBOUR, quiet.backend).run();
    await queuedMany(quiet.model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(quiet.model, fails);
    expect(await findBackend(db, quiet.backend)).toMatchObject({ circuit: "open" });
  });

  test("stays closed by the word of as many accounts as are kept: while those are new, the success of one more is not written down", async () => {
    const { model, backend } = await shared();
    const witnesses = async (): Promise<Record<string, number>> =>
      JSON.parse(String(await env.DB.prepare("SELECT witnesses FROM backends WHERE id = ?").bind(backend).first("witnesses"))); // of our own
    for (let number = 1; number < WITNESSES; number++) await queued(model, { accountId: `${NEIGHBOUR}-${number}` });
    await drained(model, ok);
    const noted = await witnesses();
    expect(Object.keys(noted)).toHaveLength(WITNESSES);
    await queued(model, { accountId: "one more" });
    await drained(model, ok);
    expect(await witnesses()).toEqual(noted);
    await queuedMany(model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(model, fails);
    expect(await findBackend(db, backend)).toMatchObject({ circuit: "closed" });

    await env.DB.prepare("UPDATE backends SET witnesses = json_replace(witnesses, ?, 1) WHERE id = ?")
      .bind(`$."${NEIGHBOUR}"`, backend)
      .run();
    await queued(model, { accountId: "one more" });
    await drained(model, ok);
    const others = Object.keys(noted).filter((name) => name !== NEIGHBOUR);
    expect(Object.keys(await witnesses()).toSorted()).toEqual([...others, "one more"].toSorted());
  });

  test("opens to that one alone before anybody has succeeded: others' go at once, in their turn", async () => {
    const { model, backends } = await served(8);
    await queuedMany(model, CIRCUIT_FAILURES + 3, { retry: ONCE });
    expect(await drained(model, fails)).toHaveLength(CIRCUIT_FAILURES);
    const shown = await object(operator("GET", `/backends/${backends[0]}`));
    expect(shown).toMatchObject({ circuit: "open", failures: CIRCUIT_FAILURES, failures_of: expect.stringMatching(/./) });
    expect(await claims(model, 1)).toEqual([]);
    const good = [await queued(model, { accountId: NEIGHBOUR }), await queued(model, { accountId: NEIGHBOUR })];
    const stranger = await queued(model, { accountId: "stranger" });
    expect((await claims(model, 8)).map(({ id }) => id)).toEqual([good[0], stranger, good[1]]);
  });

  test("opens to all after one account's failures alone if it does not say that it is ready", async () => {
    const { model, backends } = await served(8);
    await queuedMany(model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(model, fails);
    await queued(model, { accountId: NEIGHBOUR });
    await swept({ fetch: gpu(() => new Response(null, { status: 503 })) });
    await until(
      () => findBackend(db, String(backends[0])),
      (it) => it?.failuresOf === null,
    );
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "open", failures: CIRCUIT_FAILURES });
    expect(await claims(model, 1)).toEqual([]);
  });

  test("has a probe for that one beside others' work when its rest is over, and is closed to all by a success", async () => {
    const { model, backends } = await served(4);
    await queuedMany(model, CIRCUIT_FAILURES + 3, { retry: ONCE });
    await drained(model, fails);
    for (let count = 0; count < 5; count++) await queued(model, { accountId: NEIGHBOUR });
    await timePasses(model, REST_MS);
    const running = await claims(model, 8);
    expect(running.filter(({ accountId }) => accountId === NEIGHBOUR)).toHaveLength(3);
    expect(running).toHaveLength(4);
    await db.batch(running.map((it) => changeStatements.succeed(it, { at: "row", body: "{}", contentType: "application/json" }, 2, 1)));
    expect(await drained(model, ok)).toHaveLength(4);
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "closed", failures: 0, failuresOf: null });
  });

  test("opens to all after five failures in a row of more than one account, none of them by another's alone", async () => {
    const { model, backends } = await served(4);
    await queuedMany(model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(model, fails);
    await queued(model, { accountId: NEIGHBOUR, retry: ONCE });
    await drained(model, fails);
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "closed", failures: 2, failuresOf: null });
    await queuedMany(model, CIRCUIT_FAILURES, { retry: ONCE });
    expect(await drained(model, fails)).toHaveLength(CIRCUIT_FAILURES - 2);
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "open", failures: CIRCUIT_FAILURES, failuresOf: null });
    await queued(model, { accountId: "stranger" });
    expect(await claims(model, 1)).toEqual([]);
  });

  test("opens to all when no connection to it can be made, though it was open to one alone", async () => {
    const { model, backends } = await served(4);
    await queuedMany(model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(model, fails);
    await queued(model, { accountId: NEIGHBOUR });
    await drained(model, () => {
      throw new TypeError("Network connection lost.");
    });
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ circuit: "open", failures: CIRCUIT_FAILURES, failuresOf: null });
  });

  test("is rested for all when it asks for that, and what one account's failures made of it is over", async () => {
    const { model, backends } = await served(4);
    await queuedMany(model, CIRCUIT_FAILURES, { retry: ONCE });
    await drained(model, fails);
    await queued(model, { accountId: NEIGHBOUR, retry: ONCE });
    await drained(model, () => new Response(null, { status: 429, headers: { "Retry-After": "7" } }));
    expect(await findBackend(db, String(backends[0]))).toMatchObject({ failures: 0, failuresOf: null, failingSince: null });
    await queued(model, { accountId: "stranger" });
    expect(await claims(model, 1)).toEqual([]);
    await timePasses(model, 7_000);
    expect(await claims(model, 1)).toHaveLength(1);
  });

  test("is not held open for longer by failures of what began before it opened", async () => {
    const { model, backends } = await served(8);
    await queuedMany(model, 8, { retry: ONCE });
    const all = held<true>();
    let called = 0;
    const fetch = gpu(async (request) => {
      if (request.method === "GET") return new Response(null, { status: 500 });
      if (++called === 8) all.release(true);
      await all.promise;
      return breaks(request);
    });
    await run(still({ fetch }), [laneOf(model)], "lease", 8);
    const { failures, restedUntil } = (await findBackend(db, String(backends[0]))) ?? {};
    expect(failures).toBe(CIRCUIT_FAILURES);
    expect((restedUntil ?? 0) - (await databaseNow())).toBeLessThanOrEqual(REST_MS);
  });

  test("is not opened by odd content in a success, however often", async () => {
    const { model, backends } = await served(8);
    await newBackend(model, { protocol: "openai", url: `https://chat.${model}.test`, max_concurrency: 1 });
    await env.DB.prepare("DELETE FROM backends WHERE id = ?").bind(backends[0]).run();
    await queuedMany(model, CIRCUIT_FAILURES * 2, {
      retry: NO_DELAY,
      input: { at: "row", body: '{"messages":[]}', contentType: "application/json" },
    });
    await drained(model, () => new Response("<html>"));
    const { results } = await env.DB.prepare("SELECT status, attempt FROM inferences WHERE model = ?").bind(model).all();
    expect(results).toEqual(results.map(() => ({ status: "failed", attempt: 1 })));
    const [known] = await listBackends(db, model, "", 1);
    expect(known).toMatchObject({ circuit: "closed", failures: 0 });
  });
});

describe("quarantine", () => {
  const lost = () => new TypeError("Network connection lost.");
  /** Nobody is there. */
  const dies: ScriptedBackend = () => {
    throw lost();
  };
  /** The answer has begun when it breaks off. */
  const cuts = () =>
    new Response(
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode("{"));
        },
        pull(controller) {
          controller.error(lost());
        },
      }),
      { headers: { "Content-Type": "application/json" } },
    );

  /** Each server is ready until it is called; then it does as told, and nobody is there any more. */
  function fall(last: ScriptedBackend = dies): ScriptedBackend {
    const down = new Set<string>();
    return (request) => {
      const { host } = new URL(request.url);
      if (down.has(host)) throw lost();
      if (request.method === "GET") return new Response("hello");
      down.add(host);
      return last(request);
    };
  }

  const errorOf = async (id: string) => JSON.parse(String((await rowOf(id))["error"])) as Record<string, unknown>;

  test("ends an inference whose attempts took two healthy backends down while it was alone on them", async () => {
    const { model } = await served(2, 1);
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 10 } });
    expect(await drained(model, fall(cuts))).toEqual([id, id]);
    expect(await rowOf(id)).toMatchObject({ status: "failed", attempt: 2 });
    expect(await errorOf(id)).toMatchObject({ class: "model", code: "quarantined" });
  });

  test("does not count a connection that broke before an answer, unless the backend was there right before", async () => {
    const { model } = await served(1, 1, 1);
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 10 } });
    expect(await drained(model, fall())).toEqual([id, id, id]);
    expect(await rowOf(id)).toMatchObject({ status: "failed", attempt: 3, unreached: 1 });
    expect(await errorOf(id)).toMatchObject({ class: "model", code: "quarantined" });
  });

  test("never ends an inference that met nobody: it waits, its backends rest, and its time in the queue tells what was wrong", async () => {
    const { model, backends } = await served(1, 1);
    const id = await queued(model, { retry: NO_DELAY, maxTimeInQueueSeconds: 60 });
    expect(await drained(model, dies)).toEqual([id]);
    expect(await rowOf(id)).toMatchObject({ status: "queued", attempt: 2, unreached: 2, takedowns: 0 });
    for (const backend of backends) {
      expect(await findBackend(db, backend)).toMatchObject({ circuit: "open", lastError: { code: "backend_unreachable" } });
    }
    await timePasses(model, 61_000);
    await swept();
    expect((await rowOf(id))["status"]).toBe("expired");
    expect(await errorOf(id)).toMatchObject({ class: "infrastructure", code: "backend_unreachable" });
  });

  test("lets an inference succeed after any number of attempts that met nobody", async () => {
    const { model } = await served(1);
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 1 } });
    for (let round = 0; round < 6; round++) {
      await drained(model, dies);
      await timePasses(model, 60_000);
      await env.DB.prepare("UPDATE inferences SET start_by = start_by + 60000 WHERE id = ?").bind(id).run();
    }
    expect(await rowOf(id)).toMatchObject({ status: "queued", attempt: 6, unreached: 6 });
    await drained(model, ok);
    expect(await rowOf(id)).toMatchObject({ status: "succeeded", attempt: 7 });
  });

  test("spares one whose backend still says that it is ready", async () => {
    const { model } = await served(2, 1);
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 3 } });
    await drained(model, (request) => (request.method === "GET" ? new Response("hello") : dies(request)));
    const row = await rowOf(id);
    // The first may have met a connection that was closed while nobody used it.
    expect(row).toMatchObject({ status: "failed", attempt: 4, unreached: 1, takedowns: 0 });
    expect(JSON.parse(String(row["error"]))).toMatchObject({ class: "infrastructure", code: "backend_unreachable" });
  });

  /** As uvicorn does it: after a failure it closes the connection without a word, and the next call on it breaks. */
  function closing(afterMs = 0, clock = standingClock()): { script: ScriptedBackend; clock: Clock } {
    let isClosed = false;
    const script: ScriptedBackend = async (request) => {
      if (request.method === "GET") return new Response("hello");
      if (isClosed) {
        isClosed = false;
        clock.advance(afterMs);
        throw lost();
      }
      const { fails } = await request.json<{ fails?: boolean }>();
      isClosed = fails === true;
      return isClosed ? new Response("Internal Server Error", { status: 500 }) : Response.json({ done: true });
    };
    return { script, clock };
  }

  const asking = (fails: boolean, maxAttempts = 1) => ({
    retry: { ...NO_DELAY, maxAttempts },
    input: { at: "row", body: JSON.stringify({ id: fails ? "bad" : "good", fails }), contentType: "application/json" } as const,
  });

  test("does not let a server that closes kept connections after a failure cost the next inference its attempt", async () => {
    const { model, backends } = await served(1);
    const [bad, good] = [await queued(model, asking(true)), await queued(model, asking(false, 2))];
    const { script, clock } = closing();
    expect(await drained(model, script, { clock })).toEqual(["bad", "good", "good"]);
    expect((await rowOf(bad))["status"]).toBe("failed");
    expect(await rowOf(good)).toMatchObject({ status: "succeeded", attempt: 2, unreached: 1 });
    expect(await findBackend(db, backends[0] ?? "")).toMatchObject({ circuit: "closed", failures: 0 });
  });

  test("asks nothing twice for a client that wants no second attempt, though the connection may have been closed before", async () => {
    const { model } = await served(1);
    await queued(model, asking(true));
    const good = await queued(model, asking(false));
    const { script, clock } = closing();
    expect(await drained(model, script, { clock })).toEqual(["bad", "good"]);
    expect(await rowOf(good)).toMatchObject({ status: "failed", attempt: 1, unreached: 0 });
  });

  test("counts a connection that breaks later than a kept one would", async () => {
    const { model } = await served(1);
    await queued(model, asking(true));
    const good = await queued(model, asking(false));
    const { script, clock } = closing(STALE_CONNECTION_MS + 1);
    await drained(model, script, { clock });
    expect(await rowOf(good)).toMatchObject({ status: "failed", attempt: 1, unreached: 0 });
  });

  test("does not count a backend that was failing already", async () => {
    const { model, backends } = await served(1);
    await env.DB.prepare("UPDATE backends SET failures = 1 WHERE id = ?").bind(backends[0]).run();
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 3 } });
    await drained(model, fall(cuts));
    expect(await rowOf(id)).toMatchObject({ status: "queued", takedowns: 0 });
  });

  /** Two run on one backend, which dies; `order` says whose connection is seen to break first. */
  async function together(order: readonly [0 | 1, 0 | 1]): Promise<unknown[]> {
    const { model } = await served(2);
    const ids = [await queued(model, { retry: NO_DELAY }), await queued(model, { retry: NO_DELAY })];
    const breakers = new Map(ids.map((id) => [id, held<never>()]));
    const both = held<true>();
    const fetch = gpu(async (request) => {
      if (request.method === "GET") throw new TypeError("Network connection lost.");
      const { id } = await request.json<{ id: string }>();
      const breaker = breakers.get(id);
      if (id === ids[1]) both.release(true);
      await breaker?.promise;
      throw new TypeError("Network connection lost.");
    });
    const ended = held<true>();
    let records = 0;
    const one = still({ fetch });
    const counted: Ports = {
      ...one,
      db: {
        ...one.db,
        async batch(statements) {
          const rows = await one.db.batch(statements);
          if (++records === 3) ended.release(true); // both have claimed before
          return rows;
        },
      },
    };
    const first = run(counted, [laneOf(model)], "first");
    const second = run(counted, [laneOf(model)], "second");
    await both.promise;
    const [sooner, later] = order.map((index) => ids[index] ?? "");
    await env.DB.prepare("UPDATE models SET account_concurrency = 1 WHERE name = ?").bind(model).run(); // nothing more begins beside them
    breakers.get(sooner ?? "")?.release(undefined as never);
    await ended.promise;
    breakers.get(later ?? "")?.release(undefined as never);
    await Promise.all([first, second]);
    return Promise.all(
      ids.map(async (id) => {
        const { results } = await env.DB.prepare("SELECT log FROM inferences WHERE id = ?").bind(id).all();
        return [(await rowOf(id))["takedowns"], String(results[0]?.["log"]).includes("quarantined")];
      }),
    );
  }

  test.each([[[0, 1]], [[1, 0]]] as const)(
    "never blames one that had company, whichever of the two is seen to break first: %j",
    async (order) => {
      expect(await together(order)).toEqual([
        [0, false],
        [0, false],
      ]);
    },
  );

  test("never blames one that had company on its own later attempts", async () => {
    const { model } = await served(2);
    await queued(model);
    await claimed(model, "company");
    const id = await queued(model, { retry: { ...NO_DELAY, maxAttempts: 4 } });
    await drained(model, (request) => (request.method === "GET" ? new Response(null, { status: 500 }) : cuts()));
    expect(await rowOf(id)).toMatchObject({ status: "failed", attempt: 4, takedowns: 0 });
  });
});

describe("one sweep", () => {
  test("expires what has waited too long, with its class and code", async () => {
    const { model } = await served();
    const id = await queued(model, { maxTimeInQueueSeconds: 10 });
    await timePasses(model, 9_000);
    await swept();
    expect((await rowOf(id))["status"]).toBe("queued");
    await timePasses(model, 1_000);
    await swept();
    const row = await rowOf(id);
    expect(row["status"]).toBe("expired");
    expect(JSON.parse(String(row["error"]))).toMatchObject({ class: "timeout", code: "max_time_in_queue_seconds", status: 504 });
  });

  test("queues what a lost runner held again, and wakes a runner for it", async () => {
    const { model } = await served(1);
    const id = await queued(model);
    await claimed(model);
    await timePasses(model, LEASE_MS - 1_000);
    expect(await swept()).toEqual([]);
    expect((await rowOf(id))["status"]).toBe("in_progress");
    await timePasses(model, 1_000);
    expect(await swept()).toEqual([laneOf(model)]);
    expect(await rowOf(id)).toMatchObject({ status: "queued", attempt: 1, lease: null, not_before: null });
  });

  test("fails what a lost runner held at its last attempt", async () => {
    const { model } = await served(1);
    const id = await queued(model, { retry: ONCE });
    await claimed(model);
    await timePasses(model, LEASE_MS);
    await swept();
    const row = await rowOf(id);
    expect(row).toMatchObject({ status: "failed", attempt: 1 });
    expect(JSON.parse(String(row["error"]))).toMatchObject({ class: "infrastructure", code: "runner_lost" });
  });

  test("cancels what was to be cancelled by now: queued at once, running as far as it can", async () => {
    const { model } = await served(1);
    const running = await queued(model, { cancelAfterSeconds: 20 });
    await claimed(model);
    const waiting = await queued(model, { cancelAfterSeconds: 20 });
    const other = await queued(model);
    await timePasses(model, 19_000);
    await swept();
    expect(await Promise.all([running, waiting].map(async (id) => (await rowOf(id))["status"]))).toEqual(["in_progress", "queued"]);
    await timePasses(model, 1_000);
    await swept();
    expect(await rowOf(running)).toMatchObject({ status: "canceled", stopped: "best_effort" });
    expect(await rowOf(waiting)).toMatchObject({ status: "canceled", stopped: "confirmed" });
    expect((await rowOf(other))["status"]).toBe("queued");
  });

  test("leaves one alone that ended before it was to be cancelled", async () => {
    const { model } = await served(1);
    const id = await queued(model, { cancelAfterSeconds: 20 });
    await drained(model);
    await timePasses(model, 60_000);
    await swept();
    expect((await rowOf(id))["status"]).toBe("succeeded");
  });

  test("makes one that backed off claimable again and wakes a runner for it", async () => {
    const { model } = await served(1);
    const id = await queued(model, { retry: { maxAttempts: 3, initialDelayMs: 10_000, maxDelayMs: 10_000 } });
    await drained(model, breaks, { random: () => 0.999 });
    expect(await claims(model, 1)).toEqual([]);
    await timePasses(model, 10_000);
    expect(await swept()).toEqual([laneOf(model)]);
    expect((await claimed(model)).id).toBe(id);
  });
});

describe("a lost wake-up", () => {
  test("is sent again for each free slot of a lane that nobody serves", async () => {
    const { model } = await served(2, 1);
    await queuedMany(model, 9);
    expect(await swept()).toEqual([]);
    await timePasses(model, WAKE_UP_LOST_MS);
    expect(await swept()).toEqual([laneOf(model), laneOf(model), laneOf(model)]);
  });

  test("is not sent where there is no slot, no backend or nothing that waits", async () => {
    const full = await served(1);
    await queuedMany(full.model, 2);
    await claimed(full.model);
    const alone = await newModel();
    await queued(alone);
    const idle = await served(3);
    await env.DB.prepare("UPDATE inferences SET updated_at = updated_at - ?").bind(WAKE_UP_LOST_MS).run();
    expect(await swept()).toEqual([]);
    expect(await claims(idle.model, 1)).toEqual([]);
  });

  test("is sent at most 20 times for a lane in one pass, however many slots it has", async () => {
    const { model } = await served(500);
    await queuedMany(model, 600);
    await timePasses(model, WAKE_UP_LOST_MS);
    expect(await swept()).toHaveLength(20);
  });

  test("is sent no more often where the pass has thousands of others to see to", { timeout: 30_000 }, async () => {
    const crowd = await newModel();
    await queuedMany(crowd, 1_000, { priority: 2 });
    await timePasses(crowd, AGEING_MS);
    const { model } = await served(500);
    await queuedMany(model, 600);
    await timePasses(model, WAKE_UP_LOST_MS);
    expect(await swept()).toHaveLength(20);
  });

  test("is sent for every lane, also when others can't use theirs", async () => {
    const models: string[] = [];
    for (let count = 0; count < 7; count++) {
      const model = await newModel({ account_concurrency: 1 });
      await newBackend(model, { protocol: "http", max_concurrency: 30 });
      await queuedMany(model, 2);
      models.push(model);
    }
    models.sort((a, b) => (a < b ? -1 : 1));
    for (const capped of models.slice(0, 6)) await claimed(capped);
    const last = models.at(-1) ?? "";
    for (const model of models) await timePasses(model, WAKE_UP_LOST_MS);
    expect((await swept()).map(({ model }) => model)).toContain(last);
  });
});

describe("a runner", () => {
  test("leaves a wake-up behind when its time is over while work remains", async () => {
    const { model } = await served(1);
    await queuedMany(model, 5);
    const woken: Lane[] = [];
    let now = Date.now();
    const clock = { ...still().clock, now: () => now };
    const asked = await drained(
      model,
      () => {
        now += 8_000;
        return Response.json({});
      },
      {
        clock,
        async wake(lanes) {
          woken.push(...lanes);
        },
      },
    );
    expect([asked.length, woken]).toEqual([3, [laneOf(model)]]);
  });

  test("drops an outcome that came after a cancel, and goes on with the next", async () => {
    const { model } = await served(1);
    const canceled = await queued(model);
    const next = await queued(model);
    const asked = await drained(model, async (request) => {
      const { id } = await request.json<{ id: string }>();
      if (id === canceled) await cancelInference(db, "account-a", canceled);
      return Response.json({ done: true });
    });
    expect(asked).toEqual([canceled, next]);
    expect(await rowOf(canceled)).toMatchObject({ status: "canceled", output: null, output_bytes: null });
    expect((await rowOf(next))["status"]).toBe("succeeded");
  });

  test("ends an attempt at the time limit that the submit asked for", async () => {
    const { model } = await served(1);
    const id = await queued(model, { retry: ONCE, runWithinSeconds: 1 });
    await drained(model, hang);
    const row = await rowOf(id);
    expect(row["status"]).toBe("failed");
    expect(JSON.parse(String(row["error"]))).toMatchObject({ class: "timeout", code: "run_within_seconds", status: 504 });
  });
});
