/**
 * What a page of another origin may do (Fetch Standard, "CORS protocol"). Signed links are for every page, since they carry their
 * own right. Everything else is for the origins that the operator names, and for none by default: a key in a page is readable by
 * whoever reads the page. A preflight has no key, so it is answered before anybody asks for one.
 */
import type { AllowedOrigins } from "../config.ts";

/** What a script may read of an answer beside what every script may. */
const EXPOSED =
  "ETag, Content-Range, Content-Disposition, Location, Retry-After, Retry-After-Ms, RateLimit, RateLimit-Policy, X-Request-Id, X-D1-Bookmark, X-Inference-Id, Idempotency-Replayed, Preference-Applied, Repr-Digest, traceresponse, X-Fal-Request-Id, X-Fal-Error-Type, X-Fal-Request-Timeout-Type";
const METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE";
const LINK_METHODS = "GET, HEAD";
const LINKS = "/v1/links/";
/** How long a browser may keep a preflight's answer: an hour; Chromium keeps none for longer than two. */
const PREFLIGHT_SECONDS = 3_600;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const HEADERS_ASKED_MOST = 64;

const NONE: Readonly<Record<string, string>> = {};

/** The headers by which an answer lets a page read it; none if it may not. */
export function corsHeaders(request: Request, path: string, allowed: AllowedOrigins): Readonly<Record<string, string>> {
  if (path.startsWith(LINKS)) return { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED };
  if (!allowed.all && allowed.named.size === 0) return NONE;
  const origin = request.headers.get("origin");
  if (allowed.all) return origin === null ? {} : { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED };
  // A cache must not give one origin's answer to another.
  if (origin === null || !allowed.named.has(origin)) return { Vary: "Origin" };
  return { "Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, Vary: "Origin" };
}

/** The answer to a preflight; null if the request is none. A page that may not call gets no permission, which a browser reports. */
export function preflight(request: Request, path: string, allowed: AllowedOrigins): Response | null {
  const { headers } = request;
  if (request.method !== "OPTIONS" || !headers.has("origin") || !headers.has("access-control-request-method")) return null;
  const granted = corsHeaders(request, path, allowed);
  const answer = new Headers({ ...granted, "Cache-Control": "private, no-store" });
  answer.append("Vary", "Access-Control-Request-Headers");
  answer.delete("access-control-expose-headers");
  if (answer.has("access-control-allow-origin")) {
    answer.set("Access-Control-Allow-Methods", path.startsWith(LINKS) ? LINK_METHODS : METHODS);
    const asked = askedHeaders(headers.get("access-control-request-headers") ?? "");
    if (asked !== "") answer.set("Access-Control-Allow-Headers", asked);
    answer.set("Access-Control-Max-Age", String(PREFLIGHT_SECONDS));
  }
  return new Response(null, { status: 204, headers: answer });
}

/** The names that a page asks to send, back to it: every header is taken on every route. */
function askedHeaders(text: string): string {
  return text
    .split(",", HEADERS_ASKED_MOST)
    .map((name) => name.trim())
    .filter((name) => HEADER_NAME.test(name))
    .join(", ");
}
