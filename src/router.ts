/**
 * The whole API on one screen: which wires there are, and what every request goes through, in this order: path and
 * method, who is calling, the gate, the handler, and on the way out the headers that every answer carries. The only
 * file that knows the router library.
 */
import { type IRequestStrict, Router } from "itty-router";
import { configOf } from "./config.ts";
import { Unavailable } from "./platform/unavailable.ts";
import { accountMeterOf, admissionsOf, keptAnswersOf, lookUpsOf, portsOf, sweepOf } from "./entry/bindings.ts";
import { Problem, problem } from "./problem.ts";
import { type Caller, LimitReached, identify, identifyKnown, rateLimitHeaders } from "./http/admit.ts";
import type { Allowance } from "./keys/gate.ts";
import type { Scope } from "./keys/key.ts";
import { logError } from "./platform/log.ts";
import { corsHeaders, preflight } from "./http/cors.ts";
import { mustBeOperator } from "./http/guards.ts";
import { SAFE_HEADERS, immutableText, isKnown, withHeaders } from "./http/answer.ts";
import { own } from "./api/own.ts";
import { belongsTo, release } from "./http/body-memory.ts";
import type { KeptAnswer } from "./http/kept-answers.ts";
import { type Repeatable, answerAgainstRepeats, problemAgainstRepeats } from "./http/repeats.ts";
import type { Call, Dialect, KeyCall, Method, Route } from "./http/route.ts";
import { DIALECTS } from "./wires.ts";

/** A stall of the platform is over in a second or in a minute; a client that asks every other second learns soon. */
const RETRY_AFTER_SECONDS = 2;

type Arguments = [call: Omit<Call, "params">];
const newRouter = () => Router<IRequestStrict, Arguments, Response | Promise<Response>>();

/** All routes, in order. */
const router = newRouter();
/** The same by a path's first segment, since the library tries one after the other; those that begin with a parameter are in each. */
const bySegment = new Map<string, typeof router>();
const LITERAL = /^[\w.-]+$/;

const ROUTES = DIALECTS.flatMap((dialect) => dialect.routes.map((route) => ({ dialect, route, segment: segmentOf(route.path) })));
for (const { segment } of ROUTES) if (LITERAL.test(segment)) bySegment.set(segment, newRouter());
for (const { dialect, route, segment } of ROUTES) {
  for (const [name, routes] of [["", router] as const, ...bySegment]) {
    if (name !== "" && name !== segment && LITERAL.test(segment)) continue;
    routes[verb(route.method)](route.path, (request, call) => answer(dialect, route, { ...call, params: decoded(request.params) }));
  }
}

function verb(method: Method) {
  return method.toLowerCase() as Lowercase<Method>; // what toLowerCase does to these five words
}

function segmentOf(path: string): string {
  const end = path.indexOf("/", 1);
  return end < 0 ? path.slice(1) : path.slice(1, end);
}

/** Answers any request; never throws. */
export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const requestId = crypto.randomUUID();
  let dialect: Dialect = own;
  let response: Response;
  let forPages: Readonly<Record<string, string>> = {};
  try {
    const config = configOf(env);
    const kept = keptFor(request, env);
    if (kept) return await answerKept(kept, request, env, ctx, requestId);
    const url = routedUrl(request.url);
    dialect = DIALECTS.find((candidate) => candidate.owns(url.pathname)) ?? own;
    const asked = preflight(request, url.pathname, config.allowedOrigins);
    if (asked) return finished(asked, requestId, request.method, {});
    forPages = corsHeaders(request, url.pathname, config.allowedOrigins);
    const call: Omit<Call, "params"> = {
      request,
      url,
      requestId,
      config,
      ports: portsOf(env),
      admissions: admissionsOf(env),
      keptAnswers: keptAnswersOf(env),
      lookUps: lookUpsOf(env),
      sweep: sweepOf(env),
      accountMeter: accountMeterOf(env),
      after: (work) => ctx.waitUntil(work),
      origin: config.publicUrl || url.origin,
    };
    const method = request.method === "HEAD" ? "GET" : request.method;
    const asRouted = { method, url: url.href }; // all that the library reads of a request
    const routed: unknown = await (bySegment.get(segmentOf(url.pathname)) ?? router).fetch(asRouted, call);
    response = routed instanceof Response ? routed : dialect.refuse(noRoute(url.pathname), { requestId });
  } catch (error) {
    response = dialect.refuse(unexpected(error, requestId), { requestId });
  }
  release(request);
  return finished(response, requestId, request.method, forPages);
}

/**
 * The answer to a poll of what can't change any more, where this isolate has it, and who asks; null for any other, and for a
 * client that wants no answer of a cache (RFC 9111, 5.2.1.4).
 */
function keptFor(request: Request, env: Env): { readonly caller: Caller; readonly kept: KeptAnswer<Dialect> } | null {
  if (request.method !== "GET") return null;
  const caller = identifyKnown(request.headers, configOf(env).keySecrets);
  const kept = caller && keptAnswersOf(env).get(caller.accountId, request.url, Date.now());
  if (!caller || !kept || /no-(?:cache|store)/i.test(request.headers.get("cache-control") ?? "")) return null;
  return { caller, kept };
}

/** Gives it out once the caller is admitted. */
async function answerKept(
  { caller, kept }: NonNullable<ReturnType<typeof keptFor>>,
  request: Request,
  env: Env,
  ctx: ExecutionContext,
  requestId: string,
): Promise<Response> {
  const { dialect, access, text, headers } = kept;
  const forPages = corsHeaders(request, "", configOf(env).allowedOrigins);
  let allowance: Allowance;
  try {
    const admissions = admissionsOf(env);
    allowance = admissions.admitHere(caller, access) ?? (await admissions.admit(caller, access, (work) => ctx.waitUntil(work)));
  } catch (error) {
    const refused = dialect.refuse(unexpected(error, requestId), { requestId });
    const limits = error instanceof LimitReached ? limitHeaders(dialect, error.allowance, refused) : {};
    return finished(withHeaders(refused, limits), requestId, request.method, forPages);
  }
  const isSame = headers["ETag"] !== undefined && isKnown(request, headers["ETag"]);
  const { "Content-Type": contentType = "", ...ofAny } = headers;
  return new Response(isSame ? null : text, {
    status: isSame ? 304 : 200,
    headers: {
      ...(isSame ? ofAny : { "Content-Type": contentType, ...ofAny }),
      ...limitHeaders(dialect, allowance),
      ...forPages,
      ...SAFE_HEADERS,
      "X-Request-Id": requestId,
    },
  });
}

/**
 * A request's URL; where its host tells a part of its path, as some vendors have it, with that in the path. A path that
 * is there without it stays as it is, so that a deployment's own host may have any name.
 */
function routedUrl(text: string): URL {
  const url = new URL(text);
  const path = DIALECTS.map((dialect) => dialect.pathOf?.(url) ?? null).find((whole) => whole !== null);
  if (path !== undefined && methodsOf(url.pathname).length === 0) url.pathname = path;
  return url;
}

/**
 * One routed call: who, gate, handler. A read of one row runs beside the question to the gate, if that must be asked; its
 * answer counts only if the gate admits.
 */
async function answer(dialect: Dialect, route: Route, call: Call): Promise<Response> {
  let allowance: Allowance | null = null;
  let repeatable: Repeatable | null = null;
  let response: Response;
  try {
    if (route.access === "open") response = await route.handle(call);
    else if (route.access === "operator") {
      await mustBeOperator(call);
      response = await route.handle(call);
    } else {
      const { admissions, keptAnswers } = call;
      const changesBefore = keptAnswers.changes;
      const caller = await identify(call.request.headers, call.config.keySecrets);
      const known: KeyCall = { ...call, caller };
      repeatable = { keyId: caller.keyId, request: call.request };
      belongsTo(call.request, caller.accountId);
      allowance = admissions.admitHere(caller, route.access);
      if (allowance) response = await route.handle(known);
      else {
        const runsBeside = route.beside === true && !admissions.wasRefused(caller);
        const admission = admissions.admit(caller, route.access, call.after);
        const early = runsBeside ? settled(route.handle(known)) : null;
        allowance = await admission;
        response = await (early ? early.then((outcome) => outcome()) : route.handle(known));
      }
      noteKept(dialect, route.access, known, response, changesBefore);
      response = answerAgainstRepeats(response, repeatable, call.ports.clock.now());
    }
  } catch (error) {
    if (error instanceof LimitReached) allowance = error.allowance;
    const refused = unexpected(error, call.requestId);
    response = dialect.refuse(repeatable ? problemAgainstRepeats(refused, repeatable, call.ports.clock.now()) : refused, call);
  }
  return allowance ? withHeaders(response, limitHeaders(dialect, allowance, response)) : response;
}

/** Where a key stands, as the dialect and our own API show it; the dialect's only where the answer does not say it itself. */
function limitHeaders(dialect: Dialect, allowance: Allowance, response?: Response): Record<string, string> {
  const its = Object.entries(dialect.limitHeaders?.(allowance) ?? {}).filter(([name]) => !response?.headers.has(name));
  return { ...Object.fromEntries(its), ...rateLimitHeaders(allowance) };
}

/** Keeps an answer that can't change; after a change, none of what it changed is kept. */
function noteKept(dialect: Dialect, access: Scope, call: KeyCall, response: Response, changesBefore: number): void {
  const { keptAnswers, caller, request, params } = call;
  if (request.method !== "GET") {
    if (params["id"]) keptAnswers.forget(caller.accountId, params["id"]);
    return;
  }
  const text = immutableText(response);
  if (text === null) return;
  const { headers } = response;
  const ofAnswer = Object.fromEntries([...headers].map(([name, value]) => [KEPT_NAMES[name] ?? name, value]));
  keptAnswers.keep(caller.accountId, request.url, { dialect, access, text, headers: ofAnswer }, call.ports.clock.now(), changesBefore);
}

/** As answerKept reads them; `Headers` gives names in small letters. */
const KEPT_NAMES: Readonly<Record<string, string>> = { etag: "ETag", "content-type": "Content-Type" };

/** A promise that never rejects: of a function that returns or throws what the work did. */
async function settled(work: Response | Promise<Response>): Promise<() => Response> {
  try {
    const response = await work;
    return () => response;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** 405 with `Allow` where the path exists for other methods, else 404. */
function noRoute(path: string): Problem {
  const allowed = methodsOf(path);
  if (allowed.length === 0) return problem("not_found", { detail: `There is nothing at ${path.slice(0, 128)}.` });
  const methods = [...new Set(allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))].join(", ");
  return problem("method_not_allowed", { detail: `This path takes ${methods}.`, headers: { Allow: methods } });
}

/** The methods that a path takes; none where there is nothing. */
function methodsOf(path: string): string[] {
  return router.routes.filter(([, pattern]) => pattern.test(path)).map(([method]) => method);
}

function unexpected(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Unavailable) {
    logError("unavailable", error.cause ?? error, { request_id: requestId, part: error.part });
    return problem("unavailable", {
      detail: `A part of the service (${error.part}) can't answer right now; try again.`,
      headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
    });
  }
  logError("unexpected", error, { request_id: requestId });
  return problem("internal", { detail: `Something went wrong on our side. Request ${requestId}.` });
}

function finished(response: Response, requestId: string, method: string, forPages: Readonly<Record<string, string>>): Response {
  const ours = withHeaders(response, { ...forPages, ...SAFE_HEADERS, "X-Request-Id": requestId });
  return method === "HEAD" ? new Response(null, ours) : ours;
}

function decoded(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decode(value)]));
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
