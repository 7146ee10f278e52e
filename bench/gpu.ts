/**
 * A GPU server in a thread of its own, as it would be on a machine of its own: what the bench itself does meanwhile is not
 * counted as time in which slots stand idle. Answers each call after the time that it was given, and tells when its
 * calls began and ended.
 */
import { once } from "node:events";
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
import { slow, startGpu } from "../test/support/gpu.ts";

/** By the clock of the machine. */
export interface Slot {
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface GpuThread {
  readonly url: string;
  /** Those of its calls that have ended, but for the first so many. */
  calls(after: number): Promise<readonly Slot[]>;
  end(): Promise<void>;
}

export async function startGpuThread(jobMs: number): Promise<GpuThread> {
  const thread = new Worker(new URL(import.meta.url), { workerData: jobMs });
  const [url] = (await once(thread, "message")) as [string]; // told below
  return {
    url,
    async calls(after) {
      thread.postMessage(after);
      const [calls] = (await once(thread, "message")) as [readonly Slot[]]; // told below
      return calls;
    },
    async end() {
      await thread.terminate();
    },
  };
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const gpu = await startGpu(() => slow(Number(workerData)));
  port.on("message", (after: number) => {
    const ended = gpu.calls.slice(after).filter(({ endedAt }) => endedAt !== null);
    port.postMessage(ended.map(({ startedAt, endedAt }) => ({ startedAt, endedAt })));
  });
  port.postMessage(gpu.url);
}
