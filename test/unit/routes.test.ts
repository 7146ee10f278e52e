/** Every route of every wire: says what it does, takes and answers, meets no other route, and stands in docs/api.md. */
import { readFileSync } from "node:fs";
import { Router } from "itty-router";
import * as z from "zod";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicFiles } from "../../src/local/public.mjs";
import { REFERENCE_PAGE, withReference } from "../support/reference.ts";
import { isDocument } from "../../src/api/documents.ts";
import { addressOf, networkOf } from "../../src/http/address.ts";
import { WIRES } from "../../src/http/filter.ts";
import { methodsOf, routeFor } from "../../src/routes.ts";
import { DIALECTS } from "../../src/wires.ts";

const routes = DIALECTS.flatMap((dialect) => dialect.routes.map((route) => ({ dialect, route })));
const nameOf = ({ route: { method, path } }: (typeof routes)[number]) => `${method} ${path}`;
const named = routes.map((entry) => [nameOf(entry), entry] as const);

/** A path as a client has it: what the router is told about a parameter is left out, and each has a value of its own. */
const exampleOf = (path: string) => path.replaceAll(/\(\?!(?:[^()]|\([^()]*\))*\)/g, "").replaceAll(/:(\w+)/g, "a-$1");

test("a list can be filtered by every wire that inferences come by", () => {
  const withoutInferences = new Set(["admin", "front", "console", "health"]);
  expect(
    DIALECTS.map(({ name }) => name)
      .filter((name) => !withoutInferences.has(name))
      .toSorted(),
  ).toEqual(WIRES.toSorted());
});

test("the wires have names of their own", () => {
  const names = DIALECTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(named)("%s", (_name, { dialect, route }) => {
  test("says what it does, in one sentence", () => {
    expect(route.summary).toMatch(/^[A-Z].*\.$/);
  });

  test("describes each of its path's parameters", () => {
    const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
    const described = Object.entries(route.params?.shape ?? {}).filter(([, schema]) => z.globalRegistry.get(schema)?.description);
    expect(described.map(([name]) => name).toSorted()).toEqual(inPath.toSorted());
  });

  test("says what it answers", () => {
    const answers = Object.entries(route.answers);
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.filter(([, { description }]) => description === "")).toEqual([]);
  });

  test("is the one that its path leads to", () => {
    const met: string[] = [];
    const router = Router<{ method: string; url: string }, [], undefined>();
    for (const other of routes) {
      if (other.route.method !== route.method) continue;
      router.all(other.route.path, () => void met.push(nameOf(other))); // nothing is returned, so the next that fits is asked too
    }
    return router
      .fetch({ method: route.method, url: `http://claimcheck.test${exampleOf(route.path)}` })
      .then(() => expect(met[0]).toBe(nameOf({ dialect, route })));
  });
});

test("no route is where a file is served", () => {
  const paths = [...publicFiles().keys()].map((path) => `/${path}`);
  expect(paths.filter((path) => !isDocument(path))).toEqual([]);
  const met: string[] = [];
  const router = Router<{ method: string; url: string }, [], undefined>();
  for (const { route } of routes) router.all(route.path, ({ url }) => void met.push(`${route.path} ${url}`));
  for (const path of [...paths, "/docs", "/docs/"]) void router.fetch({ method: "GET", url: `http://claimcheck.test${path}` });
  expect(met).toEqual([]);
  expect(routes.filter(({ route }) => isDocument(exampleOf(route.path))).map(nameOf)).toEqual([]);
});

test("a request's host and path are read as a URL parser reads them", () => {
  const piece = fc.constantFrom(
    "a",
    "Z",
    "0",
    "-",
    "_",
    ".",
    "..",
    "/",
    "//",
    "%2f",
    "%41",
    "\\",
    "?",
    "#",
    "@",
    ":",
    "ü",
    " ",
    "\t",
    "1",
    "[::1]",
    "127.0.0.1",
    "xn--",
  );
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));
  const url = fc
    .tuple(fc.constantFrom("http://a", "https://model-x.b-c.test", "http://127.0.0.1", "http://1", "http://A.b"), text, text)
    .map((pieces) => pieces.join(""));
  fc.assert(
    fc.property(url, (asked) => {
      fc.pre(URL.canParse(asked));
      const { hostname, pathname } = new URL(asked);
      expect(addressOf(asked)).toMatchObject({ hostname, pathname });
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:db8:1:2::6", "2001:db8:1:2"],
  ["2001:db8::6", "2001:db8:0:0"],
  ["2001:db8::5:6", "2001:db8:0:0"],
  ["2001:db8:0:1:2:3:4:5", "2001:db8:0:1"],
  ["::1", "0:0:0:0"],
  ["", ""],
])("a caller at %j is of the network %j", (address, network) => {
  expect(networkOf({ headers: new Headers(address === "" ? {} : { "CF-Connecting-IP": address }) })).toBe(network);
});

test.each([
  ["/v1/inferences/bulk", ["POST"]],
  ["/v1/inferences/counts", ["GET"]],
  ["/v1/webhooks/rotate", ["POST"]],
  ["/v1/inferences/any", ["GET", "DELETE"]],
  ["/v1/inferences", ["POST", "GET"]],
  ["/v1/nothing", []],
])("%s takes %j", (path, methods) => {
  expect(methodsOf(path).toSorted()).toEqual(methods.toSorted());
});

test.each([...new Set(routes.map(({ route }) => route.path))])(
  "%s is found by the methods that its routes have, and by no other",
  (path) => {
    const asked = exampleOf(path).replaceAll("+", "");
    const taken = routes.filter(({ route }) => route.path === path).map(({ route }) => route.method);
    const found = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) => routeFor(method, asked) !== null);
    expect([found, methodsOf(asked).toSorted(), methodsOf(`${asked}/`).toSorted()]).toEqual([
      expect.arrayContaining(taken),
      taken.toSorted(),
      taken.toSorted(),
    ]);
    expect(found).toHaveLength(taken.length);
  },
);

test("the list of calls in docs/api.md is what the routes make of it", () => {
  const page = readFileSync(REFERENCE_PAGE, "utf8");
  expect(page).toBe(withReference(page));
});
