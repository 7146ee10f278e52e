/** A Worker that does nothing, with all that ours is bound to, so that the same simulators stand beside it; `/fill` stores so many MiB. */
import { DurableObject } from "cloudflare:workers";

class NothingObject extends DurableObject<Env> {}

export { NothingObject as DeliveryObject };
export { NothingObject as GateObject };
export { NothingObject as MetricsObject };
export { NothingObject as StreamObject };
export { NothingObject as SweepObject };
export { NothingObject as WatchObject };

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/fill") {
      for (let part = 0; part < Number(searchParams.get("mib")); part++) await env.PAYLOADS.put(`mib-${part}`, new Uint8Array(1024 * 1024));
    }
    return Response.json({ ok: true });
  },
  queue() {
    // Takes what comes.
  },
  scheduled() {
    // Has no sweep.
  },
} satisfies ExportedHandler<Env>;
