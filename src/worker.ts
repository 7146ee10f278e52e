/** The Worker's entry points. No thought in it: what they do is in router.ts and entry/. */
import { SWEEP_NAME } from "./entry/bindings.ts";
import { wakeUpsOf } from "./entry/queue.ts";
import { handle } from "./router.ts";

export { DeliveryObject } from "./entry/delivery-object.ts";
export { GateObject } from "./entry/gate-object.ts";
export { StreamObject } from "./entry/stream-object.ts";
export { MetricsObject } from "./entry/metrics-object.ts";
export { SweepObject } from "./entry/sweep-object.ts";
export { WatchObject } from "./entry/watch-object.ts";

export default {
  fetch: handle,
  queue: wakeUpsOf,
  async scheduled(_controller, env) {
    await env.SWEEP.getByName(SWEEP_NAME).arm();
  },
} satisfies ExportedHandler<Env>;
