import { expect, test } from "vitest";
import { Leases } from "../../src/inferences/leases.ts";
import type { Fence } from "../../src/inferences/sql/record.ts";
import { LEASE_MARGIN_MS, LEASE_MS } from "../../src/limits.ts";
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
