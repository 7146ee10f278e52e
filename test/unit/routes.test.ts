/** Every route of every wire: says what it does, takes and answers, meets no other route, and stands in docs/api.md. */
import { readFileSync } from "node:fs";
import { Router } from "itty-router";
import * as z from "zod";
import { describe, expect, test } from "vitest";
import { REFERENCE_PAGE, withReference } from "../support/reference.ts";
import { DIALECTS } from "../../src/wires.ts";

const routes = DIALECTS.flatMap((dialect) => dialect.routes.map((route) => ({ dialect, route })));
const nameOf = ({ route: { method, path } }: (typeof routes)[number]) => `${method} ${path}`;
const named = routes.map((entry) => [nameOf(entry), entry] as const);

/** A path as a client has it: what the router is told about a parameter is left out, and each has a value of its own. */
const exampleOf = (path: string) => path.replaceAll(/\(\?!(?:[^()]|\([^()]*\))*\)/g, "").replaceAll(/:(\w+)/g, "a-$1");

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

test("the list of calls in docs/api.md is what the routes make of it", () => {
  const page = readFileSync(REFERENCE_PAGE, "utf8");
  expect(page).toBe(withReference(page));
});
