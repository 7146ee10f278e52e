/**
 * Holds every answer that a test gets against what its route says it answers: a status that is documented, or a refusal in
 * the error form of its wire, and a JSON body without a member that the schema does not have.
 */
import { env } from "cloudflare:workers";
import { Router } from "itty-router";
import * as z from "zod";
import { DIALECTS } from "../../../src/wires.ts";
import type { Dialect, Route } from "../../../src/http/route.ts";
import document from "../../../docs/openapi.json";
import { readable } from "../../support/paths.ts";

interface Documented {
  readonly dialect: Dialect;
  readonly route: Route;
}

type Responses = Readonly<Record<string, { readonly headers?: object }>>;
type Operations = Readonly<Record<string, Readonly<Record<string, { readonly responses: object }>>>>;
const operations: Operations = document.paths;
const described: Readonly<Record<string, { readonly description: string; readonly required?: boolean }>> = document.components.headers;

const responsesOf = ({ method, path }: Route) => (operations[readable(path)]?.[method.toLowerCase()]?.responses ?? {}) as Responses; // as the document has them

/** Whether docs/openapi.json has this status of a route. A method that a path does not take is of no route. */
function isNamed(route: Route, status: number): boolean {
  const responses = responsesOf(route);
  return status === 405 || String(status) in responses || "default" in responses;
}

/** The headers that docs/openapi.json promises and an answer lacks. */
function missingOf(route: Route, { status, headers }: Response): string[] {
  const promised = Object.keys(responsesOf(route)[status]?.headers ?? {});
  return promised.filter((name) => described[name]?.required === true && !headers.has(name));
}

const routes = Router<{ method: string; url: string }, [], Documented>();
for (const dialect of DIALECTS) {
  for (const route of dialect.routes) {
    routes[verbOf(route.method)](route.path, () => ({ dialect, route }));
  }
}

function verbOf(method: string) {
  return method.toLowerCase() as "get" | "post" | "patch" | "put" | "delete"; // what toLowerCase does to a Method
}

/** The answer as it came. Throws if it is not as its route says. */
export async function asDocumented(request: Pick<Request, "method" | "url">, answer: Response): Promise<Response> {
  const found = await routeOf(request);
  if (!found) return answer;
  const wrong = (what: string) => new Error(`${request.method} ${new URL(request.url).pathname} answers ${answer.status}: ${what}`);
  // What `npm run reference` sends makes the document anew.
  if (!env.RECORD_EXAMPLES) {
    if (!isNamed(found.route, answer.status)) throw wrong("this status is not documented");
    const missing = missingOf(found.route, answer);
    if (missing.length > 0) throw wrong(`it lacks ${missing.join(", ")}, which is documented`);
  }
  const shape = found.route.answers[answer.status];
  const isJson = answer.headers.get("content-type")?.includes("json") === true;
  if (request.method === "HEAD" || (shape?.other && !(shape.json && isJson))) return answer;
  const schema = shape?.json ?? (shape && answer.status < 400 ? undefined : found.dialect.error);
  const text = await answer.clone().text();
  if (!schema || (shape && !shape.json && text === "")) {
    if (text !== "") throw wrong(`it has a body, which is not documented: ${text.slice(0, 200)}`);
    return answer;
  }
  if (!isJson) throw wrong(`it is not JSON: ${answer.headers.get("content-type")}`);
  const checked = strict(schema).safeParse(JSON.parse(text));
  if (!checked.success) throw wrong(`${z.prettifyError(checked.error)}\n${text.slice(0, 1_000)}`);
  return answer;
}

async function routeOf(request: Pick<Request, "method" | "url">): Promise<Documented | null> {
  const method = request.method === "HEAD" ? "GET" : request.method;
  const url = new URL(request.url);
  const paths = [
    url.pathname,
    ...DIALECTS.map((dialect) => dialect.pathOf?.(url.hostname, url.pathname) ?? null).filter((path) => path !== null),
  ];
  for (const path of paths) {
    url.pathname = path;
    const found: unknown = await routes.fetch({ method, url: url.href });
    if (found) return found as Documented; // what the handlers above return
  }
  return null;
}

const stricter = new WeakMap<z.core.$ZodType, z.ZodType>();

/** A schema whose objects take no other members than they name, unless they are loose by their own word. */
function strict(schema: z.core.$ZodType): z.ZodType {
  const known = stricter.get(schema);
  if (known) return known;
  const made = strictOf(schema as z.core.$ZodTypes) ?? (schema as unknown as z.ZodType); // all of ours are of the classic kind
  stricter.set(schema, made);
  return made;
}

function strictOf({ _zod: { def } }: z.core.$ZodTypes): z.ZodType | null {
  if (def.type === "object") {
    const shape = Object.fromEntries(Object.entries(def.shape).map(([name, member]) => [name, strict(member)]));
    return def.catchall ? z.object(shape).catchall(strict(def.catchall)) : z.strictObject(shape);
  }
  if (def.type === "array") return z.array(strict(def.element));
  if (def.type === "optional") return strict(def.innerType).optional();
  if (def.type === "nullable") return strict(def.innerType).nullable();
  if (def.type === "readonly") return strict(def.innerType);
  return def.type === "union" ? z.union(def.options.map(strict)) : null;
}
