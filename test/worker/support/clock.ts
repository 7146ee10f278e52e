/** Time, and when things happen: nothing moves but when the test says so. */
import { env } from "cloudflare:workers";
import type { Clock } from "../../../src/ports.ts";
import { still } from "./ports.ts";

/** A promise that is kept when the test says so. */
export function held<T>(): { promise: Promise<T>; release: (value: T) => void } {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, release: resolve };
}

/** The database's own clock, in ms. */
export async function databaseNow(): Promise<number> {
  return Number(await env.DB.prepare("SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now").first("now"));
}

const INFERENCE_STAMPS = [
  "created_at",
  "updated_at",
  "start_by",
  "not_before",
  "ages_at",
  "cancel_at",
  "first_started_at",
  "started_at",
  "finished_at",
  "lease_until",
];

const BACKEND_STAMPS = ["created_at", "rested_until", "probe_at"];

/** Lets time pass for a model and all that is its: every stamp moves that far into the past. */
export async function timePasses(model: string, ms: number): Promise<void> {
  const earlier = (stamps: readonly string[]) => stamps.map((stamp) => `${stamp} = ${stamp} - ?1`).join(", ");
  await env.DB.batch([
    env.DB.prepare(`UPDATE inferences SET ${earlier(INFERENCE_STAMPS)} WHERE model = ?2`).bind(ms, model),
    env.DB.prepare("UPDATE due_notes SET due_at = due_at - ?").bind(ms),
    env.DB.prepare(`UPDATE backends SET ${earlier(BACKEND_STAMPS)} WHERE model = ?2`).bind(ms, model),
  ]);
}

/** A clock that stands still until it is moved; `asked` are the pauses that sleepers asked for. */
export function standingClock(): Clock & { asked: number[]; advance(ms: number): void } {
  let now = Date.now();
  const sleepers = new Set<{ until: number; wake: () => void }>();
  const asked: number[] = [];
  return {
    ...still().clock,
    asked,
    now: () => now,
    sleep(ms, signal) {
      if (signal?.aborted) return Promise.resolve();
      asked.push(ms);
      return new Promise((resolve) => {
        const sleeper = { until: now + ms, wake: resolve };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", () => {
          sleepers.delete(sleeper);
          resolve();
        });
      });
    },
    after(ms, run) {
      asked.push(ms);
      const sleeper = { until: now + ms, wake: run };
      sleepers.add(sleeper);
      return () => void sleepers.delete(sleeper);
    },
    advance(ms) {
      now += ms;
      for (const sleeper of sleepers) {
        if (sleeper.until > now) continue;
        sleepers.delete(sleeper);
        sleeper.wake();
      }
    },
  };
}
