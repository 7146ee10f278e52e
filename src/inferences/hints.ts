/**
 * Hints: each only makes sooner what the sweep would find anyway, so one may be lost, doubled or late. None rejects; a
 * failure is logged with its cause. Whatever changes an inference gives its hints from here.
 */
import type { Lane } from "../models/lane.ts";
import { logError } from "../platform/log.ts";
import type { Ports } from "../ports.ts";

/** Work to be done after the answer, as `ExecutionContext.waitUntil` takes it. */
export type After = (work: Promise<unknown>) => void;

/** There may be work in these lanes. */
export function hintWork(ports: Pick<Ports, "wake">, lanes: readonly Lane[]): Promise<void> {
  return bestEffort("wake_up_not_sent", ports.wake(lanes));
}

/** These accounts may have deliveries to be sent. */
export function hintDeliveries(ports: Pick<Ports, "deliver">, accountIds: readonly string[]): Promise<void> {
  return bestEffort("deliveries_not_announced", ports.deliver(accountIds));
}

/** The sweep may have something to come back for. */
export function hintSweep(ports: Pick<Ports, "armSweep">, after: After): void {
  const arming = ports.armSweep();
  if (arming) after(bestEffort("sweep_not_armed", arming)); // most calls come soon after another
}

/** Waits for work in the background; if it fails, that is logged and nothing else follows. */
export async function bestEffort(event: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    logError(event, error);
  }
}
