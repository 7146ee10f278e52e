/**
 * `/console/session`: what the console signs in with. It takes a key or the operator's token as every call does, in `Authorization`,
 * and gives a session in a cookie that scripts can't read: see http/session.ts. The console itself is files: see documents.ts.
 */
import * as z from "zod";
import { findAccount } from "../accounts/store.ts";
import { identify, presentedKey } from "../http/admit.ts";
import { json } from "../http/answer.ts";
import { letInBy } from "../http/access.ts";
import { mustBeOperator } from "../http/guards.ts";
import { problemDetails, problemSchema } from "../http/problem-details.ts";
import { type Call, type Dialect, type RouteShape, refusingOtherQueries, route } from "../http/route.ts";
import { cookieOf, isOwnPage, sessionOf } from "../http/session.ts";
import { time, timeSchema } from "../http/time.ts";
import { SCOPES, sameText } from "../keys/key.ts";
import { type Holder, type Session, sessionFor, writeSession } from "../keys/session.ts";
import { findKey } from "../keys/store.ts";
import { Problem, problem } from "../problem.ts";

const PATH = "/console/session";

const sessionSchema = z.lazy(() =>
  z.object({
    kind: z.enum(["account", "operator"]).describe("Whose it is: a key's of an account, or the operator's."),
    name: z.string().nullable().describe("Which operator, if Cloudflare Access says so."),
    account: z.object({ id: z.string(), name: z.string() }).nullable(),
    key: z
      .object({ id: z.string(), name: z.string(), scopes: z.array(z.enum(SCOPES)) })
      .nullable()
      .describe("The key that the session's calls are made by."),
    expires_at: timeSchema.describe("When it ends, unless it is renewed."),
  }),
);
z.globalRegistry.add(sessionSchema, { id: "ConsoleSession" });

const SIGN_IN = {
  summary: "Exchange a key, or the operator's token, for a session in a cookie; only for the console's own page.",
  answers: { 200: { description: "Who is signed in, with the cookie.", json: sessionSchema } },
} as const satisfies RouteShape;

const WHO = {
  summary: "Get who is signed in and renew the session; starts one for a user of Cloudflare Access.",
  answers: { 200: { description: "Who it is.", json: sessionSchema }, 204: { description: "Nobody is." } },
} as const satisfies RouteShape;

const SIGN_OUT = {
  summary: "End the session of this browser.",
  answers: { 204: { description: "It is ended, if there was one." } },
} as const satisfies RouteShape;

export const consoleWire: Dialect = {
  name: "console",
  title: "Console",
  owns: (path) => path === "/console" || path.startsWith("/console/"),
  error: problemSchema,
  routes: [
    route("open", "POST", PATH, SIGN_IN, signIn),
    route("open", "GET", PATH, WHO, who),
    route("open", "DELETE", PATH, SIGN_OUT, signOut),
  ].map(refusingOtherQueries),
  refuse: problemDetails,
};

async function signIn(call: Call): Promise<Response> {
  const { request, config } = call;
  if (!isOwnPage(request, config)) {
    throw problem("bad_request", { detail: "Only the console's own page signs in here; a program sends its key with each call." });
  }
  const presented = presentedKey(request.headers);
  if (presented instanceof Problem) throw presented;
  if (presented?.startsWith("ck_")) {
    const caller = await identify(presented, config.keySecrets);
    if (caller instanceof Problem) throw caller;
    return answered(call, { ...caller, kind: "account" }, null);
  }
  await mustBeOperator(call);
  return answered(call, { kind: "operator", name: null }, null);
}

async function who(call: Call): Promise<Response> {
  const session = await sessionOf(call.request, call.config, call.ports.clock.now());
  if (session) return answered(call, session, session);
  const name = await letIn(call);
  if (name !== null) return answered(call, { kind: "operator", name }, null);
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
}

/** Whom Cloudflare Access has let in to our own page; null if nobody. */
async function letIn({ request, config }: Call): Promise<string | null> {
  return config.access && isOwnPage(request, config) ? letInBy(config.access, request) : null;
}

function signOut({ url }: Call): Response {
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store", "Set-Cookie": cookieOf(null, url) } });
}

/** The answer to a holder who is what they say, with the session that they have from now on. */
async function answered({ ports, config, url }: Call, holder: Holder, before: Session | null): Promise<Response> {
  const shown =
    holder.kind === "operator"
      ? { name: holder.name, account: null, key: null }
      : { name: null, ...(await accountAndKey(ports.db, holder, ports.clock.now())) };
  const session = sessionFor(holder, ports.clock.now(), before);
  const body = { kind: holder.kind, ...shown, expires_at: time(session.ends * 1_000) } satisfies z.infer<typeof sessionSchema>;
  return json(body, { headers: { "Set-Cookie": cookieOf(await writeSession(session, config), url) } });
}

/** Throws if the key counts no more. */
async function accountAndKey(db: Call["ports"]["db"], { accountId, keyId, digest }: Holder & { kind: "account" }, now: number) {
  const [account, key] = await Promise.all([findAccount(db, accountId), findKey(db, accountId, keyId)]);
  if (!account || !key || !sameText(key.digest, digest)) throw problem("invalid_key", { detail: "The API key is not valid any more." });
  if (key.revokedAt !== null) throw problem("revoked_key");
  if (key.expiresAt !== null && key.expiresAt <= now) throw problem("expired_key");
  return {
    account: { id: account.id, name: account.name },
    key: { id: key.id, name: key.name, scopes: [...key.scopes] },
  };
}
