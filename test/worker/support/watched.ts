/** A Worker whose questions to the platform are counted. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { handle } from "../../../src/router.ts";
import { ORIGIN } from "./requests.ts";

/** An environment in which asking anything is counted. */
export function watched() {
  const asked = vi.fn<(what: string | symbol) => void>();
  const watch = <T extends object>(binding: T, ...methods: string[]): T =>
    new Proxy(binding, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (methods.includes(String(name))) asked(name);
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
  const watching: Env = {
    ...env,
    GATE: watch(env.GATE, "getByName", "get", "idFromName"),
    DB: { withSession: (constraint: string) => watch(env.DB.withSession(constraint), "prepare", "batch") } as unknown as D1Database, // all that is used of it
    PAYLOADS: watch(env.PAYLOADS, "get", "head", "put", "list"),
  };
  const send = (key: string, path: string, { method = "GET", headers = {} }: { method?: string; headers?: Record<string, string> } = {}) =>
    handle(
      new Request(ORIGIN + path, { method, headers: { Authorization: `Bearer ${key}`, ...headers } }),
      watching,
      createExecutionContext(),
    );
  return { asked, send };
}
