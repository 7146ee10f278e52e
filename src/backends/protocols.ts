/** Which protocol a backend is spoken to in. A new one is one file and one line here. */
import type { ClaimedBackend } from "../inferences/store.ts";
import type { Protocol } from "./backend.ts";
import { oip } from "./oip.ts";

const PROTOCOLS: Readonly<Record<ClaimedBackend["protocol"], Protocol>> = { oip };

export function protocolOf(backend: Pick<ClaimedBackend, "protocol">): Protocol {
  return PROTOCOLS[backend.protocol];
}
