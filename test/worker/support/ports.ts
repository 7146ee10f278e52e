/** Ports and environments of a test: the real ones, with parts kept still or made to fail. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { handle } from "../../../src/router.ts";
import { sweep } from "../../../src/maintenance/sweep.ts";
import type { Lane } from "../../../src/models/lane.ts";
import type { Ports } from "../../../src/ports.ts";
import { portsOf } from "../../../src/entry/bindings.ts";
import { asDocumented } from "./documented.ts";
import { ORIGIN } from "./requests.ts";

/** The real ports, with those given put in their place. */
export function ports(instead: Partial<Ports> = {}): Ports {
  return { ...portsOf(env), ...instead };
}

/** The real ports, but nobody is told of anything: no wake-up is sent and no sweep armed, so only what the test does happens. */
export function still(instead: Partial<Ports> = {}): Ports {
  return ports({ wake: async () => {}, armSweep: async () => {}, deliver: async () => {}, ...instead });
}

/** An environment whose queue and sweep keep still, for a Worker that is called as a function. */
export function stillEnv(instead: Record<string, unknown> = {}): Env {
  const quiet = {
    WAKE_UPS: { sendBatch: async () => {} },
    SWEEP: { getByName: () => ({ arm: async () => {} }) },
    DELIVERY: { getByName: () => ({ deliver: async () => {} }) },
  };
  return { ...env, ...quiet, ...instead } as unknown as Env; // stands in for the few calls that are made of these bindings
}

/** As `as`, of a Worker with that environment; the answer comes when all that was left for after it is done too. */
export async function stillAs(
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  environment: Env = stillEnv(),
): Promise<Response> {
  const ctx = createExecutionContext();
  const init = {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  };
  const request = new Request(ORIGIN + path, init);
  const answer = await handle(request, environment, ctx);
  await waitOnExecutionContext(ctx);
  return asDocumented(request, answer);
}

/** A database that does what the fault makes of each question: it may refuse it, stall, or lose the answer after the effect. */
export function faultyDatabase(fault: <T>(texts: readonly string[], effect: () => Promise<T>) => Promise<T>): unknown {
  interface Bound {
    text: string;
    real: D1PreparedStatement;
  }
  return asDatabase({
    prepare: (text: string) => ({
      bind: (...params: unknown[]) => {
        const real = env.DB.prepare(text).bind(...params);
        return { text, real, all: () => fault([text], () => real.all()) };
      },
    }),
    batch: (statements: Bound[]) =>
      fault(
        statements.map(({ text }) => text),
        () => env.DB.batch(statements.map(({ real }) => real)),
      ),
  });
}

/** What stands in for a database, also in sessions. */
export function asDatabase(fake: { prepare: unknown; batch?: unknown }): D1Database {
  return { ...fake, withSession: () => ({ ...fake, getBookmark: () => null }) } as unknown as D1Database; // of it, what is used
}

/** A pass of the sweep whose GPU servers all answer 503, and the lanes that it woke. */
export async function swept(instead: Partial<Ports> = {}): Promise<Lane[]> {
  const woken: Lane[] = [];
  await sweep(
    still({
      fetch: async () => new Response(null, { status: 503 }),
      async wake(lanes) {
        woken.push(...lanes);
      },
      ...instead,
    }),
  );
  return woken;
}
