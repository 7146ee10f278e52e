/** `Prefer: wait=N`: an answer that waits for the end of its inference. Who waits is told of it, and does not ask for it. */
import type { Inference } from "../inferences/inference.ts";
import { isFinal } from "../inferences/status.ts";
import { waitForEnd } from "../inferences/watch.ts";
import type { NotFound } from "./lookup.ts";
import { preferredWait } from "./prefer.ts";
import type { KeyCall } from "./route.ts";

/** An inference after a wait, and what its answer says of that. */
interface Waited {
  readonly inference: Inference;
  readonly headers: Readonly<Record<string, string>>;
}

/** The inference that `find` finds; if the client would rather wait and it is not final, as it stands at its end or when the time is over. */
export async function waitedFor(call: KeyCall, find: () => Promise<Inference>, notFound: NotFound): Promise<Waited> {
  const { headers, signal } = call.request;
  const seconds = preferredWait(headers);
  const inference = await find();
  if (seconds === null) return { inference, headers: {} };
  const applied = { "Preference-Applied": `wait=${seconds}` };
  if (seconds === 0 || isFinal(inference.status)) return { inference, headers: applied };
  const waited = await waitForEnd(call.ports, inference, seconds * 1000, signal);
  if (!waited) throw notFound(inference.id);
  return { inference: waited, headers: applied };
}
