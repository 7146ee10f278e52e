/** Who waits for an inference or watches it is told of its changes, and does not ask for them. */
import { runInDurableObject } from "cloudflare:test";
import { env, waitUntil } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { WatchObject } from "../../src/entry/watch-object.ts";
import { watchObjectName, watchPortOf } from "../../src/entry/watch-port.ts";
import { changeStatements, cancelInference } from "../../src/inferences/sql/change.ts";
import { JSON_TYPE } from "../../src/content/content.ts";
import { insertTogether } from "../../src/inferences/sql/insert-group.ts";
import type { Inference } from "../../src/inferences/inference.ts";
import type { Claim } from "../../src/inferences/sql/record.ts";
import { say } from "../../src/inferences/progress.ts";
import { run } from "../../src/inferences/run.ts";
import type { NewInference } from "../../src/inferences/sql/insert.ts";
import { watched as markWatched, rowsToTell } from "../../src/inferences/sql/watch.ts";
import { telling } from "../../src/inferences/tell.ts";
import { eventsWritten } from "../../src/http/sse.ts";
import { inferenceIn, openWatch, statesOf, toldOf } from "../../src/inferences/watch.ts";
import {
  DATABASE_MS,
  EVENTS_SECONDS,
  WATCHERS_PER_OBJECT,
  WATCHERS_WOKEN,
  WATCH_OBJECTS_PER_ACCOUNT,
  WATCH_LEADER_MS,
  WATCH_MS,
} from "../../src/limits.ts";
import { type Database, type Row, d1 } from "../../src/platform/sql.ts";
import { ALL, type Clock, type Watch, type WatchPort } from "../../src/ports.ts";
import { held, standingClock } from "./support/clock.ts";
import { claimed, laneOf, queued, rowOf, submission } from "./support/inferences.ts";
import { gpu } from "./support/outside.ts";
import { ports, still, stillAs, stillEnv } from "./support/ports.ts";
import { ORIGIN, as, call, object, operator, until } from "./support/requests.ts";
import { type Tenant, newModel, newTenant, served, servedBy } from "./support/tenants.ts";

const { db } = still();
const encoder = new TextEncoder();

/** Records a success, as a runner does. */
const succeed = (it: Claim) => db.all(changeStatements.succeed(it, { at: "row", body: '"done"', contentType: JSON_TYPE }, 6, 1));

const WEBHOOK: NewInference["webhook"] = { url: "https://hooks.example.com/done", events: ["inference.canceled"], origin: ORIGIN };

/** Waits until somebody watches the inference. */
const watched = (id: string) =>
  until(
    () => rowOf(id),
    (row) => Number(row["watched_until"]) > 0,
  );

const waiting = (seconds: number) => ({ Prefer: `wait=${seconds}` });

describe("Prefer: wait", () => {
  test.each([
    ["our own", (id: string) => `/v1/inferences/${id}`, { status: "succeeded" }],
    ["Vody's", (id: string) => `/inference/${id}/status`, { status: "completed" }],
    ["Reka's", (id: string) => `/v2/inference/requests/${id}/status`, { status: "COMPLETED" }],
    ["Baseten's", (id: string) => `/async_request/${id}`, { status: "SUCCEEDED" }],
    ["RunPod's", (id: string) => `/runpod/v2/any/status/${id}`, { status: "COMPLETED" }],
  ])("has %s status answered at the end, without a second question to the database", async (_whose, path, shown) => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    const answer = as(key, "GET", path(id), undefined, waiting(60));
    await watched(id);
    await succeed(await claimed(model));
    const endedAt = Date.now();
    expect(await object(answer)).toMatchObject(shown);
    expect((await answer).headers.get("preference-applied")).toBe("wait=60");
    expect(Date.now() - endedAt).toBeLessThan(5_000); // it would look by itself after 15 s
  });

  test.each<[string, (tenant: Tenant) => Promise<Response>]>([
    ["its key is revoked", ({ keyId }) => operator("DELETE", `/keys/${keyId}`)],
    ["its account is deleted", ({ accountId }) => operator("DELETE", `/accounts/${accountId}`)],
  ])("is answered though %s meanwhile, and not once more", async (_what, change) => {
    const tenant = await newTenant();
    const { key, accountId } = tenant;
    const model = await served();
    const id = await queued(model, { accountId });
    const ask = () => as(key, "GET", `/v1/inferences/${id}`, undefined, waiting(60));
    const answer = ask();
    await watched(id);
    expect((await change(tenant)).status).toBe(200);
    await succeed(await claimed(model));
    expect(await object(answer)).toMatchObject({ status: "succeeded", output: "done" });
    expect((await ask()).status).toBe(401);
  });

  test("ends with the present state when its time is over", async () => {
    const { key } = await newTenant();
    const answer = await stillAs(key, "POST", "/v1/inferences", { model: await newModel(), input: "x" }, waiting(1));
    expect(answer.status).toBe(202);
    expect(answer.headers.get("preference-applied")).toBe("wait=1");
    expect(await object(answer)).toMatchObject({ status: "queued", waiting_on: "backend_down", poll_after: 1 });
  });

  test("sees a cancel, and what ended before it came", async () => {
    const { key, accountId } = await newTenant();
    const id = await queued(await served(), { accountId });
    const answer = object(as(key, "GET", `/v1/inferences/${id}`, undefined, waiting(60)));
    await watched(id);
    await cancelInference(db, accountId, id);
    expect(await answer).toMatchObject({ status: "canceled" });
    expect(await object(as(key, "GET", `/v1/inferences/${id}?logs=1`, undefined, waiting(60)))).toMatchObject({ status: "canceled" });
  });

  test.each(["wait=61", "wait=-1", "wait=1.5", "wait", 'wait="x"', "respond-async, wait=100000"])(
    "that says %s is refused before anything is stored",
    async (prefer) => {
      const { key, accountId } = await newTenant();
      const answer = await as(key, "POST", "/v1/inferences", { model: await newModel(), input: "x" }, { Prefer: prefer });
      expect(answer.status).toBe(400);
      expect(String((await object(answer))["detail"])).toContain("whole seconds from 0 to 60");
      const stored = await env.DB.prepare("SELECT count(*) AS n FROM inferences WHERE account_id = ?").bind(accountId).first("n");
      expect(stored).toBe(0);
    },
  );

  test("is refused for an account of which too many wait, in plain words", async () => {
    const full = ports({ watch: { open: async () => null, tell: async () => {} } });
    await expect(openWatch(full, "account", crypto.randomUUID())).rejects.toMatchObject({ code: "too_many_waiting", status: 429 });
  });
});

test.each([
  ["of one", (id: string) => `/v1/inferences/${id}/events`],
  ["of all", () => "/v1/events"],
  ["of an output", (id: string) => `/v1/inferences/${id}/stream`],
])("a stream %s is refused before anything of it is sent if too many of the account watch", async (_what, path) => {
  const { key, accountId } = await newTenant();
  const id = await queued(await newModel(), { accountId, resumable: true });
  const full = stillEnv({ WATCH: { getByName: () => ({ fetch: async () => new Response(null, { status: 503 }) }) } });
  const answer = await stillAs(key, "GET", path(id), undefined, {}, full);
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "5"]);
  expect(await object(answer)).toMatchObject({ code: "too_many_waiting" });
});

/** Waits until somebody watches the account. */
const accountWatched = (accountId: string) =>
  until(
    () => env.DB.prepare("SELECT watched_until FROM accounts WHERE id = ?").bind(accountId).first("watched_until"),
    (until_) => until_ !== null,
  );

type WatchSide = Pick<WatchObject, "webSocketError" | "alarm">;

interface SentEvent {
  readonly name: string;
  readonly id: string | null;
  readonly data: Record<string, unknown>;
}

/** A stream of events as a client reads it. */
class Stream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(answer: Response) {
    if (!answer.body || answer.headers.get("content-type") !== "text/event-stream") throw new Error(`no stream: ${answer.status}`);
    this.#reader = answer.body.getReader();
  }

  /** The next event; null at the end. Comments, `retry` and ids without an event are passed over. */
  async next(): Promise<SentEvent | null> {
    for (let event = await this.#block(); ; event = await this.#block()) {
      if (event === null) return null;
      if (event.data !== null) return { name: event.name, id: event.id, data: JSON.parse(event.data) as Record<string, unknown> };
    }
  }

  /** Where the stream stands: the first id, which is not passed over. */
  async place(): Promise<string | null> {
    for (let event = await this.#block(); ; event = await this.#block()) if (!event || event.id !== null) return event && event.id;
  }

  async #block(): Promise<{ name: string; id: string | null; data: string | null } | null> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end < 0) {
        const { value, done } = await this.#reader.read();
        if (done) return null;
        this.#text += this.#decoder.decode(value, { stream: true });
        continue;
      }
      const block = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      const field = (name: string) =>
        block
          .split("\n")
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? null;
      return { name: field("event") ?? "", id: field("id"), data: field("data") };
    }
  }

  /** Reads until an event that passes, and returns all until then. */
  async until(passes: (event: SentEvent) => boolean): Promise<SentEvent[]> {
    const events: SentEvent[] = [];
    for (let event = await this.next(); event; event = await this.next()) {
      events.push(event);
      if (passes(event)) break;
    }
    return events;
  }

  leave(): Promise<void> {
    return this.#reader.cancel();
  }
}

const watch = async (key: string, path: string, last: string | null = null) =>
  new Stream(await as(key, "GET", path, undefined, last === null ? {} : { "Last-Event-ID": last }));

const BUSY = { class: "capacity", code: "backend_busy", message: "The backend answered 429.", status: 503 } as const;
const told = (events: readonly SentEvent[]) =>
  events.filter(({ name }) => name !== "position").map(({ name, data }) => [name, data["event"]]);

describe("who hears nothing", () => {
  /** A watch by which nothing is heard: said once, and then not even that. */
  const deaf = (signal: AbortSignal): Watch => {
    let heard = 0;
    const gone = new Promise<null>((resolve) => signal.addEventListener("abort", () => resolve(null)));
    return { object: 0, next: async () => (heard++ === 0 ? [] : gone), close: () => {} };
  };

  test.each([
    ["with why it waits if that is to be shown", true],
    ["and nothing of its lane if only its end is waited for", false],
  ])("marks and looks together with the others, who read each inference once, %s", async (_what, withWait) => {
    const { accountId } = await newTenant();
    const model = await newModel();
    const ids = [await queued(model, { accountId }), await queued(model, { accountId })];
    const real = d1(env.DB, DATABASE_MS);
    const asked: number[] = [];
    const marks: number[] = [];
    const counting: Database = {
      ...real,
      all: async (statement) => {
        const rows = await real.all(statement);
        asked.push(rows.length);
        return rows;
      },
      batch: async (statements) => {
        marks.push(statements.length - 1);
        return real.batch(statements);
      },
    };
    const left = new AbortController();
    const { signal } = left;
    const its = ports({ db: counting, isolate: {}, watch: { open: async () => deaf(signal), tell: async () => {} } });
    const watchers = Array.from({ length: 40 }, (_, nth) =>
      statesOf(its, { accountId, id: ids[nth % 2] ?? "" }, { endAt: Infinity, signal, after: waitUntil, withWait }),
    );
    const look = async () => (await Promise.all(watchers.map((it) => it.next()))).map(({ value }) => value as Inference); // none is at its end
    const first = await look();
    expect(asked).toEqual([]); // what is read first is read in the transaction in which the row is marked
    expect(marks.length).toBeLessThan(10);
    expect(Math.max(...marks)).toBe(2);
    marks.length = 0;
    const seen = await look();
    expect(marks).toEqual([]);
    expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, nth) => ids[nth % 2]));
    for (const state of [...first, ...seen]) expect(state.status === "queued" && state.wait !== null).toBe(withWait);
    expect(asked.length).toBeLessThan(10);
    expect(Math.max(...asked)).toBeLessThanOrEqual(2);
    left.abort();
    for (const it of watchers) await it.return(undefined);
  });

  test("has what another has marked, but not what had ended then, which may be redriven", async () => {
    const { accountId } = await newTenant();
    const id = await queued(await newModel(), { accountId });
    const left = new AbortController();
    const { signal } = left;
    const its = ports({ isolate: {}, watch: { open: async () => deaf(signal), tell: async () => {} } });
    const look = async () => {
      const states = statesOf(its, { accountId, id }, { endAt: Infinity, signal, after: waitUntil, withWait: false });
      const { value } = await states.next();
      await states.return(undefined);
      return (value as Inference).status; // it is there
    };
    const unmark = () => env.DB.prepare("UPDATE inferences SET watched_until = NULL WHERE id = ?").bind(id).run();
    const isMarked = async () =>
      (await env.DB.prepare("SELECT watched_until FROM inferences WHERE id = ?").bind(id).first("watched_until")) !== null;
    await cancelInference(db, accountId, id);
    expect([await look(), await isMarked()]).toEqual(["canceled", false]);
    await env.DB.prepare("UPDATE inferences SET status = 'queued', finished_at = NULL WHERE id = ?").bind(id).run();
    expect([await look(), await isMarked()]).toEqual(["queued", true]);
    await unmark();
    expect([await look(), await isMarked()]).toEqual(["queued", false]);
    left.abort();
  });
});

describe("a change that is told", () => {
  test.each([
    ["is not read again where its statement has returned it", null, 0],
    ["is read again where it has a webhook, whose delivery is written by the change", WEBHOOK, 1],
  ])("%s", async (_what, webhook, readAgain) => {
    const { accountId } = await newTenant();
    const id = await queued(await newModel(), { accountId, webhook });
    await markWatched(db, [[accountId, id, 0]], { ms: 60_000, withWait: false });
    const real = d1(env.DB, DATABASE_MS);
    let reads = 0;
    const counting: Database = {
      ...real,
      all: async (statement) => {
        reads++;
        return real.all(statement);
      },
    };
    const rows: Row[] = [];
    const tells: Promise<void>[] = [];
    const tell: WatchPort["tell"] = async (_accountId, _object, some) => {
      rows.push(...some);
    };
    const writing = telling(counting, { tell }, (work) => tells.push(work));
    const canceled = await cancelInference(writing, accountId, id);
    await Promise.all(tells);
    expect(reads).toBe(1 + readAgain);
    expect(rows).toEqual(await rowsToTell(db, [[accountId, id]]));
    expect(rows.map((row) => inferenceIn({ row }).status)).toEqual([canceled?.status]);
  });
});

describe("the events of an inference", () => {
  test("come as they happen, each once, the newest with the inference, and end with its end", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    const stream = await watch(key, `/v1/inferences/${id}/events`);
    const first = await stream.next();
    expect(first).toMatchObject({ name: "status", data: { inference_id: id, event: "queued", inference: { id, status: "queued" } } });
    const at = await stream.next();
    expect(at).toMatchObject({ name: "position", id: null, data: { queue_position: 1, waiting_on: "concurrency" } });
    await db.all(changeStatements.retry(await claimed(model), BUSY, 0, false));
    const retried = await stream.until(({ data }) => data["event"] === "attempt_failed");
    expect(told(retried)).toEqual([
      ["status", "claimed"],
      ["status", "attempt_failed"],
    ]);
    await succeed(await claimed(model));
    const rest = await stream.until(() => false);
    expect(told(rest)).toEqual([
      ["status", "claimed"],
      ["final", "succeeded"],
    ]);
    const shown = await object(as(key, "GET", `/v1/inferences/${id}`));
    expect(rest.at(-1)?.data["inference"]).toEqual(shown);
  });

  test("have no block without data, nor an end of a line that only some clients see", async () => {
    const { key, accountId } = await newTenant();
    const id = await queued(await served(), { accountId, metadata: { note: "a\u2028b" } });
    const answer = await as(key, "GET", `/v1/inferences/${id}/events`);
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    const { value: text = "" } = (await reader?.read()) ?? {};
    await reader?.cancel();
    expect(text).toMatch(/^retry: 1000\nevent: status\n/);
    expect(text).toContain('"note":"a\\u2028b"');
  });

  test("go on after the last that a client has, and are over for one that has all", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    await succeed(await claimed(model));
    const path = `/v1/inferences/${id}/events`;
    const all = await (await watch(key, path)).until(() => false);
    expect(told(all)).toEqual([
      ["status", "queued"],
      ["status", "claimed"],
      ["final", "succeeded"],
    ]);
    for (const [place, event] of all.slice(0, -1).entries()) {
      expect(await (await watch(key, path, event.id)).until(() => false)).toEqual(all.slice(place + 1));
      expect(await (await watch(key, `${path}?after=${event.id}`)).until(() => false)).toEqual(all.slice(place + 1));
    }
    expect((await as(key, "GET", path, undefined, { "Last-Event-ID": all.at(-1)?.id ?? "" })).status).toBe(204);
  });

  test("begin again, and say so, after the event of another inference", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const [id, later] = [await queued(model, { accountId }), await queued(model, { accountId })];
    await succeed(await claimed(model));
    await succeed(await claimed(model));
    const last = (await (await watch(key, `/v1/inferences/${later}/events`)).until(() => false)).at(-1)?.id ?? "";
    const foreign = `7-${last.slice(last.indexOf("-") + 1)}`;
    const all = await (await watch(key, `/v1/inferences/${id}/events`, foreign)).until(() => false);
    expect(told(all)).toEqual([
      ["reset", undefined],
      ["status", "queued"],
      ["status", "claimed"],
      ["final", "succeeded"],
    ]);
  });

  test("come every one once to a client whose connection is cut again and again", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId, retry: { maxAttempts: 10, initialDelayMs: 0, maxDelayMs: 0 } });
    const seen: string[] = [];
    let last: string | null = null;
    const happen = (async () => {
      for (let attempt = 1; attempt < 10; attempt++) await db.all(changeStatements.retry(await claimed(model), BUSY, 0, false));
      await succeed(await claimed(model));
    })();
    for (let cut = 0; !seen.at(-1)?.startsWith("succeeded"); cut++) {
      const stream: Stream = await watch(key, `/v1/inferences/${id}/events`, last);
      for (let left = 1 + (cut % 3); left > 0; left--) {
        const event = await stream.next();
        if (!event) break;
        if (event.id === null) continue;
        seen.push(`${String(event.data["event"])} ${event.id}`);
        last = event.id;
      }
      await stream.leave();
    }
    await happen;
    const { logs } = (await object(as(key, "GET", `/v1/inferences/${id}?logs=1`))) as { logs: { event: string; at: string }[] };
    expect(seen).toEqual(logs.map(({ event, at }, index) => `${event} ${index}-${Date.parse(at)}`));
  });

  test("of another account, or after what is no event, are refused", async () => {
    const { key } = await newTenant();
    const id = await queued(await served(), { accountId: (await newTenant()).accountId });
    expect((await as(key, "GET", `/v1/inferences/${id}/events`)).status).toBe(404);
    const answer = await as(key, "GET", `/v1/events?after=7`);
    expect(answer.status).toBe(400);
    expect(String((await object(answer))["detail"])).toContain('is "7". Leave it out to begin with what happens from now on.');
  });
});

describe("the events of an account", () => {
  test("are those of all its inferences, in one order, and of no other account's", async () => {
    const [mine, other] = [await newTenant(), await newTenant()];
    const model = await served(10);
    const stream = await watch(mine.key, "/v1/events");
    await accountWatched(mine.accountId);
    await queued(model, { accountId: other.accountId });
    const id = await queued(model, { accountId: mine.accountId });
    await claimed(model);
    await succeed(await claimed(model));
    const events = await stream.until(({ name }) => name === "final");
    expect(told(events)).toEqual([
      ["status", "queued"],
      ["status", "claimed"],
      ["final", "succeeded"],
    ]);
    expect(new Set(events.map(({ data }) => data["inference_id"]))).toEqual(new Set([id]));
    await stream.leave();
  });

  test("begin with the submit, also of submits that came together", async () => {
    const { key, accountId } = await newTenant();
    const model = await newModel();
    const stream = await watch(key, "/v1/events");
    await accountWatched(accountId);
    const both = [submission(model, { accountId }), submission(model, { accountId })];
    await insertTogether(db, both);
    const events = [await stream.next(), await stream.next()];
    expect(events.map((event) => event?.data)).toMatchObject(both.map(({ id }) => ({ inference_id: id, event: "queued" })));
    await stream.leave();
  });

  test.each<[string, (tenant: Tenant) => Promise<Response>]>([
    ["its key is revoked", ({ keyId }) => operator("DELETE", `/keys/${keyId}`)],
    ["its key may not read any more", ({ keyId }) => operator("PATCH", `/keys/${keyId}`, { scopes: ["submit", "cancel"] })],
    ["its account is deleted", ({ accountId }) => operator("DELETE", `/accounts/${accountId}`)],
  ])("end when %s, and have none of what happens after that", async (_what, change) => {
    const tenant = await newTenant();
    const { key, accountId } = tenant;
    const model = await served();
    const stream = await watch(key, "/v1/events");
    await accountWatched(accountId);
    await queued(model, { accountId });
    expect(await stream.next()).toMatchObject({ name: "status", data: { event: "queued" } });
    expect((await change(tenant)).status).toBe(200);
    await succeed(await claimed(model));
    expect(await stream.next()).toBeNull();
  });

  test("have an answer to HEAD, which watches nothing", async () => {
    const { key, accountId } = await newTenant();
    const answer = await as(key, "HEAD", "/v1/events");
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(await env.DB.prepare("SELECT watched_until FROM accounts WHERE id = ?").bind(accountId).first("watched_until")).toBeNull();
  });

  test("are only those that the client asks for", async () => {
    const { key, accountId } = await newTenant();
    const [model, another] = [await served(9), await served(9)];
    const stream = await watch(key, `/v1/events?model=${model}&status=succeeded,canceled&metadata[tier]=gold`);
    await accountWatched(accountId);
    const gold = { accountId, metadata: { tier: "gold" } };
    for (const [of, more] of [
      [another, gold],
      [model, { accountId }],
      [model, gold],
    ] as const) {
      await queued(of, more);
      await succeed(await claimed(of));
    }
    const event = await stream.next();
    expect(event).toMatchObject({ name: "final", data: { event: "succeeded", inference: { model, metadata: { tier: "gold" } } } });
    await stream.leave();
  });

  test("come every one once to a client whose connection is cut again and again, and from the beginning to one who was away too long", async () => {
    const { key, accountId } = await newTenant();
    const model = await served(100);
    const first = await watch(key, "/v1/events");
    await accountWatched(accountId);
    const ids = [await queued(model, { accountId })];
    const begun = await first.next();
    await first.leave();
    for (let count = 1; count < 8; count++) ids.push(await queued(model, { accountId }));
    const seen = [begun];
    for (let count = 0; count < 8; count++) await succeed(await claimed(model));
    for (let cut = 0; seen.length < 24; cut++) {
      const stream: Stream = await watch(key, "/v1/events", seen.at(-1)?.id ?? null);
      for (let left = 1 + (cut % 4); left > 0; left--) seen.push(await stream.next());
      await stream.leave();
    }
    const lines = seen.map((event) => `${String(event?.data["inference_id"])} ${String(event?.data["event"])}`);
    expect(lines.toSorted()).toEqual(ids.flatMap((id) => ["claimed", "queued", "succeeded"].map((event) => `${id} ${event}`)).toSorted());
    const unknown = `0.${crypto.randomUUID()}.3`;
    const late = await watch(key, "/v1/events", unknown);
    expect(await late.next()).toMatchObject({ name: "reset", id: seen.at(-1)?.id });
    await late.leave();
  });

  test("come every one once to a client that has missed more than is told at once", async () => {
    const { key, accountId } = await newTenant();
    const model = await served(100);
    const first = await watch(key, "/v1/events");
    const place = await first.place();
    await accountWatched(accountId);
    await first.leave();
    const metadata = Object.fromEntries(Array.from({ length: 16 }, (_, name) => [`name-${name}`, "m".repeat(512)]));
    const ids: string[] = [];
    for (let count = 0; count < 40; count++) ids.push(await queued(model, { accountId, metadata }));
    const output = JSON.stringify("o".repeat(30_000));
    for (const _ of ids) {
      await db.all(changeStatements.succeed(await claimed(model), { at: "row", body: output, contentType: JSON_TYPE }, output.length, 1));
    }
    const stream = await watch(key, "/v1/events", place);
    const lines: string[] = [];
    while (lines.length < 120) {
      const event = await stream.next();
      lines.push(`${String(event?.data["inference_id"])} ${String(event?.data["event"])}`);
    }
    expect(lines.toSorted()).toEqual(ids.flatMap((id) => ["claimed", "queued", "succeeded"].map((event) => `${id} ${event}`)).toSorted());
    await stream.leave();
  });

  test("are found by a look where every tell of an inference was lost, also of one that was there before", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const old = await queued(await newModel(), { accountId });
    await env.DB.prepare("UPDATE inferences SET log = json_set(log, '$[0].at', 1), updated_at = 1 WHERE id = ?").bind(old).run();
    const stream = await watch(key, "/v1/events");
    await accountWatched(accountId);
    await env.DB.prepare("UPDATE accounts SET watched_until = 0 WHERE id = ?").bind(accountId).run();
    await queued(model, { accountId });
    await succeed(await claimed(model));
    const look = () => runInDurableObject(env.WATCH.getByName(watchObjectName(accountId, 0)), (instance: WatchObject) => instance.alarm());
    await look();
    expect(told([await stream.next(), await stream.next(), await stream.next()].filter((event) => event !== null))).toEqual([
      ["status", "queued"],
      ["status", "claimed"],
      ["final", "succeeded"],
    ]);
    await cancelInference(db, accountId, old);
    await look();
    expect(await stream.next()).toMatchObject({ name: "final", data: { inference_id: old, event: "canceled" } });
    await stream.leave();
  });

  test("are gone on with by a client that was cut before the first of them", async () => {
    const { key, accountId } = await newTenant();
    const first = await watch(key, "/v1/events");
    const place = await first.place();
    await accountWatched(accountId);
    await first.leave();
    const id = await queued(await newModel(), { accountId });
    const again = await watch(key, "/v1/events", place);
    expect(await again.next()).toMatchObject({ name: "status", data: { inference_id: id, event: "queued" } });
    await again.leave();
  });
});

describe("what a model says of its progress", () => {
  const post = (path: string, said: unknown) =>
    call(path, { method: "POST", headers: { "Content-Type": JSON_TYPE }, body: JSON.stringify(said) });

  /** Has an inference run by a model that is told where to tell of its progress, and does what the test says then. */
  async function running(work: (tell: (said: unknown) => Promise<Response>, id: string) => Promise<void>) {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    let path = "";
    const fetch = gpu(async (request) => {
      const url = request.headers.get("claimcheck-progress-url") ?? "";
      expect(url.startsWith(`${ORIGIN}/v1/progress/`)).toBe(true);
      path = url.slice(ORIGIN.length);
      await work((said) => post(path, said), id);
      return Response.json("done");
    });
    await run(still({ progressOrigin: ORIGIN, fetch }), [laneOf(model)], "runner");
    return { key, id, path };
  }

  test("never falls, is noted at most once a second, and its lines are in the log", async () => {
    const { key, id } = await running(async (tell, running_) => {
      expect((await tell({ progress: 0.5, message: "half", preview_url: "https://see.test/1.png", logs: ["one", "two"] })).status).toBe(
        202,
      );
      await tell({ progress: 0.25 });
      await tell({ progress: 0.75, logs: ["three"] });
      await until(
        () => rowOf(running_),
        (row) => String(row["progress"]).includes("0.75"),
      );
      expect(await rowOf(running_)).toMatchObject({ progress: expect.stringContaining('"message":"half"') });
    });
    const lines = await (await watch(key, `/v1/inferences/${id}/events`)).until(() => false);
    expect(lines.map(({ name, data }) => [name, data["message"] ?? data["event"]])).toEqual([
      ["status", "queued"],
      ["status", "claimed"],
      ["log", "one"],
      ["log", "two"],
      ["log", "three"],
      ["final", "succeeded"],
    ]);
  });

  test("is told as it comes, of one and of all, and shown with the inference", async () => {
    const { key, accountId } = await newTenant();
    const model = await served();
    const id = await queued(model, { accountId });
    const [one, all] = [await watch(key, `/v1/inferences/${id}/events`), await watch(key, "/v1/events")];
    await accountWatched(accountId);
    const { attempt } = await claimed(model);
    expect(
      await say(still(), { accountId, id, attempt }, { progress: 0.5, message: "half", previewUrl: null, lines: [] }, () => undefined),
    ).toBe(true);
    for (const stream of [one, all]) {
      const told_ = await stream.until(({ name }) => name === "progress");
      expect(told_.at(-1)).toMatchObject({ id: null, data: { inference_id: id, progress: 0.5, message: "half", preview_url: null } });
      await stream.leave();
    }
    expect(await object(as(key, "GET", `/v1/inferences/${id}`))).toMatchObject({ progress: { progress: 0.5, message: "half" } });
  });

  test("is noted in the end, once, also where other isolates come before it each time", async () => {
    const model = await served();
    const id = await queued(model);
    const { accountId, attempt } = await claimed(model);
    const isolate = () => {
      const clock = standingClock();
      const left: Promise<unknown>[] = [];
      const tell = (progress: number, lines: readonly string[]) =>
        say(
          still({ clock }),
          { accountId, id, attempt },
          { progress, message: null, previewUrl: null, lines },
          (work) => void left.push(work),
        );
      return { clock, left, tell };
    };
    const [one, other] = [isolate(), isolate()];
    await one.tell(0.1, ["a"]);
    await other.tell(0.2, ["b"]);
    await other.tell(0.3, ["c"]);
    for (let turn = 0; turn < 3; turn++) {
      await until(
        async () => other.clock.asked.length,
        (asked) => asked > turn,
      );
      other.clock.advance(1_000); // by its own clock only: the database's says that it is too early
    }
    await until(
      async () => other.clock.asked.length,
      (asked) => asked > 3,
    );
    const update = "UPDATE inferences SET progress = json_set(progress, '$.at', progress ->> 'at' - 60000) WHERE id = ?";
    await env.DB.prepare(update).bind(id).run();
    other.clock.advance(1_000);
    await Promise.all(other.left);
    const row = await rowOf(id);
    expect(JSON.parse(String(row["progress"]))).toMatchObject({ progress: 0.3 });
    const lines = (JSON.parse(String(row["log"])) as { event: string; message?: string }[]).filter(({ event }) => event === "log");
    expect(lines.map(({ message }) => message)).toEqual(["a", "b", "c"]);
  });

  test("is refused once its attempt has ended, from a forger, and if it says nothing or too much", async () => {
    const { path } = await running(async (tell) => {
      for (const said of [{}, { progress: 1.5 }, { preview_url: "javascript:alert(1)" }, { logs: [1] }, { percent: 3 }]) {
        expect((await tell(said)).status).toBe(422);
      }
    });
    const late = await post(path, { progress: 1 });
    expect(late.status).toBe(409);
    expect(String((await object(late))["detail"])).toContain("has ended");
    const forged = path.replace(/.$/, (last) => (last === "A" ? "E" : "A"));
    expect((await post(forged, { progress: 1 })).status).toBe(403);
    expect((await post("/v1/progress/x.y", {})).status).toBe(422);
  });
});

describe("a watcher's place at its object", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test("is given back if it is given after its caller has gone without one", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const answer = held<Response>();
    const fetch = () => answer.promise;
    const port = watchPortOf({ WATCH: { getByName: () => ({ fetch }) } as unknown as Env["WATCH"] }, waitUntil, true); // of it, what is used
    const failed = port.open("account", crypto.randomUUID()).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(WATCH_MS);
    expect(await failed).toMatchObject({ part: "watchers", stalled: true });
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    const closed = new Promise((resolve) => server.addEventListener("close", resolve));
    answer.release(new Response(null, { status: 101, webSocket: client }));
    await closed;
  });

  test("is at the next object once one is full, and refused in plain words once all are", async () => {
    const { key, accountId } = await newTenant();
    const port = watchPortOf(env, waitUntil, false);
    for (let object_ = 0; object_ < WATCH_OBJECTS_PER_ACCOUNT; object_++) {
      const watch_ = await port.open(accountId, ALL);
      expect(watch_?.object).toBe(object_);
      await runInDurableObject(env.WATCH.getByName(watchObjectName(accountId, object_)), (_, state) => {
        while (state.getWebSockets().length < WATCHERS_PER_OBJECT) state.acceptWebSocket(new WebSocketPair()[1], ["another"]);
      });
    }
    const refused = await as(key, "GET", "/v1/events");
    expect([refused.status, refused.headers.get("retry-after"), (await object(refused))["code"]]).toEqual([429, "5", "too_many_waiting"]);
  });

  /** So many who share a socket, and the other side of each that is opened. */
  async function sharing(count: number) {
    const sides: WebSocket[] = [];
    const fetch = async () => {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      sides.push(server);
      return new Response(null, { status: 101, webSocket: client });
    };
    const port = watchPortOf({ WATCH: { getByName: () => ({ fetch }) } as unknown as Env["WATCH"] }, waitUntil, true); // of it, what is used
    const watches: Watch[] = [];
    while (watches.length < count) {
      const opened = await port.open("account", "inference");
      if (opened) watches.push(opened);
    }
    const gone = new AbortController().signal;
    /** Who has heard something, in this order. */
    const heard = new Set<number>();
    const hear = async (place: number, last: string) => {
      const ids: unknown[] = [];
      while (ids.at(-1) !== last) {
        ids.push(...((await watches[place]?.next(10_000, gone)) ?? []).map(({ row }) => row?.["id"]));
        if (ids.length > 0) heard.add(place);
      }
      return ids.join(" ");
    };
    const send = (id: string) => sides.at(-1)?.send(JSON.stringify({ row: { id } }));
    return { sides, places: [...watches.keys()], holder: watches[0], heard, hear, send };
  }

  test("is told of changes in order with those who share it, a few at a time, its holder last", async () => {
    const { places, heard, hear, send } = await sharing(3 * WATCHERS_WOKEN);
    const first = places.map((place) => hear(place, "a"));
    send("a");
    await Promise.race(first);
    expect(heard.size).toBeLessThanOrEqual(WATCHERS_WOKEN);
    expect(new Set(await Promise.all(first))).toEqual(new Set(["a"]));
    expect([...heard]).toEqual([...places.slice(1), 0]);
    const rest = places.map((place) => hear(place, "c"));
    for (const id of ["b", "c"]) send(id);
    expect(new Set(await Promise.all(rest))).toEqual(new Set(["b c"]));
  });

  test("is told of all changes also if its holder leaves while some have yet to hear", async () => {
    const { sides, places, holder, heard, hear, send } = await sharing(3 * WATCHERS_WOKEN);
    const first = places.slice(1).map((place) => hear(place, "a"));
    send("a");
    await Promise.race(first);
    expect(heard.size).toBeLessThan(first.length);
    holder?.close();
    expect(new Set(await Promise.all(first))).toEqual(new Set(["a"]));
    await until(
      async () => sides.length,
      (opened) => opened === 2,
    );
    const rest = places.slice(1).map((place) => hear(place, "b"));
    send("b");
    expect(new Set(await Promise.all(rest))).toEqual(new Set(["b"]));
  });

  test("is given up by all who share it once its holder is silent for too long", async () => {
    const fetch = async () => new Response(null, { status: 101, webSocket: new WebSocketPair()[0] });
    const port = watchPortOf({ WATCH: { getByName: () => ({ fetch }) } as unknown as Env["WATCH"] }, waitUntil, true); // of it, what is used
    const [account, id, gone] = [crypto.randomUUID(), crypto.randomUUID(), new AbortController().signal];
    await port.open(account, id);
    const other = await port.open(account, id);
    expect(await other?.next(0, gone)).toEqual([]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + WATCH_LEADER_MS });
    expect(await other?.next(0, gone)).toEqual([]);
    expect(await other?.next(0, gone)).toBeNull();
    const next = await port.open(account, id);
    expect(await next?.next(0, gone)).toEqual([]);
    expect(await next?.next(0, gone)).toEqual([]);
  });

  test.each([
    ["broke", (side: WatchSide, socket: WebSocket) => side.webSocketError(socket)],
    ["was lost without a word", (side: WatchSide) => side.alarm()],
  ])("of a reader of all whose connection %s counts as left", async (_what, happens) => {
    const stub = env.WATCH.getByName(watchObjectName(crypto.randomUUID(), 0));
    const { webSocket } = await stub.fetch(`https://watch/?topic=${encodeURIComponent(ALL)}`, { headers: { Upgrade: "websocket" } });
    webSocket?.accept();
    await runInDurableObject(stub, async (instance, state) => {
      const leftAt = () => state.storage.sql.exec("SELECT left_at FROM stream").one()["left_at"];
      expect(leftAt()).toBeNull();
      const [socket] = state.getWebSockets(ALL);
      if (!socket) throw new Error("the object has no socket");
      vi.spyOn(state, "getWebSockets").mockReturnValue([]);
      await happens(instance, socket);
      vi.restoreAllMocks();
      expect(Math.abs(Number(leftAt()) - Date.now())).toBeLessThan(60_000);
      await state.storage.deleteAlarm();
    });
  });
});

describe("a client that is connected and reads nothing", () => {
  /** A stream of its watcher, which writes until it has to wait for its reader, and what the account's object has of it. */
  async function unread(statesFor: (accountId: string, endAt: number, gone: AbortSignal, clock: Clock) => AsyncIterable<unknown>) {
    const { accountId } = await newTenant();
    const clock = standingClock();
    const ending: Promise<void>[] = [];
    const call_ = {
      requestId: "request",
      after: (work: Promise<void>) => void ending.push(work),
      admissions: { hasEnded: async () => false },
      caller: {},
      ports: { clock },
    } as unknown as Parameters<typeof eventsWritten>[0]; // of it, what is used
    const endAt = clock.now() + EVENTS_SECONDS * 1000;
    let writes = 0;
    const answer = await eventsWritten(call_, "read", { headers: {}, endAt }, async (write, gone) => {
      for await (const _ of statesFor(accountId, endAt, gone, clock)) {
        writes++;
        await write(encoder.encode(": x\n"));
      }
    });
    const sockets = () =>
      runInDurableObject(env.WATCH.getByName(watchObjectName(accountId, 0)), (_, state) => state.getWebSockets().length);
    return { answer, clock, accountId, sockets, ended: async () => await Promise.all(ending), writes: () => writes };
  }

  test("of one inference gives back its place when its stream's time is over", async () => {
    const model = await served();
    const it = await unread(async function* (accountId, endAt, signal, clock) {
      const id = await queued(model, { accountId });
      yield* statesOf(ports({ clock }), { accountId, id }, { endAt, signal, after: waitUntil, withWait: false });
    });
    expect([it.writes(), await it.sockets()]).toEqual([1, 1]);
    it.clock.advance(EVENTS_SECONDS * 1000);
    await it.ended();
    expect(await until(it.sockets, (count) => count === 0)).toBe(0);
    expect(await it.answer.text()).toBe(": x\n"); // what was written, and a proper end
  });

  test("of an account does, too", async () => {
    const it = await unread((accountId, endAt, signal, clock) => toldOf(ports({ clock }), accountId, null, endAt, signal));
    expect([it.writes(), await it.sockets()]).toEqual([1, 1]);
    it.clock.advance(EVENTS_SECONDS * 1000 - 1);
    expect(await it.sockets()).toBe(1);
    it.clock.advance(1);
    await it.ended();
    expect(await until(it.sockets, (count) => count === 0)).toBe(0);
  });
});

describe("a change", () => {
  test("that nobody watches tells nobody", async () => {
    const model = await served();
    await queued(model);
    const [row] = await db.all(changeStatements.succeed(await claimed(model), { at: "row", body: "1", contentType: JSON_TYPE }, 1, 1));
    expect(row).toMatchObject({ status: "succeeded", toldTo: null });
  });
});

// Last, since a submit sets the sweep ticking, which would run what other tests leave queued for long.
describe("a submit that waits", () => {
  test("is answered with the inference at its end", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json("done"), { protocol: "http" });
    const answer = await as(key, "POST", "/v1/inferences", { model, input: "x" }, waiting(30));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("preference-applied")).toBe("wait=30");
    expect(await object(answer)).toMatchObject({ status: "succeeded", is_final: true, output: "done" });
  });
});
