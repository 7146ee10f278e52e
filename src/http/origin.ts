/**
 * The origin that may be stored: later links to backends and webhooks are made of it, when there is no request to ask. A
 * client chooses its `Host`, so an origin that the operator did not set is stored only if nobody else can own it.
 */
import { problem } from "../problem.ts";
import type { Call } from "./route.ts";

/** This machine; Cloudflare's own domain, whose hosts it routes itself; and a domain that exists in tests alone (RFC 6761). */
const OWN_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|.+\.localhost|.+\.workers\.dev|.+\.test)$/;

/** `PUBLIC_URL`; if that is empty, the request's own origin. Throws 400 for one that can't be trusted. */
export function storedOrigin({ config, origin }: Pick<Call, "config" | "origin">): string {
  if (config.publicUrl !== "") return config.publicUrl;
  const { hostname } = new URL(origin);
  if (OWN_HOST.test(hostname)) return origin;
  throw problem("bad_request", {
    detail: `This deployment does not know the host ${hostname.slice(0, 255)}, so it makes no links to it. Its operator must set PUBLIC_URL to the address that clients use.`,
  });
}
