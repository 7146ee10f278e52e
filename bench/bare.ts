/** A Worker of a few lines on the same runtime: what the runtime itself allows, beside which ours is measured. */
import { readFileSync, readdirSync } from "node:fs";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { GPU_NETWORK, freePort } from "../src/local/runtime.ts";
import { newFolder } from "../test/support/deployment.ts";

export interface Bare {
  readonly url: string;
  /** Of the runtime. */
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts it with a bucket `BUCKET`, a database `DB`, and `NETWORK`, the way in which ours calls GPU servers; `objects` are its
 * classes of Durable Objects, by their bindings; with `callsItself` it is its own `SELF`.
 */
export async function startBare(script: string, objects: Readonly<Record<string, string>> = {}, callsItself = false): Promise<Bare> {
  const port = await freePort("127.0.0.1");
  delete process.env["MINIFLARE_WORKERD_V8_FLAGS"]; // set by a runtime of ours that ran in this process before
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      port: 0,
      host: "127.0.0.1",
      cf: false,
      resourcePersistencePath: newFolder(),
      workers: [
        {
          name: "bare",
          compatibilityDate: "2026-10-01",
          modules: [{ type: "ESModule", path: "bare.js", contents: script }],
          r2Buckets: ["BUCKET"],
          d1Databases: ["DB"],
          durableObjects: Object.fromEntries(
            Object.entries(objects).map(([binding, className]) => [binding, { className, useSQLite: true }]),
          ),
          serviceBindings: { NETWORK: GPU_NETWORK, ...(callsItself ? { SELF: "bare" } : {}) },
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  await miniflare.ready;
  const pid = runtimeOf((parent) => parent === process.pid);
  return { url: `http://127.0.0.1:${port}`, pid, stop: () => miniflare.dispose() };
}

/** The runtime that a process of ours has started, or one of its group; other runtimes may come and go on this machine. */
export function runtimeOf(isOurs: (parent: number, group: number) => boolean): number {
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [, parent = 0, group = 0] = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      if (stat.includes("(workerd") && isOurs(parent, group)) return Number(pid);
    } catch {
      // Ended meanwhile.
    }
  }
  throw new Error("no runtime");
}
