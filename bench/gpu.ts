/**
 * A GPU server in a process of its own, as it would be on a machine of its own: what the bench itself does meanwhile is not
 * counted as time in which slots stand idle. Answers each call after the time that it was given, and tells when its
 * calls began and ended.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { slow, startGpu } from "../test/support/gpu.ts";

/** From a call's reaching the server until its answer was sent, in ms since 1970. */
export interface Slot {
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface GpuProcess {
  readonly url: string;
  /** Its calls, once so many have ended; it says so by itself, since being asked costs time too. */
  calls(count: number): Promise<readonly Slot[]>;
  end(): void;
}

const ROLE = "serves-as-gpu";
const LOOK_MS = 200;

export async function startGpuProcess(jobMs: number): Promise<GpuProcess> {
  const child = fork(fileURLToPath(import.meta.url), [ROLE, String(jobMs)]);
  const [url] = (await once(child, "message")) as [string]; // told below
  return {
    url,
    async calls(count) {
      child.send(count);
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
  process.on("message", (count: number) => {
    const tellWhenEnded = () => {
      const ended = gpu.calls.filter(({ endedAt }) => endedAt !== null);
      if (ended.length < count) return;
      clearInterval(timer);
      process.send?.(ended.map(({ arrivedAt, endedAt }) => ({ startedAt: arrivedAt, endedAt })));
    };
    const timer = setInterval(tellWhenEnded, LOOK_MS);
  });
  process.send?.(gpu.url);
}
