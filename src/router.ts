/**
 * What every request goes through, in this order: an answer that this isolate has kept, path and method (routes.ts), who is calling,
 * the gate, the handler, and on the way out the headers that every answer carries.
 */
import { Unavailable } from "./platform/unavailable.ts";
import { RoutedCall, sharedOf } from "./entry/call.ts";
import { Problem, problem } from "./problem.ts";
import { type Caller, LimitReached, identifyKnown, presentedKey, rateLimitHeaders } from "./http/admit.ts";
import type { Allowance } from "./keys/gate.ts";
import type { Scope } from "./keys/key.ts";
import { logError } from "./platform/log.ts";
import { corsHeaders, preflight } from "./http/cors.ts";
import { mustBeOperator } from "./http/guards.ts";
import { callerOf } from "./http/session.ts";
import { traceResponse } from "./http/vetted.ts";
import { finalOf, leaving, withHeaders } from "./http/answer.ts";
import { documentAt } from "./api/documents.ts";
import { isOpenAiClient } from "./api/openai-files.ts";
import { own } from "./api/own.ts";
import { unproxied } from "./dialects/fal/address.ts";
import { openai } from "./dialects/openai/openai.ts";
import { BOOKMARK } from "./http/bookmark.ts";
import { belongsTo, release } from "./http/body-memory.ts";
import { noteSpan } from "./http/span.ts";
import type { KeptAnswer, KeptAnswers } from "./http/kept-answers.ts";
import type { After } from "./inferences/hints.ts";
import { type Repeatable, answerAgainstRepeats, problemAgainstRepeats } from "./http/repeats.ts";
import type { Call, Dialect, KeyCall } from "./http/route.ts";
import { observed } from "./metrics/observed.ts";
import { CallCounts, RefusalCounts } from "./http/calls.ts";
import { type Entry, methodsOf, routeFor, routedPath } from "./routes.ts";
import { DIALECTS } from "./wires.ts";

/** A stall of the platform is over in a second or in a minute; a client that asks every other second learns soon. */
const RETRY_AFTER_SECONDS = 2;

const NONE: Readonly<Record<string, string>> = {};

/** An answer, and where its key stands if it was at its gate. */
interface Answered {
  readonly response: Response;
  readonly allowance: Allowance | null;
  /** See `leaving`; false where it is not said. */
  readonly isSafe?: boolean;
}

const refusals = new RefusalCounts(observed);
const unrouted = new CallCounts(observed, own.name, "any", "none");

/** Answers any request; never throws. */
export async function handle(received: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
  const begunAt = Date.now();
  const requestId = crypto.randomUUID();
  const request = unproxied(received);
  const { method, headers } = request;
  const after: After = (work) => ctx.waitUntil(work);
  let dialect: Dialect = own;
  let answered: Answered;
  let forPages: Readonly<Record<string, string>> = NONE;
  let counts = unrouted;
  try {
    const shared = sharedOf(env);
    const { allowedOrigins, keySecrets } = shared.config;
    const presented = presentedKey(headers);
    const caller = identifyKnown(presented, keySecrets);
    const kept = caller && method === "GET" ? keptFor(caller, request.url, headers, shared.keptAnswers) : null;
    if (caller && kept) {
      const answering = answerKept(kept, caller, { request, requestId, after, admissions: shared.admissions });
      answered = answering instanceof Promise ? await answering : answering;
      kept.counts.note(answered.response.status, Date.now() - begunAt);
      return finished(answered, kept.dialect, method, requestId, corsHeaders(request, "", allowedOrigins));
    }
    const path = routedPath(request.url);
    const found = routeFor(method === "HEAD" ? "GET" : method, path);
    dialect = spokenTo(request, path, found?.dialect ?? DIALECTS.find((candidate) => candidate.owns(path)) ?? own);
    const asked = method === "OPTIONS" ? preflight(request, path, allowedOrigins) : null;
    if (asked) return finished({ response: asked, allowance: null }, dialect, method, requestId, NONE);
    forPages = corsHeaders(request, path, allowedOrigins);
    counts = found?.counts ?? unrouted;
    if (found) {
      const call = new RoutedCall({ request, requestId, params: found.params, after }, path, shared);
      answered = await answer(found.dialect === dialect ? found : { ...found, dialect }, call, caller ?? presented);
      noteSpan(call, found.route, answered.response.status, begunAt);
    } else answered = { response: (await fileAt(request, path, env)) ?? dialect.refuse(noRoute(path), { requestId }), allowance: null };
  } catch (error) {
    answered = refused(unexpected(error, requestId), dialect, { requestId });
  }
  release(request);
  counts.note(answered.response.status, Date.now() - begunAt);
  return finished(answered, dialect, method, requestId, forPages);
}

/** Files are ours, and OpenAI's clients call them too: they read a refusal in OpenAI's form alone. */
function spokenTo(request: Request, path: string, dialect: Dialect): Dialect {
  return dialect === own && /^\/v1\/(?:files|uploads)(?:\/|$)/.test(path) && isOpenAiClient(request) ? openai : dialect;
}

/**
 * The answer to a GET of what can't change any more, where this isolate has it; null for any other, for a client that wants no
 * answer of a cache (RFC 9111, 5.2.1.4), and for one that prefers something, which its answer tells or refuses.
 */
function keptFor({ accountId }: Caller, url: string, headers: Headers, keptAnswers: KeptAnswers<Dialect>): KeptAnswer<Dialect> | null {
  const kept = keptAnswers.get(accountId, url, Date.now());
  return kept && !headers.has("prefer") && !NO_CACHE.test(headers.get("cache-control") ?? "") ? kept : null;
}

const NO_CACHE = /no-(?:cache|store)/i;

/** Gives it out once the caller is admitted: at once, if that can be decided here. */
function answerKept(kept: KeptAnswer<Dialect>, caller: Caller, call: KeptCall): Answered | Promise<Answered> {
  const here = call.admissions.decideHere(caller, kept.access);
  if (here instanceof LimitReached) return overLimit(here, kept.dialect, call.requestId);
  const response = here && kept.again(call.request);
  return response instanceof Response
    ? { response, allowance: here, isSafe: kept.isSafe }
    : answerKeptLater(kept, caller, call, here, response);
}

type KeptCall = Pick<Call, "request" | "requestId" | "after" | "admissions">;

async function answerKeptLater(
  kept: KeptAnswer<Dialect>,
  caller: Caller,
  { request, requestId, after, admissions }: KeptCall,
  here: Allowance | null,
  begun: Promise<Response> | null,
): Promise<Answered> {
  const { dialect, access, isSafe } = kept;
  let allowance = here;
  try {
    allowance ??= await admissions.admit(caller, access, after);
    return { response: await (begun ?? kept.again(request)), allowance, isSafe };
  } catch (error) {
    if (error instanceof LimitReached) return overLimit(error, dialect, requestId);
    return refused(unexpected(error, requestId), dialect, { requestId }, allowance);
  }
}

function overLimit(reached: LimitReached, dialect: Dialect, requestId: string): Answered {
  refusals.note(reached.code);
  return refused(reached, dialect, { requestId }, reached.allowance);
}

function refused(why: Problem, dialect: Dialect, call: Pick<Call, "requestId">, allowance: Allowance | null = null): Answered {
  return { response: dialect.refuse(why, call), allowance, isSafe: true };
}

/**
 * One routed call: who, gate, handler. A read of one row runs beside the question to the gate, if that must be asked; its
 * answer counts only if the gate admits. `by` is who asks, if this isolate knows the key; else what `presentedKey` says.
 */
async function answer({ dialect, route, counts }: Entry, call: RoutedCall, by: Caller | string | null | Problem): Promise<Answered> {
  let allowance: Allowance | null = null;
  let repeatable: Repeatable | null = null;
  let response: Response;
  try {
    if (route.access === "open") response = await route.handle(call);
    else if (route.access === "operator") {
      response = await route.handle(Object.assign(call, { operator: await mustBeOperator(call) }));
    } else {
      const { admissions, keptAnswers } = call;
      const changesBefore = keptAnswers.changes;
      const identified = callerOf(call, by);
      const caller = identified instanceof Promise ? await identified : identified;
      if (caller instanceof Problem) return refused(unexpected(caller, call.requestId), dialect, call);
      const keyCall: KeyCall = Object.assign(call, { caller });
      repeatable = { keyId: caller.keyId, request: call.request };
      if (call.request.method !== "GET") belongsTo(call.request, caller.accountId);
      const here = admissions.decideHere(caller, route.access);
      if (here instanceof LimitReached) return overLimit(here, dialect, call.requestId);
      allowance = here;
      if (allowance) response = await route.handle(keyCall);
      else {
        const runsBeside = route.beside === true && !admissions.wasRefused(caller) && !call.request.headers.has("prefer"); // which may wait
        const admission = admissions.admit(caller, route.access, call.after);
        const early = runsBeside ? settled(() => route.handle(keyCall)) : null;
        allowance = await admission;
        response = await (early ? early.then((outcome) => outcome()) : route.handle(keyCall));
      }
      if (route.access === "submit") response = withHeaders(response, traceResponse(call) ?? NONE);
      noteKept({ dialect, access: route.access, counts }, keyCall, response, changesBefore);
      response = withBookmark(keyCall, response);
      response = answerAgainstRepeats(response, repeatable, call.ports.clock.now());
    }
  } catch (error) {
    if (error instanceof LimitReached) return overLimit(error, dialect, call.requestId);
    const seen = unexpected(error, call.requestId);
    return refused(repeatable ? problemAgainstRepeats(seen, repeatable, call.ports.clock.now()) : seen, dialect, call, allowance);
  }
  return { response, allowance };
}

/** Says of a call that may have changed something how it is seen: see http/bookmark.ts. */
function withBookmark({ request, caller, ports, lookUps }: KeyCall, response: Response): Response {
  const bookmark = request.method === "GET" || request.method === "HEAD" ? null : (ports.db.bookmark?.() ?? null);
  if (bookmark === null) return response;
  lookUps.wrote.note(caller.accountId, bookmark, ports.clock.now());
  return withHeaders(response, { [BOOKMARK]: bookmark });
}

/** Keeps an answer that can't change; after a change, none of what it changed is kept. */
function noteKept(
  by: { readonly dialect: Dialect; readonly access: Scope; readonly counts: CallCounts },
  call: KeyCall,
  response: Response,
  changesBefore: number,
): void {
  const { keptAnswers, caller, request, params } = call;
  if (request.method !== "GET") {
    if (params["id"]) keptAnswers.forget(caller.accountId, params["id"]);
    return;
  }
  const final = finalOf(response);
  if (final) keptAnswers.keep(caller.accountId, request.url, { ...by, ...final }, call.ports.clock.now(), changesBefore);
}

/** A promise that never rejects: of a function that returns or throws what the work did. */
async function settled(work: () => Response | Promise<Response>): Promise<() => Response> {
  try {
    const response = await work();
    return () => response;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** A file that is served beside the API; null where calls are, whatever their method. */
async function fileAt(request: Request, path: string, env: Env): Promise<Response | null> {
  return methodsOf(path).length === 0 ? await documentAt(request, path, env.ASSETS) : null;
}

/** 405 with `Allow` where the path exists for other methods, else 404. */
function noRoute(path: string): Problem {
  const allowed = methodsOf(path);
  if (allowed.length === 0) return problem("not_found", { detail: `There is nothing at ${path.slice(0, 128)}.` });
  const methods = [...new Set(allowed.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))].join(", ");
  return problem("method_not_allowed", { detail: `This path takes ${methods}.`, headers: { Allow: methods } });
}

function unexpected(error: unknown, requestId: string): Problem {
  const seen = problemOf(error, requestId);
  refusals.note(seen.code);
  return seen;
}

function problemOf(error: unknown, requestId: string): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Unavailable) {
    observed.count("unavailable", [error.part]);
    logError("unavailable", error.cause ?? error, { request_id: requestId, part: error.part });
    return problem("unavailable", {
      detail: `A part of the service (${error.part}) can't answer right now; try again.`,
      headers: { "Retry-After": String(RETRY_AFTER_SECONDS) },
    });
  }
  logError("unexpected", error, { request_id: requestId });
  return problem("internal", { detail: `Something went wrong on our side. Request ${requestId}.` });
}

/** Shows where a key stands, as the dialect and our own API do; as the dialect does only where the answer does not say it itself. */
function finished(
  { response, allowance, isSafe = false }: Answered,
  dialect: Dialect,
  method: string,
  requestId: string,
  forPages: Readonly<Record<string, string>>,
): Response {
  const ours = allowance ? { ...forPages, ...rateLimitHeaders(allowance) } : forPages;
  const others = (allowance && dialect.limitHeaders?.(allowance)) ?? NONE;
  const left = leaving(response, { requestId, isSafe, ours, others });
  return method === "HEAD" ? new Response(null, left) : left;
}
