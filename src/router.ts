/**
 * The whole API on one screen: which wires there are, and what every request goes through, in this order: path and
 * method, who is calling, the gate, the handler, and on the way out the headers that every answer carries. The only
 * file that knows the router library.
 */
import { type IRequestStrict, Router } from "itty-router";
import { configOf } from "./config.ts";
import { Unavailable } from "./platform/unavailable.ts";
import { SWEEP_NAME, accountMeterOf, portsOf } from "./entry/bindings.ts";
import { Problem, problem } from "./problem.ts";
import { LimitReached, admit, identify, rateLimitHeaders, wasRefused } from "./http/admit.ts";
import type { Allowance } from "./keys/gate.ts";
import { logError } from "./platform/log.ts";
import { corsHeaders, preflight } from "./http/cors.ts";
import { mustBeOperator } from "./http/guards.ts";
import { SAFE_HEADERS } from "./http/answer.ts";
import { own } from "./api/own.ts";
import { belongsTo, release } from "./http/body-memory.ts";
import { type Repeatable, answerAgainstRepeats, problemAgainstRepeats } from "./http/repeats.ts";
import type { Call, Dialect, KeyCall, Method, Route } from "./http/route.ts";
import { DIALECTS } from "./wires.ts";

/** A stall of the platform is over in a second or in a minute; a client that asks every other second learns soon. */
const RETRY_AFTER_SECONDS = 2;

type Arguments = [call: Omit<Call, "params">];

const router = Router<IRequestStrict, Arguments, Response | Promise<Response>>();

for (const dialect of DIALECTS) {
  for (const route of dialect.routes) {
    router[verb(route.method)](route.path, (request, call) => answer(dialect, route, { ...call, params: decoded(request.params) }));
  }
}

function verb(method: Method) {
  return method.toLowerCase() as Lowercase<Method>; // what toLowerCase does to these five words
}

/** Answers any request; never throws. */
export async function handle(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const url = routedUrl(request.url);
  const requestId = crypto.randomUUID();
  const dialect = DIALECTS.find((candidate) => candidate.owns(url.pathname)) ?? own;
  let response: Response;
  let forPages: Readonly<Record<string, string>> = {};
  try {
    const config = configOf(env);
    const asked = preflight(request, url.pathname, config.allowedOrigins);
    if (asked) return finished(asked, requestId, request.method, {});
    forPages = corsHeaders(request, url.pathname, config.allowedOrigins);
    const call: Omit<Call, "params"> = {
      request,
      url,
      requestId,
      config,
      ports: portsOf(env),
      sweep: env.SWEEP.getByName(SWEEP_NAME),
      accountMeter: accountMeterOf(env),
      after: (work) => ctx.waitUntil(work),
      origin: config.publicUrl || url.origin,
    };
    const method = request.method === "HEAD" ? "GET" : request.method;
    const routed: unknown = await router.fetch({ method, url: url.href }, call); // all that the library reads of a request
    response = routed instanceof Response ? routed : dialect.refuse(noRoute(url.pathname), { requestId });
  } catch (error) {
    response = dialect.refuse(unexpected(error, requestId), { requestId });
  }
  release(request);
  return finished(response, requestId, request.method, forPages);
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

/** One routed call: who, gate, handler. A read of one row runs beside the gate; its answer counts only if the gate admits. */
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
      const caller = await identify(call.request.headers, call.config.keySecrets);
      const known: KeyCall = { ...call, caller };
      repeatable = { keyId: caller.keyId, request: call.request };
      belongsTo(call.request, caller.accountId);
      const runsBeside = route.beside === true && !wasRefused(caller);
      const admission = admit(call.ports.gate, caller, route.access);
      const early = runsBeside ? settled(route.handle(known)) : null;
      allowance = await admission;
      const handled = await (early ? early.then((outcome) => outcome()) : route.handle(known));
      response = answerAgainstRepeats(handled, repeatable, call.ports.clock.now());
    }
  } catch (error) {
    if (error instanceof LimitReached) allowance = error.allowance;
    const refused = unexpected(error, call.requestId);
    response = dialect.refuse(repeatable ? problemAgainstRepeats(refused, repeatable, call.ports.clock.now()) : refused, call);
  }
  if (!allowance) return response;
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(dialect.limitHeaders?.(allowance) ?? {})) if (!headers.has(name)) headers.set(name, value);
  for (const [name, value] of Object.entries(rateLimitHeaders(allowance))) headers.set(name, value);
  return new Response(response.body, { status: response.status, headers });
}

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
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(forPages)) headers.append(name, value);
  headers.set("X-Request-Id", requestId);
  for (const [name, value] of Object.entries(SAFE_HEADERS)) headers.set(name, value);
  return new Response(method === "HEAD" ? null : response.body, { status: response.status, headers });
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
