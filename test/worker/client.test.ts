/** The TypeScript client in the runtime of Workers, against the Worker itself. */
import { beforeAll, beforeEach, expect, test } from "vitest";
import { CASES, KINDS, type Kind, type World, answerOf } from "../support/client-cases.ts";
import { backendIs } from "./support/outside.ts";
import { ORIGIN, call } from "./support/requests.ts";
import { newModel, newTenant, served } from "./support/tenants.ts";

let world: World;

beforeAll(async () => {
  const models = await Promise.all(KINDS.map(async (kind) => [kind, await (kind === "never" ? newModel() : served(8))] as const));
  const { key, accountId } = await newTenant();
  world = {
    url: ORIGIN,
    key,
    accountId,
    models: Object.fromEntries(models) as Record<Kind, string>, // of all kinds
    fetch: (url, init) => call(url.slice(ORIGIN.length), init),
  };
});

beforeEach(() => {
  backendIs(({ url }) => {
    const kind = KINDS.find((each) => new URL(url).hostname === `${world.models[each]}.gpu.test`);
    return kind === undefined || kind === "never" ? new Response(null, { status: 404 }) : answerOf(kind);
  });
});

test.each(Object.keys(CASES))("%s", async (name) => {
  await expect(CASES[name]?.(world)).resolves.toBeUndefined();
});
