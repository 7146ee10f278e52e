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

/** A route of a wire. */
export interface Entry {
  readonly dialect: Dialect;
  readonly route: Route;
  readonly counts: CallCounts;
}

/** The paths that routes name in full. */
const NAMED = new Set(DIALECTS.flatMap(({ routes }) => routes.map(({ path }) => path).filter((path) => !path.includes(":"))));

/** A segment of a route's path that is no parameter. */
const LITERAL = /^[\w.-]*$/;

/** All routes, in order, each with the first two segments of its path. */
const ENTRIES: readonly (Entry & { readonly start: Start })[] = DIALECTS.flatMap((dialect) =>
  dialect.routes.map((route) => ({
    dialect,
    route,
    counts: new CallCounts(observed, dialect.name, route.method, route.path),
    start: startOf(route.path),
  })),
);

/** The pairs of segments that routes begin with. "*" is any segment that no route names. */
const STARTS = new Set([
  "*/*",
  ...ENTRIES.flatMap(({ start: [first, second] }) => {
    if (!LITERAL.test(first)) return [];
    return LITERAL.test(second) ? [`${first}/*`, `${first}/${second}`] : [`${first}/*`];
  }),
]);

/** A route that a path with a certain start may be for, and its path as the library makes a pattern of it. */
interface Candidate extends Entry {
  readonly pattern: RegExp;
}

/** By the first two segments of a path: made when the first such path comes, since to make all of them takes a large part of a Worker's start. */
const byStart = new Map<string, readonly Candidate[]>();

/**
 * The routes that a path may be for, in order: a route that begins with a parameter stands under every start, one whose second segment
 * is a parameter under every start with its first.
 */
function candidatesFor(path: string): readonly Candidate[] {
  const [first, second] = startOf(path);
  const known = `${first}/${second}`;
  const start = STARTS.has(known) ? known : STARTS.has(`${first}/*`) ? `${first}/*` : "*/*";
  const kept = byStart.get(start);
  if (kept) return kept;
  const isUnder = ([one, other]: Start) =>
    !LITERAL.test(one) || (LITERAL.test(other) ? start === `${one}/${other}` : start.startsWith(`${one}/`));
  const made = ENTRIES.filter((entry) => isUnder(entry.start)).map((entry) => ({ ...entry, pattern: patternOf(entry.route.path) }));
  byStart.set(start, made);
  return made;
}

/** By the path of its route. A route may stand under many starts. */
const patterns = new Map<string, RegExp>();

/** Takes no path that a route names in full, such as `/v1/inferences/bulk`, for one whose parameter is "bulk", whatever its method. */
function patternOf(path: string): RegExp {
  const kept = patterns.get(path);
  if (kept) return kept;
  const { routes } = Router().get(path, () => undefined);
  const [[, pattern] = []] = routes;
  if (!pattern) throw new Error(`no pattern for ${path}`);
  const named = path.includes(":") ? [...NAMED].filter((it) => pattern.test(it)) : [];
  const others = named.join("|").replaceAll(".", "\\.");
  const whole = others === "" ? pattern : new RegExp(`^(?!(?:${others})/*$)${pattern.source.slice(1)}`);
  patterns.set(path, whole);
  return whole;
}

/** The route that a request is for; null if there is none. */
export function routeFor(method: string, path: string): (Entry & { readonly params: Record<string, string> }) | null {
  for (const { dialect, route, counts, pattern } of candidatesFor(path)) {
    const match = route.method === method ? pattern.exec(path) : null;
    if (match) return { dialect, route, counts, params: path.includes("%") ? decoded(match.groups ?? {}) : { ...match.groups } };
  }
  return null;
}

type Start = readonly [first: string, second: string];

/** The first two segments of a path; "" is one that is not there. */
function startOf(path: string): Start {
  const end = path.indexOf("/", 1);
  if (end < 0) return [path.slice(1), ""];
  const next = path.indexOf("/", end + 1);
  return [path.slice(1, end), next < 0 ? path.slice(end + 1) : path.slice(end + 1, next)];
}

/**
 * A request's path; where its host tells a part of it, as some vendors have it, with that in the path. A path that is there
 * without it stays as it is, so that a deployment's own host may have any name, unless the whole is one that a route names in full.
 */
export function routedPath(text: string): string {
  const { hostname, pathname } = addressOf(text);
  for (const dialect of DIALECTS) {
    const whole = dialect.pathOf?.(hostname, pathname) ?? null;
    if (whole !== null) return NAMED.has(whole) || methodsOf(pathname).length === 0 ? whole : pathname;
  }
  return pathname;
}

/** The methods that a path takes; none where there is nothing. */
export function methodsOf(path: string): string[] {
  return candidatesFor(path)
    .filter(({ pattern }) => pattern.test(path))
    .map(({ route }) => route.method);
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
