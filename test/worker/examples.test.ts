/** One call of every route, as the reference shows it: what is sent, and what is answered. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { DIALECTS } from "../../src/wires.ts";
import type { Route } from "../../src/http/route.ts";
import { JSON_TYPE } from "../../src/content/content.ts";
import document from "../../docs/openapi.json";
import recorded from "../support/examples.json";
import { readable } from "../support/paths.ts";
import { type Example, exampleFor, newWorld, outside } from "./support/examples.ts";
import { backendIs } from "./support/outside.ts";
import { randomCalls } from "./support/random-calls.ts";
import { ORIGIN, call } from "./support/requests.ts";
import { newTenant } from "./support/tenants.ts";

const routes: readonly (readonly [string, Route])[] = DIALECTS.flatMap(({ routes: its }) => its).map((route) => [
  `${route.method} ${readable(route.path)}`,
  route,
]);

interface Shown {
  readonly request: {
    readonly params?: unknown;
    readonly query?: unknown;
    readonly headers?: unknown;
    readonly contentType?: unknown;
    readonly body?: unknown;
  };
  readonly answer: { readonly status: number; readonly contentType: string | null; readonly body?: unknown };
}

/** So much of the metrics is an example. */
const METRICS_LINES = 12;
const CALLS = Number(env.RANDOM_CALLS || 300);

const world = await newWorld();

test("every route answers its example as the reference shows it", async () => {
  const steady = new Steady(world.accountId);
  const shown: Record<string, Shown> = {};
  const refused: string[] = [];
  for (const [name, route] of routes) {
    const example = await exampleFor(name, route)(world);
    const { params = {}, query, body, contentType, headers = {} } = example;
    const answer = await sent(route, example);
    const whole = await (name === "GET /v1/events" ? beginningOf(answer) : textOf(answer));
    const text = name === "GET /metrics" ? whole.split("\n").slice(0, METRICS_LINES).join("\n") : whole;
    const type = answer.headers.get("content-type");
    const isRefusal = route.path.startsWith("/v1/links/") && route.method !== "GET"; // all that these are for
    if (answer.status >= 400 && !isRefusal) refused.push(`${name}: ${answer.status} ${text}`);
    const named = Object.fromEntries(Object.entries(params).filter(([parameter]) => route.path.includes(`:${parameter}`)));
    shown[name] = {
      request: {
        params: steady.of(named),
        query: steady.of(query),
        headers: steady.of(headers),
        contentType: body === undefined ? undefined : (contentType ?? JSON_TYPE),
        body: steady.of(body),
      },
      answer: {
        status: answer.status,
        contentType: type,
        body: type?.includes("json") ? steady.of(JSON.parse(text)) : steady.of(text) || undefined,
      },
    };
  }
  expect(refused).toEqual([]);
  if (env.RECORD_EXAMPLES) await expect(`${JSON.stringify(renewed(shown), null, 1)}\n`).toMatchFileSnapshot("../support/examples.json");
  else expect(outlined(shown), "`npm run reference` records the examples").toEqual(outlined(recorded));
});

/** A value of each header that is described, and how its answer shows that the route has read it. */
const READ: Readonly<
  Record<string, { value: string; fits: (route: Route) => boolean; isRead: (answer: Response, text: string) => boolean }>
> = {
  "If-None-Match": { value: "*", fits: ({ method }) => method === "GET", isRead: ({ status }) => status === 304 },
  Range: { value: "bytes=0-0", fits: ({ method }) => method === "GET", isRead: ({ status }) => status === 206 },
  "Idempotency-Key": {
    value: "k".repeat(256),
    fits: ({ access }) => access === "submit",
    isRead: (_, text) => text.includes("Idempotency-Key must be 1 to 255"),
  },
  Prefer: {
    value: "wait=long",
    fits: ({ access }) => access === "read" || access === "submit",
    isRead: (_, text) => text.includes("The header Prefer must"),
  },
};

interface Described {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
}
const described = document.paths as unknown as Readonly<Record<string, Readonly<Record<string, Described>>>>;

test("a route reads the headers that the reference says it does, and no other of them", async () => {
  backendIs(outside);
  const wrong: string[] = [];
  for (const [name, route] of routes) {
    const { parameters = [] } = described[readable(route.path)]?.[route.method.toLowerCase()] ?? {};
    const headers = new Set(parameters.filter((parameter) => parameter.in === "header").map((parameter) => parameter.name));
    for (const [header, { value, isRead }] of Object.entries(READ).filter((entry) => entry[1].fits(route))) {
      const example = await exampleFor(name, route)(world);
      const { id } = example.params ?? {};
      // An answer that can't change is given again whatever is preferred, so each is asked for at an address of its own.
      const params = { ...example.params, ...(id === undefined || header !== "Prefer" ? {} : { id: id.toUpperCase() }) };
      const answer = await sent(route, { ...example, params, headers: { ...example.headers, [header]: value } });
      const isStream = answer.headers.get("content-type")?.startsWith("text/event-stream") === true;
      const text = isStream ? await beginningOf(answer) : await textOf(answer);
      if (isRead(answer, text) !== headers.has(header)) wrong.push(`${name} ${header}: ${answer.status} ${text.slice(0, 100)}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("the front page is a page to browsers, in which nothing runs", async () => {
  const answer = await call("/", { headers: { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
  expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'nonce-[0-9a-f-]{36}'; /);
  expect(await answer.text()).toContain(`curl ${ORIGIN}/v1/models`);
});

describe("what is served beside the API", () => {
  test.each([
    ["/docs", "text/html; charset=utf-8", '<main id="viewer">'],
    ["/docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8", "SwaggerUIBundle"],
    ["/docs/viewer.css", "text/css; charset=utf-8", "dark-mode"],
    ["/docs/guides/chat.md", "text/markdown; charset=utf-8", "# Chat"],
    ["/docs/webhooks.md", "text/markdown; charset=utf-8", "# Webhooks"],
    ["/llms.txt", "text/plain; charset=utf-8", "- [Webhooks](/docs/webhooks.md): "],
    ["/llms-full.txt", "text/plain; charset=utf-8", "# Webhooks"],
    ["/openapi.json", "application/json", '"openapi"'],
    ["/console", "text/html; charset=utf-8", '<div id="root">'],
    ["/console/inferences/any-id", "text/html; charset=utf-8", '<div id="root">'],
  ])("%s is a file that runs nothing from elsewhere, and is sent once", async (path, type, part) => {
    const answer = await call(path);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(type);
    expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /);
    expect(await answer.text()).toContain(part);
    const again = await call(path, { headers: { "If-None-Match": answer.headers.get("etag") ?? "" } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
    const head = await call(path, { method: "HEAD" });
    expect([head.status, head.headers.get("content-type"), await head.text()]).toEqual([200, type, ""]);
  });

  test("nothing else of that folder is there, and nothing can be written to it", async () => {
    for (const path of [
      "/docs/none.md",
      "/docs/index",
      "/docs/..%2fllms.txt",
      "/docs/notes/field.md",
      "/docs//api.md",
      "/viewer.js",
      "/index.html",
      "/console/assets/none.js",
      "/console/session/more",
    ]) {
      const answer = await call(path);
      expect([path, answer.status, await answer.json()]).toMatchObject([path, 404, { code: "not_found" }]);
    }
    const written = await call("/docs/api.md", { method: "PUT", body: "x" });
    expect([written.status, written.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
    await written.body?.cancel();
  });
});

test("no call made at random from the reference gets an answer that it does not have", { timeout: 60_000 + CALLS * 100 }, async () => {
  backendIs(outside);
  const { key } = await newTenant();
  const seed = Number(env.RANDOM_CALLS_SEED || Date.now() % 1_000_000);
  const surprises: string[] = [];
  for (const { name, path, init, statuses } of randomCalls(seed, CALLS, { account: key, operator: env.ADMIN_TOKEN })) {
    const answer = await call(path, init).catch((error: unknown) => String(error));
    if (typeof answer === "string") surprises.push(`${name}: ${answer}`);
    else if (answer.status !== 405 && answer.status !== 301 && !statuses.includes(String(answer.status)) && !statuses.includes("default")) {
      surprises.push(
        `${name}: ${answer.status} ${(await answer.text()).slice(0, 200)} for ${path.slice(0, 120)} ${init.body?.slice(0, 200)}`,
      );
    } else await answer.body?.cancel();
  }
  expect(surprises, `seed ${seed}`).toEqual([]);
});

/** Sends an example with the key that its route asks for. */
function sent(
  route: Route,
  { params = {}, query, body, contentType, headers = {}, signed, key: own = world.key }: Example,
): Promise<Response> {
  const path = readable(route.path).replaceAll(/\{(\w+)\}/g, (_, parameter: string) => encodeURIComponent(params[parameter] ?? "missing"));
  const key = route.access === "open" && signed !== true ? null : route.access === "operator" ? env.ADMIN_TOKEN : own;
  return call(`${path}${query ? `?${new URLSearchParams(query).toString()}` : ""}`, {
    method: route.method,
    headers: {
      ...headers,
      ...(key === null ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "Content-Type": contentType ?? JSON_TYPE }),
    },
    ...(body === undefined ? {} : { body: typeof body === "string" && contentType ? body : JSON.stringify(body) }),
  });
}

/** The body as text, whatever its type: files of the examples are. */
async function textOf(answer: Response): Promise<string> {
  return new TextDecoder().decode(await answer.arrayBuffer());
}

/** What comes first of a stream that has no end. */
async function beginningOf(answer: Response): Promise<string> {
  const reader = (answer.body ?? new ReadableStream<Uint8Array>()).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** What was recorded, with what has another form by now in its place: ids alone, which are new each time, renew nothing. */
function renewed(examples: Readonly<Record<string, Shown>>): Record<string, Shown> {
  const before = new Map<string, Shown>(Object.entries(recorded));
  return Object.fromEntries(
    Object.entries(examples).map(([name, shown]) => {
      const known = before.get(name);
      return [name, known && JSON.stringify(formOf(known)) === JSON.stringify(formOf(shown)) ? known : shown];
    }),
  );
}

/** A value with the type of each member in its place; of a list, whose order new ids may change, the forms that are in it. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((each) => JSON.stringify(formOf(each))))].toSorted();
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  const members = Object.entries(value).filter(([, its]) => its !== undefined); // as JSON has them
  return Object.fromEntries(members.map(([name, its]) => [name, formOf(its)]));
}

/** What can't differ from run to run: the answers themselves were held against their schemas. */
function outlined(examples: Readonly<Record<string, Shown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(examples).map(([name, { request, answer }]) => [
      name,
      [answer.status, answer.contentType, membersOf(answer.body), Object.keys(request.params ?? {}), Object.keys(request.query ?? {})],
    ]),
  );
}

function membersOf(body: unknown): string[] {
  return typeof body === "object" && body !== null && !Array.isArray(body) ? Object.keys(body) : [];
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** The id of the event that ends a stream: its place, and its moment in ms. */
const STREAM_END = /^(id: \d+\.\d+)\.\d{13}\.end$/gm;
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?/g;
const SECRET = /((?:ck|whsec)_|\/links\/|\/streams\/|^AgAB|^Av8D)[\w+/=-]{30,}/g;

const DELIVERY = /msg_([0-9A-Za-z]{12})_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_(\d+)_(0|wh_[0-9A-Za-z]{16})/g;
const PREFIXED = /\b(be|wh)_[0-9A-Za-z]{12}(?:[0-9A-Za-z]{4})?\b/g;
/** As a whole, of a list of inferences. */
const CURSOR = /^(?=.*[A-Z])(?!msg_)[\w-]{60,100}$/;
/** Of an attempt, as models get it. */
const PROGRESS = /^[\w-]{60,100}\.[\w-]{43}$/;
/** Of a trace or a span. */
const HEX = /\b(?:[0-9a-f]{32}|[0-9a-f]{16})\b/g;
/** Of an account, or of a key, which begins with its account's. */
const ACCOUNT_OR_KEY = /^([0-9A-Za-z]{12})(?:[0-9A-Za-z]{6})?$/;
const NAMES_ACCOUNT = new Set(["id", "account_id", "key_id"]);

/** For readers, and so that no two runs differ by them: ids in a row of each kind, one time, and no secret that works. */
class Steady {
  readonly #names = new Map<string, Map<string, string>>();
  readonly #accounts: string[];

  constructor(...accounts: string[]) {
    this.#accounts = accounts;
  }

  of(value: unknown): unknown {
    this.#learn(value);
    return this.#shown(value);
  }

  /** Accounts that a value names: nothing else tells their ids from words. */
  #learn(value: unknown): void {
    if (typeof value !== "object" || value === null) return;
    for (const [member, its] of Object.entries(value)) {
      const [, account] = (typeof its === "string" && NAMES_ACCOUNT.has(member) && ACCOUNT_OR_KEY.exec(its)) || [];
      if (account !== undefined && !this.#accounts.includes(account)) this.#accounts.push(account);
      this.#learn(its);
    }
  }

  #shown(value: unknown): unknown {
    if (typeof value === "string") return this.#text(value);
    if (Array.isArray(value)) return value.map((each) => this.#shown(each));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([member, its]) => [member, this.#shown(its)]));
  }

  /** The name of an id: the next of its kind if it has none, as long as it. */
  #named(kind: string, id: string): string {
    const names = this.#names.get(kind) ?? new Map<string, string>();
    this.#names.set(kind, names);
    const name = names.get(id) ?? `${kind}${String(names.size + 1).padStart(id.length - kind.length, "0")}`;
    names.set(id, name);
    return name;
  }

  #text(text: string): string {
    const secretless = text.replaceAll(SECRET, "$1…");
    if (PROGRESS.test(secretless)) return "token…";
    if (CURSOR.test(secretless)) return this.#named("cursor", secretless);
    const ofAccounts = new RegExp(`(?<![0-9A-Za-z])(${this.#accounts.join("|")})([0-9A-Za-z]{6})?(?![0-9A-Za-z])`, "g");
    return secretless
      .replaceAll(DELIVERY, (_, account: string, ...parts: string[]) => {
        const id = this.#named("01900000-0000-7000-8000-", parts.slice(0, 5).join("-"));
        const [sequence = "", webhook = ""] = parts.slice(5);
        return `msg_${this.#named("account", account)}_${id.replaceAll("-", "")}_${sequence}_${webhook === "0" ? webhook : this.#named("wh_", webhook)}`;
      })
      .replaceAll(UUID, (id) => this.#named("01900000-0000-7000-8000-", id))
      .replaceAll(PREFIXED, (id, prefix: string) => this.#named(`${prefix}_`, id))
      .replaceAll(HEX, (id) => this.#named("", id))
      .replaceAll(
        ofAccounts,
        (_, account: string, key = "") => `${this.#named("account", account)}${key === "" ? "" : this.#named("key", key)}`,
      )
      .replaceAll(STREAM_END, `$1.${Date.parse("2026-01-31T12:00:00Z")}.end`)
      .replaceAll(TIME, (time) => `2026-01-31T12:00:00${time.length > 19 ? `.${"0".repeat(time.length - 20)}` : ""}`);
  }
}
