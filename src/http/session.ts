/**
 * The console's session as a credential: a cookie that stands for a key or for the operator's token. It counts only where a request
 * has no key of its own, comes from this deployment's own page, and, if it may change something, has the header `X-Console`, which a
 * form can't send and a page of another origin may not. Anywhere else it is as if there were none.
 */
import type { Config } from "../config.ts";
import { type Session, readSession } from "../keys/session.ts";
import { SESSION_SECONDS } from "../limits.ts";
import { type Problem, problem } from "../problem.ts";
import { type Caller, identify, missingKey } from "./admit.ts";
import type { Call } from "./route.ts";

const NAME = "claimcheck_session";
/** By it a browser keeps a cookie to this very host, and to https. */
const HOST_ONLY = "__Host-";
const READS = new Set(["GET", "HEAD"]);

/** Whose request this is: who is known already, or by the key that is presented, or by the session; or the refusal of one that has neither. */
export function callerOf(
  call: Pick<Call, "request" | "config" | "ports">,
  by: Caller | string | null | Problem,
): Caller | Problem | Promise<Caller | Problem> {
  if (by === null) return callerBySession(call);
  return typeof by === "string" ? identify(by, call.config.keySecrets) : by;
}

async function callerBySession({ request, config, ports }: Pick<Call, "request" | "config" | "ports">): Promise<Caller | Problem> {
  const session = await sessionOf(request, config, ports.clock.now());
  if (session?.kind === "account") return session;
  if (session) return problem("missing_key", { detail: "The session is the operator's; this call needs a key of an account." });
  return missingKey(request.headers);
}

/** The session of a request that may use one; null if there is none. */
export async function sessionOf(request: Request, config: Config, now: number): Promise<Session | null> {
  const cookies = request.headers.get("cookie");
  if (!cookies?.includes(NAME) || request.headers.has("authorization")) return null;
  const name = cookieName(new URL(request.url));
  const text = cookies
    .split(";")
    .map((cookie) => cookie.trim())
    .find((cookie) => cookie.startsWith(`${name}=`))
    ?.slice(name.length + 1);
  if (!text || !isOwnPage(request, config)) return null;
  return readSession(text, config, now);
}

/** Whether a request is of our own page, and not of one that only knows our address. */
export function isOwnPage({ method, headers, url }: Request, { publicUrl }: Pick<Config, "publicUrl">): boolean {
  if (!READS.has(method) && !headers.has("x-console")) return false;
  const site = headers.get("sec-fetch-site"); // a script can't set it
  if (site !== null) return site === "same-origin";
  const origin = headers.get("origin");
  return origin !== null && (origin === new URL(url).origin || origin === originOf(publicUrl));
}

const originOf = (url: string) => (url === "" ? null : new URL(url).origin);

/** The header that gives a browser a session, or takes it away. */
export function cookieOf(text: string | null, url: URL): string {
  const name = cookieName(url);
  const secure = name.startsWith(HOST_ONLY) ? "; Secure" : "";
  return `${name}=${text ?? ""}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${text === null ? 0 : SESSION_SECONDS}${secure}`;
}

/** On this machine's plain http a cookie is every port's, so its name has the port. */
function cookieName(url: URL): string {
  return isPlainLoopback(url) ? `${NAME}_${url.port || "80"}` : HOST_ONLY + NAME;
}

function isPlainLoopback({ protocol, hostname }: URL): boolean {
  return protocol === "http:" && (hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname));
}
