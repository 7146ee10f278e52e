/** The links that a prediction is shown with: they need no key, and die with the key that they were made for. */
import { tokenFor } from "../../api/links.ts";
import { LINK_METHODS } from "../../files/link-token.ts";
import type { KeyCall } from "../../http/route.ts";
import type { Inference } from "../../inferences/inference.ts";
import { LINK_SECONDS } from "../../limits.ts";
import { isRemoved } from "./present.ts";
import { ROOT } from "./schemas.ts";

/** Where its events are; null once they can't be had any more. The same each time. */
export async function streamUrl(call: KeyCall, inference: Inference): Promise<string | null> {
  const expiresAt = Math.floor(inference.createdAt / 1000) + LINK_SECONDS.range[1];
  if (isRemoved(inference) || expiresAt * 1000 <= call.ports.clock.now()) return null;
  const token = await tokenFor(call, { kind: "stream", id: inference.id, methods: LINK_METHODS, expiresAt });
  return `${call.origin}${ROOT}/streams/${token}`;
}
