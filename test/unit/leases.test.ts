import { expect, test } from "vitest";
import { setImmediate as immediate } from "node:timers/promises";
import { Leases } from "../../src/inferences/leases.ts";
import type { Fence } from "../../src/inferences/sql/record.ts";
import { CANCEL_LOOK_MS, LEASE_MARGIN_MS, LEASE_MS, LEASE_RENEW_MS } from "../../src/limits.ts";
import type { Ports } from "../../src/ports.ts";

const HOLD: Fence = { accountId: "acct_1", id: "inf_1", attempt: 1, lease: "mine" };

/** Stands still when told to: its clock goes on, and none of its timers fires. */
function isolate() {
  let now = 1_000_000;
  const ports = {
    clock: { now: () => now, sleep: () => new Promise<void>(() => {}), after: () => () => {}, timeout: () => new AbortController().signal },
    db: { all: () => Promise.reject(new Error("not asked here")), batch: () => Promise.reject(new Error("not asked here")) },
  } satisfies Pick<Ports, "clock" | "db">;
  return { ports, now: () => now, standStill: (ms: number) => (now += ms) };
}

test("an isolate that stood still past its lease does not begin a call when it wakes, though no timer has fired yet", () => {
  const { ports, now, standStill } = isolate();
  const leases = new Leases(ports, "mine");
  const stop = leases.take(HOLD, now());
  expect(leases.mayCall(HOLD)).toBe(true);
  standStill(LEASE_MS - LEASE_MARGIN_MS - 1);
  expect(leases.mayCall(HOLD)).toBe(true);
  standStill(1);
  expect(leases.mayCall(HOLD)).toBe(false);
  expect(stop.aborted).toBe(true);
  expect(leases.has(HOLD)).toBe(false);
});

test("a claim whose answer took as long as its lease is never held", () => {
  const { ports, now, standStill } = isolate();
  const leases = new Leases(ports, "mine");
  const askedAt = now();
  standStill(LEASE_MS - LEASE_MARGIN_MS);
  expect(leases.take(HOLD, askedAt).aborted).toBe(true);
  expect(leases.mayCall(HOLD)).toBe(false);
});

test("what is not held may not be called for", () => {
  const { ports, now } = isolate();
  const leases = new Leases(ports, "mine");
  leases.take(HOLD, now());
  leases.release(HOLD);
  expect(leases.mayCall(HOLD)).toBe(false);
  expect(leases.mayCall({ ...HOLD, attempt: 2 })).toBe(false);
});

/** An isolate whose sleepers wake when time passes, and a database that answers as told and keeps what it was asked. */
function running(answer: (text: string) => Promise<never[]>) {
  let now = 1_000_000;
  let sleepers: { until: number; wake: () => void }[] = [];
  const asked: string[] = [];
  const ports = {
    clock: {
      now: () => now,
      sleep: (ms: number) => new Promise<void>((wake) => void sleepers.push({ until: now + ms, wake })),
      after: () => () => {},
      timeout: () => new AbortController().signal,
    },
    db: {
      async all({ text }) {
        asked.push(text.includes("SET lease_until") ? "renewal" : "look");
        return answer(text);
      },
      batch: () => Promise.reject(new Error("not asked here")),
    },
  } satisfies Pick<Ports, "clock" | "db">;
  const pass = async (ms: number) => {
    for (const end = now + ms; now < end;) {
      now += 50;
      const due = sleepers.filter(({ until }) => until <= now);
      sleepers = sleepers.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
      await immediate();
    }
  };
  return { ports, asked, now: () => now, pass };
}

test("an attempt that runs for less than a look costs none, one after the other", async () => {
  const { ports, asked, now, pass } = running(async () => []);
  const leases = new Leases(ports, "mine");
  for (let attempt = 1; attempt <= 20; attempt++) {
    const hold = { ...HOLD, attempt };
    leases.take(hold, now());
    await pass(CANCEL_LOOK_MS / 3);
    leases.release(hold);
  }
  expect(asked).toEqual([]);
});

test("a database that stalls on a look holds up no renewal, and is not asked to look again meanwhile", async () => {
  const { ports, asked, now, pass } = running(() => new Promise(() => {}));
  const leases = new Leases(ports, "mine");
  leases.take(HOLD, now());
  await pass(LEASE_RENEW_MS);
  expect(asked).toEqual(["look", "renewal"]);
});
