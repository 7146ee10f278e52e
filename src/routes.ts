/**
 * All routes of all wires, and which of them a request is for, by its method, its path and, where a vendor has it so, its host. The
 * only file that knows the router library.
 */
import { Router } from "itty-router";
import { addressOf } from "./http/address.ts";
import { CallCounts } from "./http/calls.ts";
import type { Dialect, Route } from "./http/route.ts";
import { observed } from "./metrics/observed.ts";
import { DIALECTS } from "./wires.ts";

/** A route of a wire, and its path as the library makes a pattern of it. */
export interface Entry {
  readonly dialect: Dialect;
  readonly route: Route;
  readonly pattern: RegExp;
  readonly counts: CallCounts;
}

/** The paths that routes name in full. */
const NAMED = new Set(DIALECTS.flatMap(({ routes }) => routes.map(({ path }) => path).filter((path) => !path.includes(":"))));

/** All routes, in order. */
const ENTRIES: readonly Entry[] = DIALECTS.flatMap((dialect) =>
  dialect.routes.map((route) => ({
    dialect,
    route,
    pattern: patternOf(route.path),
    counts: new CallCounts(observed, dialect.name, route.method, route.path),
  })),
);
/**
 * The same routes by method and by the first two segments of their path. A route that begins with a parameter stands under every
 * pair of segments; one whose second segment is a parameter stands under every pair with its first. "*" is any segment that no route names.
 */
const byStart = new Map<string, Entry[]>();
const LITERAL = /^[\w.-]*$/;

const starts = ENTRIES.map(({ route }) => startOf(route.path)).filter(([first]) => LITERAL.test(first));
const STARTS = new Set([
  "*/*",
  ...starts.flatMap(([first, second]) => [`${first}/*`, ...(LITERAL.test(second) ? [`${first}/${second}`] : [])]),
]);
for (const entry of ENTRIES) {
  const { method, path } = entry.route;
  const [first, second] = startOf(path);
  for (const start of STARTS) {
    const isUnder = !LITERAL.test(first) || (LITERAL.test(second) ? start === `${first}/${second}` : start.startsWith(`${first}/`));
    if (isUnder) byStart.set(`${method} ${start}`, [...(byStart.get(`${method} ${start}`) ?? []), entry]);
  }
}

/** Takes no path that a route names in full, such as `/v1/inferences/bulk`, for one whose parameter is "bulk", whatever its method. */
function patternOf(path: string): RegExp {
  const { routes } = Router().get(path, () => undefined);
  const [[, pattern] = []] = routes;
  if (!pattern) throw new Error(`no pattern for ${path}`);
  const named = path.includes(":") ? [...NAMED].filter((it) => pattern.test(it)) : [];
  const others = named.join("|").replaceAll(".", "\\.");
  return others === "" ? pattern : new RegExp(`^(?!(?:${others})/*$)${pattern.source.slice(1)}`);
}

/** The route that a request is for; null if there is none. */
export function routeFor(method: string, path: string): (Entry & { readonly params: Record<string, string> }) | null {
  const [first, second] = startOf(path);
  const known = `${first}/${second}`;
  const start = STARTS.has(known) ? known : STARTS.has(`${first}/*`) ? `${first}/*` : "*/*";
  for (const entry of byStart.get(`${method} ${start}`) ?? []) {
    const match = entry.pattern.exec(path);
    if (match) return { ...entry, params: path.includes("%") ? decoded(match.groups ?? {}) : { ...match.groups } };
  }
  return null;
}

/** The first two segments of a path; "" is one that is not there. */
function startOf(path: string): [first: string, second: string] {
  const end = path.indexOf("/", 1);
  if (end < 0) return [path.slice(1), ""];
  const next = path.indexOf("/", end + 1);
  return [path.slice(1, end), next < 0 ? path.slice(end + 1) : path.slice(end + 1, next)];
}

/**
 * A request's path; where its host tells a part of it, as some vendors have it, with that in the path. A path that is there
 * without it stays as it is, so that a deployment's own host may have any name.
 */
export function routedPath(text: string): string {
  const { hostname, pathname } = addressOf(text);
  for (const dialect of DIALECTS) {
    const whole = dialect.pathOf?.(hostname, pathname) ?? null;
    if (whole !== null) return methodsOf(pathname).length === 0 ? whole : pathname;
  }
  return pathname;
}

/** The methods that a path takes; none where there is nothing. */
export function methodsOf(path: string): string[] {
  return ENTRIES.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route.method);
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
