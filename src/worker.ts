/** The Worker's entry points. No thought in it: what they do is in api/router, inferences/run and inferences/sweeper. */
import { handle } from "./api/router.ts";
import { wakeUpsOf } from "./inferences/wakeup.ts";
import { SWEEP_NAME } from "./ports.ts";

export { Sweep } from "./inferences/sweeper.ts";
export { Courier } from "./webhooks/courier.ts";
export { Gate } from "./keys/gatehouse.ts";

export default {
  fetch: handle,
  queue: wakeUpsOf,
  async scheduled(_controller, env) {
    await env.SWEEP.getByName(SWEEP_NAME).arm();
  },
} satisfies ExportedHandler<Env>;
