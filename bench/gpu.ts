/**
 * A GPU server in a process of its own, as it would be on a machine of its own: what the bench itself does meanwhile is not
 * counted as time in which slots stand idle. Answers each call after the time that it was given, and tells when its
 * calls began and ended.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { slow, startGpu } from "../test/support/gpu.ts";

/** In ms since 1970. */
export interface Slot {
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface GpuProcess {
  readonly url: string;
  /** Those of its calls that have ended, but for the first so many. */
  calls(after: number): Promise<readonly Slot[]>;
  end(): void;
}

const ROLE = "serves-as-gpu";

export async function startGpuProcess(jobMs: number): Promise<GpuProcess> {
  const child = fork(fileURLToPath(import.meta.url), [ROLE, String(jobMs)]);
  const [url] = (await once(child, "message")) as [string]; // told below
  return {
    url,
    async calls(after) {
      child.send(after);
      const [calls] = (await once(child, "message")) as [readonly Slot[]]; // told below
      return calls;
    },
    end: () => void child.kill(),
  };
}

const [, , role, jobMs] = process.argv;
if (role === ROLE) {
  const gpu = await startGpu(() => slow(Number(jobMs)));
  process.on("disconnect", () => process.exit());
  process.on("message", (after: number) => {
    const ended = gpu.calls.slice(after).filter(({ endedAt }) => endedAt !== null);
    process.send?.(ended.map(({ startedAt, endedAt }) => ({ startedAt, endedAt })));
  });
  process.send?.(gpu.url);
}
