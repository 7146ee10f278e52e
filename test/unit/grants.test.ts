/** Grants against the limit that they are of: isolates that hold permits in advance, far from their gate, under a clock of the test's own. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Admissions, LimitReached } from "../../src/http/admit.ts";
import { Gate, type Verdict } from "../../src/keys/gate.ts";
import type { Key } from "../../src/keys/store.ts";
import { GRANT_MS } from "../../src/limits.ts";
import { Problem } from "../../src/problem.ts";

const DIGEST = "d".repeat(64);
const CALLER = { keyId: "k".repeat(18), accountId: "k".repeat(12), digest: DIGEST };

/** Time that passes when all that is under way waits for it. */
class Time {
  now = 1_790_000_000_000;
  /** What is due, latest first. */
  readonly #due: { readonly at: number; readonly run: () => void }[] = [];

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const at = this.now + ms;
      let place = this.#due.length;
      while (place > 0 && (this.#due[place - 1]?.at ?? 0) <= at) place--;
      this.#due.splice(place, 0, { at, run: resolve });
    });
  }

  /** Until nothing is due any more. */
  async run(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve(); // all that goes on without time
      const next = this.#due.pop();
      if (!next) return;
      this.now = Math.max(this.now, next.at);
      next.run();
    }
  }
}

class World {
  readonly time = new Time();
  readonly key: Key;
  gate: Gate;
  /** When each call that was let through counts: those who waited for the gate by the gate's time, all others by their own. */
  readonly passed: number[] = [];
  refused = 0;
  asked = 0;
  /** Calls that were not answered at once. */
  waited = 0;
  /** The turns of those who were refused, ms. */
  readonly turns: number[] = [];
  #revokedAt: number | null = null;
  #isolates = 0;

  constructor(limit: number) {
    const limits = { read: limit, submit: limit, cancel: limit };
    this.key = {
      id: CALLER.keyId,
      accountId: CALLER.accountId,
      name: "",
      digest: DIGEST,
      scopes: ["read"],
      limits,
      createdAt: 0,
      expiresAt: null,
      revokedAt: null,
      lastUsedAt: null,
    };
    this.gate = this.#begun();
  }

  #begun(): Gate {
    return new Gate(
      async () => ({ ...this.key, revokedAt: this.#revokedAt }),
      () => this.time.now,
      (ms) => this.time.sleep(ms),
    );
  }

  /** The gate dies, and another knows nothing of what it counted. */
  restart(): void {
    this.gate = this.#begun();
  }

  /** A gate that dies answers nobody any more; another is asked then, as by askAgain. */
  async #ask(...asked: Parameters<Gate["admit"]>): Promise<Verdict> {
    for (;;) {
      const { gate } = this;
      const verdict = await gate.admit(...asked);
      if (gate === this.gate) return verdict;
    }
  }

  revoke(): void {
    this.#revokedAt = this.time.now;
    this.gate.forget();
  }

  /** An isolate that is so far from the gate. */
  isolate(distanceMs: number): (at: number) => void {
    const { time } = this;
    const number = this.#isolates++;
    let asked = 0;
    const admissions = new Admissions({
      clock: { now: () => time.now, sleep: (ms) => time.sleep(ms), after: () => () => {}, timeout: () => AbortSignal.abort() },
      randomBytes: (count) => Uint8Array.of(number, asked % 62, Math.floor(asked++ / 62), ...new Uint8Array(count - 3)),
      gate: {
        admit: async (_keyId, digest, scope, asking) => {
          await time.sleep(distanceMs);
          this.asked++;
          const verdict = await this.#ask(digest, scope, asking);
          if (verdict.admitted) this.passed.push(...Array.from({ length: verdict.callers }, () => time.now));
          await time.sleep(distanceMs);
          return verdict;
        },
        ended: (_keyId, digest, scope) => this.gate.ended(digest, scope),
        forget: async () => {},
      },
    });
    const call = async () => {
      const begunAt = time.now;
      try {
        if (admissions.admitHere(CALLER, "read")) this.passed.push(time.now);
        else await admissions.admit(CALLER, "read", () => {});
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        this.refused++;
        if (error instanceof LimitReached) this.turns.push(time.now + error.allowance.retryAfterMs);
      }
      if (time.now > begunAt) this.waited++;
    };
    return (at) => void time.sleep(at - time.now).then(call);
  }
}

describe("the grants of a key", () => {
  const bursts = fc.array(
    fc.record({ isolate: fc.nat(7), atMs: fc.nat(4_000), calls: fc.integer({ min: 1, max: 12 }), everyMs: fc.nat(60) }),
    { minLength: 1, maxLength: 30 },
  );

  /** The most that a bucket of the limit would have held, had every call that passed come to it at its time. */
  function fullest(world: World, limit: number): number {
    let [level, at, most] = [0, 0, 0];
    for (const time of world.passed.toSorted((a, b) => a - b)) {
      level = Math.max(0, level - ((time - at) * limit) / 1_000) + 1;
      at = time;
      most = Math.max(most, level);
    }
    return most;
  }

  test("never let one call over the limit through in any window, whatever eight isolates do", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat(120), { minLength: 8, maxLength: 8 }),
        bursts,
        async (limit, distances, asked) => {
          const world = new World(limit);
          const isolates = distances.map((distance) => world.isolate(distance));
          const from = world.time.now;
          for (const { isolate, atMs, calls, everyMs } of asked)
            for (let call = 0; call < calls; call++) isolates[isolate]?.(from + atMs + call * everyMs);
          await world.time.run();
          expect(world.passed.length).toBeGreaterThan(0);
          expect(fullest(world, limit)).toBeLessThanOrEqual(limit + 1e-6);
        },
      ),
      { numRuns: 200 },
    );
  });

  test("add one burst at most where the gate is restarted meanwhile, whatever eight isolates still hold", async () => {
    let most = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat(120), { minLength: 8, maxLength: 8 }),
        bursts,
        fc.nat(5_000),
        async (limit, distances, asked, restartMs) => {
          const world = new World(limit);
          const isolates = distances.map((distance) => world.isolate(distance));
          const from = world.time.now;
          for (const { isolate, atMs, calls, everyMs } of asked)
            for (let call = 0; call < calls; call++) isolates[isolate]?.(from + atMs + call * everyMs);
          void world.time.sleep(restartMs).then(() => world.restart());
          await world.time.run();
          most = Math.max(most, fullest(world, limit) / limit);
          expect(fullest(world, limit)).toBeLessThanOrEqual(2 * limit + 1e-6);
        },
      ),
      { numRuns: 200 },
    );
    expect(most).toBeGreaterThan(1); // else nothing was forgotten
  });

  test("are still within the limit where one isolate uses its grant late, while another asks for all there is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 40, max: 120 }),
        fc.integer({ min: 50, max: 100 }),
        fc.nat(1_000),
        async (limit, sharePercent, pauseMs) => {
          const world = new World(limit);
          const [holder, other] = [world.isolate(1), world.isolate(1)];
          const from = world.time.now;
          const gapMs = 100_000 / (limit * sharePercent);
          for (let at = 0; at < 2_000; at += gapMs) holder(from + Math.round(at));
          for (let call = 0; call < 2 * limit; call++) (call % 2 === 0 ? holder : other)(from + 2_000 + pauseMs);
          await world.time.run();
          expect(fullest(world, limit)).toBeLessThanOrEqual(limit + 1e-6);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("refuse nothing to one caller who keeps to 95 % of the limit, and spare it most questions", async () => {
    for (const limit of [20, 200, 1_000]) {
      const world = new World(limit);
      const isolate = world.isolate(10);
      const from = world.time.now;
      const calls = limit * 0.95 * 20;
      for (let call = 0; call < calls; call++) isolate(from + Math.round((call * 1_000) / (limit * 0.95)));
      await world.time.run();
      expect([limit, world.refused]).toEqual([limit, 0]);
      expect(world.asked).toBeLessThan(calls / 3);
    }
  });

  test("are over within a second of the key's being revoked, in every isolate", async () => {
    const world = new World(100);
    const isolates = [world.isolate(5), world.isolate(20)];
    const from = world.time.now;
    for (const isolate of isolates) for (let at = 0; at < 4_000; at += 25) isolate(from + at);
    void world.time.sleep(2_000).then(() => world.revoke());
    await world.time.run();
    const last = Math.max(...world.passed);
    expect(last - from).toBeGreaterThan(1_900);
    expect(last - from).toBeLessThanOrEqual(2_000 + GRANT_MS);
  });

  test("do not give a permit to a call that came when they were over", async () => {
    const world = new World(100);
    const isolate = world.isolate(0);
    const from = world.time.now;
    for (let at = 0; at < 1_000; at += 12) isolate(from + at); // so that it is given a grant
    await world.time.run();
    world.revoke();
    isolate(world.time.now + GRANT_MS);
    await world.time.run();
    expect(world.refused).toBe(1);
  });
});

test("turns that were told to nobody are given back", async () => {
  const world = new World(20);
  const asking = { grant: "a", callers: 20, later: 0, turns: 0, settled: null, untold: null, holds: true };
  expect(await world.gate.admit(DIGEST, "read", asking)).toMatchObject({ admitted: true, callers: 20 });
  const flood = { ...asking, grant: "b", callers: 1, turns: 100 };
  expect(await world.gate.admit(DIGEST, "read", flood)).toMatchObject({ admitted: false, turns: 101, allowance: { retryAfterMs: 50 } });
  const after = { ...asking, grant: "c", callers: 1, untold: { grant: "b", turns: 100 } };
  expect(await world.gate.admit(DIGEST, "read", after)).toMatchObject({ admitted: false, turns: 1, allowance: { retryAfterMs: 100 } });
});

test("turns that were given before another's are not given back, since the other's come after them", async () => {
  const world = new World(20);
  const asking = { grant: "a", callers: 20, later: 0, turns: 0, settled: null, untold: null, holds: true };
  await world.gate.admit(DIGEST, "read", asking);
  await world.gate.admit(DIGEST, "read", { ...asking, grant: "b", callers: 1, turns: 9 });
  expect(await world.gate.admit(DIGEST, "read", { ...asking, grant: "of another", callers: 1 })).toMatchObject({
    allowance: { retryAfterMs: 550 },
  });
  const after = { ...asking, grant: "c", callers: 1, untold: { grant: "b", turns: 9 } };
  expect(await world.gate.admit(DIGEST, "read", after)).toMatchObject({ allowance: { retryAfterMs: 600 } });
});

describe("five callers that were refused at once", () => {
  test("are each told a turn of their own, by an isolate that asked its gate twice", async () => {
    const world = new World(1);
    const told: number[] = [];
    const { time } = world;
    const isolate = new Admissions({
      clock: { now: () => time.now, sleep: (ms) => time.sleep(ms), after: () => () => {}, timeout: () => AbortSignal.abort() },
      randomBytes: (count) => new Uint8Array(count),
      gate: {
        admit: async (_keyId, digest, scope, asking) => {
          world.asked++;
          await time.sleep(5);
          return world.gate.admit(digest, scope, asking);
        },
        ended: async () => null,
        forget: async () => {},
      },
    });
    const call = async () => {
      try {
        await isolate.admit(CALLER, "read", () => {});
        return "passed";
      } catch (error) {
        if (!(error instanceof LimitReached)) throw error;
        told.push(Math.ceil(error.allowance.retryAfterMs / 1_000) * 1_000);
        return "refused";
      }
    };
    const first = Promise.all(Array.from({ length: 5 }, call));
    await time.run();
    expect((await first).toSorted()).toEqual(["passed", "refused", "refused", "refused", "refused"]);
    expect(told.toSorted((a, b) => a - b)).toEqual([1_000, 2_000, 3_000, 4_000]);
    expect(world.asked).toBeLessThanOrEqual(3);
    const from = time.now;
    const again = Promise.all(told.map((ms) => time.sleep(from + ms - time.now).then(call)));
    await time.run();
    expect(await again).toEqual(["passed", "passed", "passed", "passed"]);
  });
});

describe("calls that come without heeding their turns", () => {
  test("ask the gate once for each permit, and only those wait that it is for", async () => {
    const world = new World(20);
    const isolate = world.isolate(5);
    const from = world.time.now;
    for (let call = 0; call < 6_000; call++) isolate(from + Math.floor(call / 3));
    await world.time.run();
    expect(world.passed.length).toBeGreaterThan(55); // of 20 at once, and 40 in 2 s
    expect(world.passed.length).toBeLessThanOrEqual(60);
    expect(world.asked).toBeLessThan(80);
    expect(world.waited).toBeLessThan(1_000); // until it is known that they are so many
  });

  test("are each told a turn of its own, soon, however far the gate is", async () => {
    const world = new World(100);
    const isolate = world.isolate(20);
    const from = world.time.now;
    for (let at = 0; at < 2_000; at++) isolate(from + at);
    await world.time.run();
    const sorted = world.turns.toSorted((a, b) => a - b);
    expect(sorted.length).toBeGreaterThan(1_500);
    expect(Math.min(...sorted.slice(1).map((turn, index) => turn - (sorted[index] ?? 0)))).toBeGreaterThan(9); // one each 10 ms
  });

  test("are each told a turn of its own by two isolates too", async () => {
    const world = new World(100);
    const isolates = [world.isolate(20), world.isolate(20)];
    const from = world.time.now;
    for (let at = 0; at < 2_000; at++) isolates[at % 2]?.(from + at);
    await world.time.run();
    const sorted = world.turns.toSorted((a, b) => a - b);
    expect(sorted.length).toBeGreaterThan(1_500);
    expect(Math.min(...sorted.slice(1).map((turn, index) => turn - (sorted[index] ?? 0)))).toBeGreaterThan(9);
  });
});
