/** Which protocol a backend is spoken to in. A new one is one file and one line here. */
import { isTooDeep } from "../encoding/json.ts";
import { READY_TIMEOUT_MS } from "../limits.ts";
import {
  type BackendCall,
  type Outside,
  type Protocol,
  type Readiness,
  type Server,
  type Sink,
  type Stopping,
  askReady,
} from "./backend.ts";
import { cog } from "./cog.ts";
import { generatingChat } from "./generate.ts";
import { http } from "./http.ts";
import { identityFor } from "./identity.ts";
import { garbage } from "./judgement.ts";
import { oip } from "./oip.ts";
import type { Outcome } from "./outcome.ts";

const PROTOCOLS: Readonly<Record<Server["protocol"], Protocol>> = { oip, openai: generatingChat, http, cog };

export function protocolOf(backend: Pick<Server, "protocol">): Protocol {
  return PROTOCOLS[backend.protocol];
}

/**
 * Has a backend do an inference: bit by bit if there is a sink for that. A request is nested a few levels at most, an answer as
 * its server likes; so one that takes more than the stack to read is odd, and no fault of ours.
 */
export async function callOf(call: BackendCall, outside: Outside, sink: Sink | null): Promise<Outcome> {
  const protocol = protocolOf(call.backend);
  try {
    return await (sink && protocol.stream ? protocol.stream(call, outside, sink) : protocol.infer(call, outside));
  } catch (error) {
    if (isTooDeep(error)) return garbage("it is nested too deeply");
    throw error;
  }
}

/** The protocols whose servers can be asked to stop an inference. */
export const STOPPABLE: readonly string[] = Object.entries(PROTOCOLS).flatMap(([name, protocol]) => (protocol.stop ? [name] : []));

type BackendOutside = Outside & { secret: (name: string) => string | null };

/** Asks a backend whether it is ready, with its credential: at its own path for that, else as its protocol has it. Never throws. */
export async function readinessOf(backend: Server, version: string, ports: BackendOutside): Promise<Readiness> {
  const identity = identityFor(backend, ports.secret);
  if (identity === null)
    return { ready: false, reached: true, detail: `The deployment has no secret ${backend.credential?.secret ?? ""}.` };
  const bounds = { identity, timeoutMs: READY_TIMEOUT_MS };
  if (typeof backend.readyPath === "string") return askReady(ports, new URL(backend.readyPath, backend.url).href, bounds);
  return protocolOf(backend).ready({ backend, version, ...bounds }, ports);
}

/** What a backend says of its model; null where it says nothing. Never throws. */
export async function descriptionOf(backend: Server, version: string, ports: BackendOutside): Promise<unknown> {
  const identity = identityFor(backend, ports.secret);
  if (identity === null) return null;
  try {
    return await protocolOf(backend).describe({ backend, version, identity, timeoutMs: READY_TIMEOUT_MS }, ports);
  } catch (error) {
    if (isTooDeep(error)) return null;
    throw error;
  }
}

/** Asks a backend to stop an inference that it runs. Never throws. */
export async function stopAt(backend: Server, inferenceId: string, ports: BackendOutside): Promise<Stopping> {
  const identity = identityFor(backend, ports.secret);
  if (identity === null) return "unknown";
  return (await protocolOf(backend).stop?.({ backend, inferenceId, identity }, ports)) ?? "unknown";
}
