/**
 * What a route is. A table of routes says for each call who may make it, what it takes and what it answers, in zod: what it
 * takes is checked before the handler runs, what it answers types the presenters, and both are the source of the reference.
 * Handlers see a call that is or will be admitted, and return its answer or throw a problem.
 */
import * as z from "zod";
import type { Operator } from "../audit/store.ts";
import type { Config } from "../config.ts";
import type { After } from "../inferences/hints.ts";
import type { Inference } from "../inferences/inference.ts";
import type { AccountLimit } from "../keys/account-limit.ts";
import type { Allowance } from "../keys/gate.ts";
import { FAULTS_SHOWN } from "../limits.ts";
import type { KeyIdentity, Scope } from "../keys/key.ts";
import type { MetricsReader } from "../metrics/history.ts";
import type { Ports } from "../ports.ts";
import { type Problem, problem } from "../problem.ts";
import type { DeliveryMessage, WebhookEvent } from "../webhooks/deliver.ts";
import type { Admissions } from "./admit.ts";
import { audited } from "./audited.ts";
import { check, readJson, readJsonIfAny } from "./body.ts";
import { membersOf } from "./faults.ts";
import type { KeptAnswers } from "./kept-answers.ts";
import type { LookUps } from "./lookups.ts";

/** Everything one request may use. */
export interface Call {
  readonly request: Request;
  /** Of the request; its path is the one that is routed. */
  readonly url: URL;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly config: Config;
  readonly ports: Ports;
  readonly admissions: Admissions;
  readonly keptAnswers: KeptAnswers<Dialect>;
  readonly lookUps: LookUps;
  readonly sweep: Upkeep;
  readonly metrics: MetricsReader;
  /** See AccountMeter; it lives in the account's own gate object. */
  readonly accountMeter: (accountId: string, limit: AccountLimit) => Promise<number>;
  readonly after: After;
  /** The wire of a name. */
  dialectOf(name: string): Dialect | null;
  /** Where clients reach us, without a slash at the end. */
  readonly origin: string;
  /** Who calls, if it is the operator. */
  readonly operator?: Operator;
}

/** What keeps a deployment going, for its operator. */
export interface Upkeep {
  /** See SweepObject. */
  recover(startedBefore: number): Promise<number>;
  /** After how many ms a message of the queue was consumed; null if it was not within that time. */
  tryQueue(probe: string, withinMs: number): Promise<number | null>;
}

/** A call about what one account has: by a key of that account, or by the operator. */
export interface AccountCall extends Call {
  readonly caller: Pick<KeyIdentity, "accountId">;
}

/** A call by a key of an account. */
export interface KeyCall extends AccountCall {
  readonly caller: KeyIdentity & { /** SHA-256 of the key. */ readonly digest: string };
}

export type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

/**
 * `open`: anyone; `operator`: the deployment's ADMIN_TOKEN; else a key with that scope, whose gate counts the call.
 * The gate is asked first. Only a route that says `beside` runs meanwhile, and its answer is thrown away when the gate refuses.
 */
export type Access = "open" | "operator" | Scope;

/** A JSON body that is read, bounded and checked before the handler runs. */
export interface JsonBody {
  readonly json: z.ZodType;
  readonly limitBytes: number;
  /** What the body is checked as, where a wire takes more forms than its schema; the value as sent by default. */
  readonly prepare?: (value: unknown) => unknown;
  /** A request whose body is missing or empty is taken for one of `{}`. */
  readonly mayBeMissing?: true;
}

/** A body that the handler reads itself: each media type that it takes, with a schema if it is JSON. */
export interface RawBody {
  readonly raw: Readonly<Record<string, z.ZodType | string>>;
}

/** One answer of a route: a JSON body by its schema, or another one by its media type and what it is. */
export interface AnswerShape {
  readonly description: string;
  readonly json?: z.ZodType;
  readonly other?: Readonly<Record<string, string>>;
}

/**
 * What a route takes and answers. A schema of some size is a `z.lazy`, which is built when it is first used: there are more than a thousand,
 * and a Worker's start would pay for all of them.
 */
export interface RouteShape {
  /** One sentence: what the call does. */
  readonly summary: string;
  /** Whatever its method, it changes nothing that lasts: a call of the operator that is not in the audit log. */
  readonly changesNothing?: true;
  /** It reads one row by its key and changes nothing, so it may run while the gate is asked. */
  readonly beside?: true;
  /** Path parameters, each with a description. */
  readonly params?: z.ZodObject;
  readonly query?: z.ZodType;
  /** Query parameters that may be given more than once: their values come joined with commas. Of any other of a vendor's wire, the last counts. */
  readonly repeatable?: readonly string[];
  /** A query parameter that is an object: its members come as `name[member]=value`. */
  readonly deep?: string;
  readonly body?: JsonBody | RawBody;
  /** By status; refusals are the dialect's own and stand in its `problems`. */
  readonly answers: Readonly<Record<number, AnswerShape>>;
}

/** A row of the table of routes, as the router sees it. */
export interface Route extends RouteShape {
  readonly method: Method;
  /** As the router library writes it: `/v1/inferences/:id`. */
  readonly path: string;
  readonly access: Access;
  /** Given a `KeyCall` if `access` is a scope. */
  readonly handle: (call: Call) => Response | Promise<Response>;
}

type Checked<T> = T extends z.ZodType ? z.infer<T> : undefined;
type BodyOf<S extends RouteShape> = S["body"] extends { readonly json: infer J } ? Checked<J> : undefined;

/** What a handler gets beside its call: what was checked of the query and the body, and the body's text as sent. */
export interface Input<S extends RouteShape = RouteShape> {
  readonly query: Checked<S["query"]>;
  readonly body: BodyOf<S>;
  /** The JSON body before it was checked: with its members in order, and those that no schema has. */
  readonly sent: unknown;
  /** Its text; empty if the route reads none. */
  readonly text: string;
}

/**
 * A row of the table of routes whose handler gets its query and JSON body checked. A caller of an `open` or an `operator`
 * route has no account: its handler must not look at `caller`, and its type has none.
 */
export function route<const S extends RouteShape, A extends Access>(
  access: A,
  method: Method,
  path: string,
  shape: S,
  handle: (call: A extends Scope ? KeyCall : Call, input: Input<S>) => Response | Promise<Response>,
): Route {
  const { query, body } = shape;
  const isAudited = access === "operator" && method !== "GET" && shape.changesNothing !== true;
  return {
    ...shape,
    access,
    method,
    path,
    async handle(call) {
      const asked = query ? check(query, queryOf(call.url, shape), "query") : undefined;
      const sent = body && "json" in body ? await (body.mayBeMissing ? readJsonIfAny : readJson)(call.request, body.limitBytes) : null;
      const value = sent && body && "json" in body ? check(body.json, body.prepare ? body.prepare(sent.value) : sent.value) : undefined;
      const input = { query: asked, body: value, sent: sent?.value, text: sent?.text ?? "" } as Input<S>; // as the schemas of this shape have it
      const run = () => handle(call as Parameters<typeof handle>[0], input); // the router gives a caller to whatever asks for a scope
      return isAudited ? audited(call, { path, sent: sent?.value }, run) : run();
    },
  };
}

function queryOf({ searchParams }: URL, { repeatable = [], deep }: RouteShape): Record<string, unknown> {
  const repeated = repeatable.filter((name) => searchParams.has(name)).map((name) => [name, searchParams.getAll(name).join(",")]);
  const plain: Record<string, string> = { ...Object.fromEntries(searchParams), ...Object.fromEntries(repeated) };
  if (deep === undefined) return plain;
  const members = Object.entries(plain).flatMap(([name, value]) => {
    if (!name.startsWith(deep)) return [];
    const member = name.startsWith(`${deep}[`) && name.endsWith("]") ? name.slice(deep.length + 1, -1) : null;
    if (member === null) {
      const detail = `is not how a member of "${deep}" is asked for: write "${deep}[name]=value"`;
      throw problem("bad_request", { faults: [{ path: [name], detail }] });
    }
    delete plain[name];
    return [[member, value] as const];
  });
  return members.length === 0 ? plain : { ...plain, [deep]: Object.fromEntries(members) };
}

const NO_QUERY = z.strictObject({});

/**
 * The same route with nothing in its query that would not count: if it takes no query, a parameter is refused by name, and so is one
 * that is given twice, of which one value would count. For our own APIs: vendors' clients send what they like.
 */
export function refusingOtherQueries(it: Route): Route {
  const { query = NO_QUERY } = it;
  return {
    ...it,
    query,
    handle(call) {
      if (call.request.url.includes("?")) {
        const { searchParams } = call.url;
        mustNotRepeat(searchParams, it);
        if (!it.query) check(NO_QUERY, Object.fromEntries(searchParams), "query");
      }
      return it.handle(call);
    },
  };
}

/** Throws 400 that names each parameter of the route that comes more than once and must not. Another one means nothing, however often it comes. */
function mustNotRepeat(searchParams: URLSearchParams, { query, repeatable = [], deep }: RouteShape): void {
  const members = membersOf(query);
  const isOnce = (name: string) =>
    (members.includes(name) && !repeatable.includes(name)) || (deep !== undefined && name.startsWith(`${deep}[`));
  const faults = [...new Set(searchParams.keys())].flatMap((name) => {
    const times = isOnce(name) ? searchParams.getAll(name).length : 1;
    return times === 1 ? [] : [{ path: [name], detail: `must be given once, and is given ${times} times` }];
  });
  if (faults.length > 0) throw problem("bad_request", { faults: faults.slice(0, FAULTS_SHOWN) });
}

/** What a wire says in a stream that resumes beside the backend's words. */
export interface StreamEnds {
  /** One event of the backend's as this wire has it; "" for one that it does not tell. As it is by default. */
  told?(event: Uint8Array): string;
  /** The event that ends it, once the inference has. */
  last(inference: Inference, call: KeyCall): string;
  /** A whole output as events, where the backend did not stream. */
  whole(inference: Extract<Inference, { status: "succeeded" }>, call: KeyCall): Promise<string | ReadableStream<Uint8Array> | null>;
  /** Where clients can't begin again within a stream: the event that ends it if another attempt has begun. */
  restarted?(inference: Inference): string;
}

/** One wire: its routes, and how its errors look. */
export interface Dialect {
  readonly name: string;
  /** For readers: whose wire it is. */
  readonly title: string;
  /** Whether an unknown path is answered in this dialect. */
  owns(path: string): boolean;
  /** The path that a request is about, where its host says a part of it; null where it does not. */
  pathOf?(hostname: string, path: string): string | null;
  readonly routes: readonly Route[];
  /** Headers by which this dialect shows where a key stands, beside ours; none of them replaces what an answer says itself. */
  limitHeaders?(allowance: Allowance): Readonly<Record<string, string>>;
  /** An event as this dialect sends it to a webhook that was set in it; ours by default. */
  presentEvent?(event: WebhookEvent): Promise<DeliveryMessage>;
  /** What its streams that resume say beside the backend's words; ours by default. */
  readonly streamEnds?: StreamEnds;
  /** The body of its error answers. */
  readonly error: z.ZodType;
  /** A problem as this dialect's error answer. */
  refuse(problem: Problem, call: Pick<Call, "requestId">): Response;
}
