/** Hints: what only makes sooner what the sweep would find anyway. Each may fail: that is logged and no more. */
import { logError } from "../platform/log.ts";

/** Work to be done after the answer, as `ExecutionContext.waitUntil` takes it. */
export type After = (work: Promise<unknown>) => void;

/** Work after the answer that only hurries what the sweep would do: a failure is noted and no more. */
export async function bestEffort(event: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    logError(event, error);
  }
}
