/**
 * A request that waits for its inference and runs it itself: its turn, its end, its client's leaving, its own dying. The
 * flows are the real ones on the real database; nobody else runs anything but what a test starts.
 */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Sink } from "../../src/backends/backend.ts";
import { http } from "../../src/backends/http.ts";
import type { Outcome } from "../../src/backends/outcome.ts";
import { insertBackend } from "../../src/backends/store.ts";
import { type WaitResult, type WaitOptions, submitAndWait } from "../../src/inferences/waiter.ts";
import type { StreamWords } from "../../src/inferences/stream.ts";
import { run } from "../../src/inferences/run.ts";
import type { Submission } from "../../src/inferences/submission.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { cancelInference, redriveInference } from "../../src/inferences/sql/change.ts";
import { claimForWaiter } from "../../src/inferences/sql/claim.ts";
import {
  WAITERS_PER_ACCOUNT,
  WAITER_LOOK_MAX_MS,
  WAITER_TOLD_LOOK_MS,
  LEASE_MS,
  LEASE_RENEW_MS,
  STREAM_IDLE_MS,
} from "../../src/limits.ts";
import { Unavailable } from "../../src/platform/unavailable.ts";
import type { Ports } from "../../src/ports.ts";
import { Problem } from "../../src/problem.ts";
import { claimed, forgetAll, laneOf, queued, rowOf } from "./support/inferences.ts";
import { databaseNow, held, standingClock, timePasses } from "./support/clock.ts";
import { still } from "./support/ports.ts";
import { type ScriptedBackend, gpu, hang } from "./support/outside.ts";
import { newModel, restBackends } from "./support/tenants.ts";
import { until } from "./support/requests.ts";

beforeEach(forgetAll);

const ok: ScriptedBackend = () => Response.json({ done: true });

async function served(slots = 1, more: Record<string, unknown> = {}): Promise<string> {
  const model = await newModel(more);
  await appears(model, slots);
  return model;
}

/** A model whose only backend rests for as long as a test takes, so that what is submitted waits. */
async function resting(): Promise<string> {
  const model = await served();
  await restBackends(model);
  return model;
}

/** A backend that nobody is told of: a wake-up would start a runner that no test knows of. */
async function appears(model: string, maxConcurrency = 1): Promise<void> {
  await insertBackend(still().db, {
    id: crypto.randomUUID(),
    model,
    version: "",
    url: `https://${model}.test`,
    protocol: "http",
    remoteModel: model,
    credential: null,
    state: "active",
    maxConcurrency,
    timeoutSeconds: 60,
  });
}

function submissionTo(model: string, more: Partial<Submission> = {}): Submission {
  return {
    accountId: "account-a",
    keyId: "key",
    dialect: "oip",
    model,
    input: { body: '{"x":1}', contentType: "application/json" },
    inputItems: 1,
    retry: { maxAttempts: 3, initialDelayMs: 0, maxDelayMs: 0 },
    ...more,
  };
}

/** A client that waits; it leaves when the test says so. */
function client(
  model: string,
  script: ScriptedBackend = ok,
  more: { submission?: Partial<Submission>; instead?: Partial<Ports>; stream?: WaitOptions["stream"] } = {},
) {
  const leaves = new AbortController();
  const ctx = createExecutionContext();
  const ports = still({ fetch: gpu(script), ...more.instead });
  const attention: WaitOptions = {
    after: (work) => ctx.waitUntil(work),
    gone: leaves.signal,
    ...(more.stream ? { stream: more.stream } : {}),
  };
  const answer = submitAndWait(ports, submissionTo(model, more.submission), attention);
  return { answer, leave: () => leaves.abort(), over: () => waitOnExecutionContext(ctx) };
}

async function gone(...clients: readonly ReturnType<typeof client>[]): Promise<void> {
  for (const each of clients) each.leave();
  await Promise.all(clients.map((each) => each.over()));
}

async function endOf(answer: Promise<WaitResult>) {
  const attended = await answer;
  if (attended.kind !== "ended") throw new Error("it streams");
  return attended.inference;
}

/** The only inference of a model, once there is one that satisfies. */
function onlyOf(model: string, satisfied: (row: Record<string, unknown>) => boolean) {
  return until(
    async () => (await env.DB.prepare("SELECT * FROM inferences WHERE model = ?").bind(model).first()) ?? {},
    (row) => row["id"] !== undefined && satisfied(row),
  );
}

describe("a request that waits", () => {
  test("runs its inference at once where a slot is free, in one question for the claim and one for the end", async () => {
    const model = await served();
    const questions: number[] = [];
    const { db } = still();
    const counting: Ports["db"] = {
      all: (statement) => {
        questions.push(1);
        return db.all(statement);
      },
      batch: (statements) => {
        questions.push(statements.length);
        return db.batch(statements);
      },
    };
    const inference = await endOf(client(model, ok, { instead: { db: counting } }).answer);
    expect(inference).toMatchObject({ status: "succeeded", attempt: 1, output: { body: '{"done":true}' } });
    expect(questions).toHaveLength(2);
    expect(inference.log.map(({ event }) => event)).toEqual(["queued", "claimed", "succeeded"]);
  });

  test("gets its turn after those that came before it, and a wake-up goes out for those that come after", async () => {
    const model = await served();
    const before = await queued(model);
    const woken: unknown[] = [];
    const { answer } = client(model, ok, { instead: { wake: async (lanes) => void woken.push(...lanes) } });
    const waiting = await onlyOf(model, (row) => row["id"] !== before || row["status"] === "queued");
    expect(waiting["status"]).toBe("queued");
    const mine = await until(
      async () =>
        (await env.DB.prepare("SELECT id, status FROM inferences WHERE model = ? AND waiter IS NOT NULL").bind(model).first()) ?? {},
      (row) => row["id"] !== undefined,
    );
    const after = await queued(model);
    await scheduler.wait(100);
    expect((await rowOf(String(mine["id"])))["status"]).toBe("queued");
    const asked: string[] = [];
    // The runner does what comes first, finds the next in the name of its request, and goes on to the one after it.
    const work = run(
      still({
        fetch: gpu(async (request) => {
          const body: { id?: string } = await request.json();
          asked.push(body.id ?? "attended");
          return ok(request);
        }),
      }),
      [laneOf(model)],
      "runner",
    );
    expect((await endOf(answer)).status).toBe("succeeded");
    await work;
    expect(asked).toEqual([before]);
    expect((await rowOf(after))["status"]).toBe("queued");
    expect(woken).toContainEqual(laneOf(model));
  });

  test("never makes a backend busier than it may be", async () => {
    const model = await served(2);
    let [now, most] = [0, 0];
    const slow: ScriptedBackend = async () => {
      most = Math.max(most, ++now);
      await scheduler.wait(5);
      now--;
      return Response.json({});
    };
    const clients = Array.from({ length: 12 }, () => client(model, slow));
    const ends = await Promise.all(clients.map(({ answer }) => endOf(answer)));
    expect(ends.map(({ status }) => status)).toEqual(Array(12).fill("succeeded"));
    expect(most).toBe(2);
  });

  test("sees another attempt after one that failed, and the failure when none is left", async () => {
    const model = await served();
    let attempts = 0;
    const second: ScriptedBackend = (request) => (++attempts < 2 ? new Response(null, { status: 500 }) : ok(request));
    expect(await endOf(client(model, second).answer)).toMatchObject({ status: "succeeded", attempt: 2 });
    const failed = await endOf(client(model, () => new Response(null, { status: 500 })).answer);
    expect(failed).toMatchObject({ status: "failed", attempt: 3, error: { code: "backend_error" } });
  });

  test("hears that its inference was cancelled by somebody else, or that it waited too long", async () => {
    const model = await resting();
    const canceled = client(model);
    const row = await onlyOf(model, () => true);
    await env.DB.prepare("UPDATE inferences SET cancel_at = 1 WHERE id = ?").bind(row["id"]).run();
    await sweep(still());
    expect((await endOf(canceled.answer)).status).toBe("canceled");
    const other = await resting();
    const expired = client(other);
    await env.DB.prepare("UPDATE inferences SET start_by = 1 WHERE id = ?")
      .bind((await onlyOf(other, () => true))["id"])
      .run();
    await sweep(still());
    expect((await endOf(expired.answer)).status).toBe("expired");
  });

  test("is told what every submit is told of a model that is not there", async () => {
    await expect(client("nothing-of-that-name").answer).rejects.toThrow(Problem);
  });

  test("rides out a database that is away for a moment", async () => {
    const model = await resting();
    let broken = 3;
    const { db } = still();
    const { answer } = client(model, ok, {
      instead: {
        db: {
          all: (statement) => db.all(statement),
          batch: async (statements) => {
            if (statements.length === 4 && broken-- > 0) throw new Unavailable("database", false);
            return db.batch(statements);
          },
        },
      },
    });
    await onlyOf(model, () => true);
    await appears(model);
    expect((await endOf(answer)).status).toBe("succeeded");
    expect(broken).toBeLessThan(0);
  });
});

describe("a request looks seldom", () => {
  /** The pauses between its looks, once it has looked often enough to have settled on one. */
  async function pausesOf(clock: ReturnType<typeof standingClock>): Promise<number[]> {
    return until(
      async () => {
        clock.advance(1_000);
        return clock.asked.filter((ms) => ms <= WAITER_TOLD_LOOK_MS);
      },
      ({ length }) => length > 12,
    );
  }

  test("where it only asks again, though what it waits for is first in line", async () => {
    const model = await resting();
    const submission = { idempotency: { key: "k", fingerprint: "f" } };
    const first = client(model, ok, { submission });
    await onlyOf(model, () => true);
    const clock = standingClock();
    const again = client(model, ok, { submission, instead: { clock } });
    expect((await pausesOf(clock)).slice(-3)).toEqual([WAITER_TOLD_LOOK_MS, WAITER_TOLD_LOOK_MS, WAITER_TOLD_LOOK_MS]);
    await gone(again, first);
  });

  test("where its inference backs off", async () => {
    const model = await served();
    const clock = standingClock();
    const submission = { retry: { maxAttempts: 2, initialDelayMs: 60_000, maxDelayMs: 60_000 } };
    const waiting = client(model, () => new Response(null, { status: 500 }), { submission, instead: { clock, random: () => 0.99 } });
    await onlyOf(model, (row) => row["not_before"] !== null);
    expect((await pausesOf(clock)).slice(-3)).toEqual([WAITER_TOLD_LOOK_MS, WAITER_TOLD_LOOK_MS, WAITER_TOLD_LOOK_MS]);
    await gone(waiting);
  });
});

describe("a request that waits in line for long", () => {
  test("is told when a runner claims its inference in its name, and does not look for that", async () => {
    const model = await resting();
    const front = client(model);
    await onlyOf(model, () => true);
    const clock = standingClock();
    const second = client(model, ok, { instead: { clock } });
    await until(
      async () => {
        if (!clock.asked.includes(WAITER_TOLD_LOOK_MS)) clock.advance(WAITER_LOOK_MAX_MS);
        return clock.asked;
      },
      (asked) => asked.includes(WAITER_TOLD_LOOK_MS),
    );
    front.leave();
    await front.over();
    await appears(model);
    await run(still(), [laneOf(model)], "runner"); // its clock stands still, so it can't look
    expect((await endOf(second.answer)).status).toBe("succeeded");
  });

  test("looks as often as before where it can't be told", async () => {
    const model = await resting();
    const clock = standingClock();
    const submission = { idempotency: { key: "k", fingerprint: "f" } };
    const first = client(model, ok, { submission });
    await onlyOf(model, () => true);
    const watch = { open: async () => null, tell: async () => {} };
    const again = client(model, ok, { submission, instead: { clock, watch } });
    await until(
      async () => {
        clock.advance(1_000);
        return clock.asked.filter((ms) => ms === WAITER_LOOK_MAX_MS).length;
      },
      (looks) => looks > 3,
    );
    expect(clock.asked).not.toContain(WAITER_TOLD_LOOK_MS);
    await gone(again, first);
  });
});

describe("a client that leaves", () => {
  test("while its inference waits has it cancelled", async () => {
    const model = await resting();
    const { leave, over } = client(model);
    const { id } = await onlyOf(model, () => true);
    leave();
    await over();
    expect(await rowOf(String(id))).toMatchObject({ status: "canceled", stopped: "confirmed" });
  });

  test("while it runs has its backend's connection closed, and its slot is free at once", async () => {
    const model = await served();
    const closed = held<true>();
    const { leave, over } = client(model, (request) => {
      request.signal.addEventListener("abort", () => closed.release(true));
      return hang(request);
    });
    const { id } = await onlyOf(model, (row) => row["status"] === "in_progress");
    leave();
    expect(await closed.promise).toBe(true);
    await over();
    expect(await rowOf(String(id))).toMatchObject({ status: "canceled", stopped: "best_effort", lease: null });
  });

  test("after its inference was claimed in its name, and before it saw that, leaves no slot behind", async () => {
    const model = await resting();
    const seen = held<void>();
    const { db } = still();
    const looks: Ports["db"] = {
      all: (statement) => db.all(statement),
      batch: async (statements) => {
        const isLook = statements.length === 4;
        if (isLook) await seen.promise;
        if (isLook) throw new Unavailable("database", false);
        return db.batch(statements);
      },
    };
    const { leave, over } = client(model, ok, { instead: { db: looks } });
    const { id } = await onlyOf(model, () => true);
    await appears(model);
    await claimed(model, "runner");
    leave();
    seen.release();
    await over();
    expect(await rowOf(String(id))).toMatchObject({ status: "canceled", lease: null });
  });

  test("but had only asked again under the same Idempotency-Key cancels nothing; the first one gets its answer", async () => {
    const model = await served();
    const backend = held<Response>();
    const submission = { idempotency: { key: "k", fingerprint: "f" } };
    const first = client(model, () => backend.promise, { submission });
    const { id } = await onlyOf(model, (row) => row["status"] === "in_progress");
    const second = client(model, ok, { submission });
    const third = client(model, ok, { submission });
    await scheduler.wait(50);
    second.leave();
    await second.over();
    expect((await rowOf(String(id)))["status"]).toBe("in_progress");
    backend.release(Response.json({ one: 1 }));
    expect(await endOf(first.answer)).toMatchObject({ id, status: "succeeded" });
    expect(await third.answer).toMatchObject({ kind: "ended", replayed: true, inference: { id, status: "succeeded" } });
  });
});

describe("a request that dies", () => {
  test("while its inference runs leaves it to a runner when the lease has lapsed", async () => {
    const model = await resting();
    const id = await queued(model, { waiter: "dead" });
    await appears(model);
    expect(await claimed(model, "runner")).toMatchObject({ id, lease: "dead" });
    await timePasses(model, LEASE_MS + 1);
    await sweep(still());
    await run(still({ fetch: gpu(ok) }), [laneOf(model)], "runner");
    expect(await rowOf(id)).toMatchObject({ status: "succeeded", attempt: 2, waiter: null });
  });

  test("of an error leaves it to a runner as well", async () => {
    const model = await resting();
    const { db } = still();
    const { answer } = client(model, ok, {
      instead: {
        db: {
          all: (statement) => db.all(statement),
          batch: (them) => (them.length === 4 ? Promise.reject(new Error("a bug")) : db.batch(them)),
        },
      },
    });
    await expect(answer).rejects.toThrow("a bug");
    expect(await onlyOf(model, () => true)).toMatchObject({ status: "queued", waiter: null });
  });
});

describe("a lease", () => {
  test("of what was claimed in a request's name counts from when the request sees it", async () => {
    const model = await resting();
    const id = await queued(model, { waiter: "request" });
    await appears(model);
    await claimed(model, "runner");
    await timePasses(model, LEASE_MS - 1_000);
    const { claimed: handedOver } = await claimForWaiter(still().db, "account-a", id, "request", 0);
    expect(handedOver).toMatchObject({ id, attempt: 1, lease: "request" });
    expect(Number((await rowOf(id))["lease_until"]) - (await databaseNow())).toBeGreaterThan(LEASE_MS - 5_000);
    expect((await claimForWaiter(still().db, "account-a", id, "request", 1)).claimed).toBeNull();
  });

  test("whose grant took longer to come than it lasts is not called under", async () => {
    const model = await served();
    const clock = standingClock();
    const { db } = still();
    let [called, asked] = [0, 0];
    const late: Ports["db"] = {
      all: (statement) => db.all(statement),
      batch: async (statements) => {
        const answers = await db.batch(statements);
        if (asked++ === 0) clock.advance(2 * LEASE_MS);
        return answers;
      },
    };
    const counted: ScriptedBackend = (request) => {
      request.signal.throwIfAborted();
      called++;
      return ok(request);
    };
    const { answer } = client(model, counted, { instead: { db: late, clock } });
    const { id } = await onlyOf(model, (row) => row["status"] === "in_progress");
    await until(
      async () => {
        clock.advance(1_000);
        return asked;
      },
      (count) => count > 5,
    );
    expect(called).toBe(0);
    await timePasses(model, LEASE_MS + 1);
    await sweep(still());
    await run(still({ fetch: gpu(ok) }), [laneOf(model)], "runner");
    clock.advance(1_000);
    expect(await endOf(answer)).toMatchObject({ id, status: "succeeded", attempt: 2 });
  });

  test("that could not be renewed is let go of for good: an attempt is one call", async () => {
    const model = await served();
    const clock = standingClock();
    const { db } = still();
    let [called, looks] = [0, 0];
    const silent: Ports["db"] = {
      all: (statement) =>
        statement.text.includes("SET lease_until") ? Promise.reject(new Unavailable("database", true)) : db.all(statement),
      batch: (statements) => {
        if (statements.length === 4) looks++;
        return db.batch(statements);
      },
    };
    const hanging: ScriptedBackend = (request) => {
      called++;
      return hang(request);
    };
    const { answer } = client(model, hanging, { instead: { db: silent, clock } });
    await until(
      async () => called,
      (count) => count === 1,
    );
    for (let ms = 0; ms < LEASE_MS; ms += LEASE_RENEW_MS) clock.advance(LEASE_RENEW_MS);
    await until(
      async () => {
        clock.advance(1_000);
        return looks;
      },
      (count) => count > 5,
    );
    expect(called).toBe(1);
    expect(await onlyOf(model, () => true)).toMatchObject({ status: "in_progress", attempt: 1 });
    await timePasses(model, LEASE_MS + 1);
    await sweep(still());
    await run(still({ fetch: gpu(ok) }), [laneOf(model)], "runner");
    clock.advance(1_000);
    expect(await endOf(answer)).toMatchObject({ status: "succeeded", attempt: 2 });
  });

  test("of one that was cancelled before its request saw that it was claimed is given back with the answer", async () => {
    const model = await resting();
    const clock = standingClock();
    const { answer } = client(model, ok, { instead: { clock } });
    const { id } = await onlyOf(model, () => true);
    await appears(model);
    await claimed(model, "runner");
    await cancelInference(still().db, "account-a", String(id));
    await until(
      async () => {
        clock.advance(1_000);
        return rowOf(String(id));
      },
      (row) => row["lease"] === null,
    );
    expect(await endOf(answer)).toMatchObject({ status: "canceled" });
    expect(await rowOf(String(id))).toMatchObject({ status: "canceled", lease: null });
  });

  test("of one that was cancelled before its request knew that the attempt before was recorded is given back too", async () => {
    const model = await served();
    const { db } = still();
    const recorded = Promise.withResolvers<void>();
    let isFirst = true;
    const lossy: Ports["db"] = {
      all: (statement) => db.all(statement),
      async batch(statements) {
        const answers = await db.batch(statements);
        if (!isFirst || !statements.some(({ text }) => text.includes("SET status = 'queued'"))) return answers;
        isFirst = false;
        await claimed(model, "runner");
        const { id } = await onlyOf(model, (row) => row["attempt"] === 2);
        await cancelInference(db, "account-a", String(id));
        recorded.resolve();
        throw new Unavailable("database", true);
      },
    };
    const fails: ScriptedBackend = () => new Response(null, { status: 500 });
    const { answer } = client(model, fails, { submission: { retry: { maxAttempts: 3, initialDelayMs: 0 } }, instead: { db: lossy } });
    await recorded.promise;
    const { id, status } = await endOf(answer);
    expect(status).toBe("canceled");
    expect(await rowOf(id)).toMatchObject({ attempt: 2, status: "canceled", lease: null });
  });
});

test("an inference that failed and is queued again is a runner's: whoever waited has had its answer", async () => {
  const model = await served();
  const failed = await endOf(
    client(model, () => new Response(null, { status: 500 }), { submission: { retry: { maxAttempts: 1 } } }).answer,
  );
  expect(failed.status).toBe("failed");
  await redriveInference(still().db, "account-a", failed.id);
  await run(still({ fetch: gpu(ok) }), [laneOf(model)], "runner");
  expect(await rowOf(failed.id)).toMatchObject({ status: "succeeded", attempt: 2 });
});

describe("a stream", () => {
  afterEach(() => {
    delete http.stream;
  });

  const failed = (error: { code: string } | null) => new TextEncoder().encode(`!${error?.code ?? "canceled"}`);
  const bytes = (text: string) => new TextEncoder().encode(text);

  /** A stream of what `tell` writes. */
  function streaming(
    model: string,
    tell: (sink: Sink, stop: AbortSignal) => Promise<Outcome>,
    words: Partial<StreamWords> = {},
    instead: Partial<Ports> = {},
  ) {
    http.stream = (call, _outside, sink) => tell(sink, call.stop);
    return client(model, ok, { stream: { failed, ...words }, instead });
  }

  async function bodyOf(answer: Promise<WaitResult>): Promise<ReadableStream<Uint8Array>> {
    const attended = await answer;
    if (attended.kind !== "streaming") throw new Error("it does not stream");
    return attended.body;
  }

  test("begins with the first chunk, and its whole is the output", async () => {
    const model = await served();
    const more = held<true>();
    const { answer } = streaming(model, async (sink) => {
      await sink.write(bytes("a"));
      await more.promise;
      await sink.write(bytes("b"));
      return {
        kind: "done",
        output: { body: '"ab"', contentType: "application/json", items: 1, usage: { promptTokens: 1, completionTokens: 2 } },
      };
    });
    const reader = (await bodyOf(answer)).getReader();
    expect((await reader.read()).value).toEqual(bytes("a"));
    more.release(true);
    expect((await reader.read()).value).toEqual(bytes("b"));
    expect((await reader.read()).done).toBe(true);
    expect(await onlyOf(model, () => true)).toMatchObject({
      status: "succeeded",
      output: '"ab"',
      usage: '{"promptTokens":1,"completionTokens":2}',
    });
  });

  test("that broke before it began is tried again; after that it ends with the failure and is not", async () => {
    const model = await served();
    let attempts = 0;
    const { answer } = streaming(model, async (sink) => {
      if (++attempts > 1) await sink.write(bytes("a"));
      return { kind: "retry", error: { class: "infrastructure", code: "backend_cut", message: "cut", status: 502 } };
    });
    expect(await new Response(await bodyOf(answer)).text()).toBe("a!backend_cut");
    expect(await onlyOf(model, () => true)).toMatchObject({ status: "failed", attempt: 2 });
  });

  test("whose reader stops is cancelled and its backend let go", async () => {
    const model = await served();
    const stop = held<true>();
    const { answer, over } = streaming(model, async (sink, signal) => {
      signal.addEventListener("abort", () => stop.release(true));
      try {
        for (;;) await sink.write(bytes("a"));
      } catch {
        return { kind: "abandoned" };
      }
    });
    const reader = (await bodyOf(answer)).getReader();
    await reader.read();
    await reader.cancel();
    expect(await stop.promise).toBe(true);
    await over();
    expect(await onlyOf(model, () => true)).toMatchObject({ status: "canceled", lease: null });
  });

  const done: Outcome = { kind: "done", output: { body: '"a"', contentType: "application/json", items: 1 } };

  test("says that it has ended once that is recorded: a client that leaves when it reads it cancels nothing", async () => {
    const model = await served();
    const tell = async (sink: Sink) => {
      await sink.write(bytes("a"));
      return done;
    };
    const { answer, leave, over } = streaming(model, tell, { succeeded: bytes(".") });
    const reader = (await bodyOf(answer)).getReader();
    expect((await reader.read()).value).toEqual(bytes("a"));
    expect((await reader.read()).value).toEqual(bytes("."));
    const read = await onlyOf(model, () => true);
    leave();
    await reader.cancel();
    await over();
    expect([read["status"], (await onlyOf(model, () => true))["status"]]).toEqual(["succeeded", "succeeded"]);
  });

  test("says that it is there while the backend is silent, but not to a client that has not taken what there is", async () => {
    const model = await served();
    const more = held<true>();
    const tell = async (sink: Sink) => {
      await sink.write(bytes("a"));
      await more.promise;
      await sink.write(bytes("b"));
      return done;
    };
    const clock = standingClock();
    const idles = () => clock.asked.filter((ms) => ms === STREAM_IDLE_MS).length;
    /** Time goes on until that has been waited for once more. */
    const pass = async () => {
      const before = idles();
      clock.advance(STREAM_IDLE_MS);
      await until(
        async () => idles(),
        (now) => now > before,
      );
    };
    const { answer } = streaming(model, tell, { idle: bytes("~") }, { clock });
    const reader = (await bodyOf(answer)).getReader();
    for (let time = 0; time < 4; time++) await pass();
    expect((await reader.read()).value).toEqual(bytes("a"));
    const next = reader.read();
    await pass(); // that "a" was taken may be noticed only now
    clock.advance(STREAM_IDLE_MS);
    expect((await next).value).toEqual(bytes("~"));
    more.release(true);
    let rest = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) rest += new TextDecoder().decode(part.value);
    expect(rest).toMatch(/^~?b$/);
  });
});

describe("a request that would wait", () => {
  test.each([
    ["no backend", []],
    ["only paused backends", ["paused"]],
    ["only paused and draining backends", ["paused", "draining"]],
  ])("for a model with %s is refused at once, and nothing of it is queued", async (_what, states) => {
    const model = await newModel();
    for (const state of states) {
      await appears(model);
      await env.DB.prepare("UPDATE backends SET state = ? WHERE model = ? AND state = 'active'").bind(state, model).run();
    }
    const refused = client(model).answer;
    await expect(refused).rejects.toMatchObject({ code: "model_not_ready", status: 503, headers: { "Retry-After": "10" } });
    expect(await env.DB.prepare("SELECT count(*) AS n FROM inferences WHERE model = ?").bind(model).first("n")).toBe(0);
  });

  test("as one more than an account may have waiting is refused, until one of them has left; another account's is not", async () => {
    const model = await resting();
    const waiting = Array.from({ length: WAITERS_PER_ACCOUNT }, () => client(model, hang, { submission: { accountId: "crowd" } }));
    const queuedAre = (wanted: number) =>
      until(
        async () => Number(await env.DB.prepare("SELECT count(*) AS n FROM inferences WHERE model = ?").bind(model).first("n")),
        (count) => count >= wanted,
      );
    await queuedAre(WAITERS_PER_ACCOUNT);
    const more = () => client(model, hang, { submission: { accountId: "crowd" } });
    const refused = more();
    const told = await Promise.race([refused.answer.catch((error: unknown) => error), queuedAre(WAITERS_PER_ACCOUNT + 1)]);
    expect(told).toMatchObject({ code: "too_many_waiting", status: 429 });
    const other = client(model, hang, { submission: { accountId: "another" } });
    const [leaver, ...others] = waiting;
    if (leaver) await gone(leaver);
    const next = more();
    await queuedAre(WAITERS_PER_ACCOUNT + 2);
    await gone(other, next, ...others);
  });
});
