/** A webhook's URL as a client gives it: judged, and looked up where that can be done, before anything is stored. */
import { NAMES_KNOWN, NAME_KNOWN_MS } from "../limits.ts";
import { problem } from "../problem.ts";
import { ENDS, type EventName, type Webhook } from "../inferences/webhook.ts";
import { judgeName } from "../webhooks/resolver.ts";
import { judgeTarget } from "../webhooks/target.ts";
import { storedOrigin } from "./origin.ts";
import type { Call } from "./route.ts";

/**
 * Names that were found to be public, and until when (ms) that is taken for granted: who gives one URL with each inference
 * need not wait for the resolver each time. NAMES_KNOWN of them at most. Each attempt asks anyway.
 */
const known = new Map<string, number>();

/**
 * The one form of a URL that may be called. Throws 422, which names the reason; `path` is where the body has the URL.
 * A name that the resolver says nothing about is taken: each attempt asks again.
 */
export async function targetOf(call: Pick<Call, "config" | "ports">, text: string, path: readonly string[]): Promise<string> {
  const refused = (detail: string) => problem("invalid_input", { faults: [{ path, detail }] });
  const judged = judgeTarget(text, call.config.targets);
  if (!judged.ok) throw refused(judged.reason);
  const now = call.ports.clock.now();
  if (judged.name !== null && call.config.looksUpNames && (known.get(judged.name) ?? 0) < now) {
    const named = await judgeName(judged.name, call.ports.internet);
    if (named.verdict === "refused") throw refused(named.reason);
    if (known.size >= NAMES_KNOWN) known.clear();
    if (named.verdict === "public") known.set(judged.name, now + NAME_KNOWN_MS);
  }
  return judged.url;
}

/** A URL that is given with an inference, for `Submission.webhook`. Throws as targetOf does. */
export async function webhookOf(
  call: Pick<Call, "config" | "ports" | "origin">,
  url: string,
  path: readonly string[],
  events: readonly EventName[] = ENDS,
): Promise<Webhook> {
  return { url: await targetOf(call, url, path), events, origin: storedOrigin(call) };
}
