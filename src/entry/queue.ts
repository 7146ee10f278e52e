/**
 * The queue's consumer: a batch of wake-ups starts one crew of runners. It is acknowledged by handing the runners to
 * `waitUntil`: in production the platform then holds it until they end, which is what scales consumers out; losing one
 * would cost nothing but time, since the row is the truth.
 */
import * as z from "zod";
import { randomBase62 } from "../ids.ts";
import { logError } from "../platform/log.ts";
import { RUNNERS_PER_BATCH } from "../limits.ts";
import { SWEEP_NAME, portsOf } from "./bindings.ts";
import { bestEffort } from "../inferences/hints.ts";
import { run } from "../inferences/run.ts";

const wakeUpSchema = z.object({ model: z.string(), version: z.string() });

/** An operator's check whether messages are consumed. */
const probeSchema = z.object({ probe: z.string() });

export async function wakeUpsOf(batch: MessageBatch, env: Env, ctx: ExecutionContext): Promise<void> {
  const ports = portsOf(env);
  const lanes = batch.messages.flatMap((message) => {
    const probe = probeSchema.safeParse(message.body);
    if (probe.success) {
      ctx.waitUntil(bestEffort("probe_not_passed_on", env.SWEEP.getByName(SWEEP_NAME).noteProbe(probe.data.probe)));
      return [];
    }
    const parsed = wakeUpSchema.safeParse(message.body);
    if (!parsed.success) logError("wake_up_not_understood", parsed.error);
    return parsed.success ? [parsed.data] : [];
  });
  batch.ackAll();
  for (const extra of lanes.slice(RUNNERS_PER_BATCH)) ctx.waitUntil(ports.wake([extra]));
  ctx.waitUntil(run(ports, lanes.slice(0, RUNNERS_PER_BATCH), randomBase62(16, ports.randomBytes)));
}
