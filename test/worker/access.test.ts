/** Who may make which call: made from the table of routes, so that a route that is added is held to it at once. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { describe, expect, test } from "vitest";
import type { Access, Dialect } from "../../src/http/route.ts";
import { handle } from "../../src/router.ts";
import { DIALECTS } from "../../src/wires.ts";
import { submitted } from "./support/inferences.ts";
import { backendIs, publicNames } from "./support/outside.ts";
import { ORIGIN, as, call, object } from "./support/requests.ts";
import { BAD_KEYS, newModel, newTenant } from "./support/tenants.ts";

type Route = Dialect["routes"][number];

const UNKNOWN_ID = "01900000-0000-7000-8000-000000000000";

/** What stands in a path for each parameter; ids are those of nothing. */
const NOTHING: Readonly<Record<string, string>> = {
  id: UNKNOWN_ID,
  account: "NoAccount000",
  model: "a-model-that-nobody-made",
  app: "a-model-that-nobody-made",
  name: "a-model-that-nobody-made",
  version: "v1",
  capability: "anything",
  rest: "predict",
  part: "part-1",
  number: "1",
  delivery: "msg_x",
  token: "no-token",
};

function pathOf({ path }: Route, values: Readonly<Record<string, string>> = {}): string {
  const known = { ...NOTHING, ...values };
  return path.replaceAll(/\(\?!(?:[^()]|\([^()]*\))*\)/g, "").replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = known[name];
    if (value === undefined) throw new Error(`nothing is said to stand for ":${name}" in ${path}`);
    return value;
  });
}

const ofAccess = (...accesses: readonly Access[]) =>
  DIALECTS.flatMap(({ routes }) =>
    routes.filter(({ access }) => accesses.includes(access)).map((route) => [`${route.method} ${route.path}`, route] as const),
  );

/** Without a body: who may call is decided before one is looked at. */
const send = ({ method }: Route, path: string, key: string | null) =>
  call(path, { method, headers: key === null ? {} : { "X-Api-Key": key } });

describe.each(ofAccess("read", "submit", "cancel"))("%s", (_name, route) => {
  test.each(BAD_KEYS)("is not answered %s", async (_fault, makeKey) => {
    const answer = await send(route, pathOf(route), await makeKey());
    expect(answer.status).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer realm="/);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
  });

  test("needs its scope", async () => {
    const { key } = await newTenant({ scopes: ["submit", "read", "cancel"].filter((scope) => scope !== route.access) });
    const answer = await send(route, pathOf(route), key);
    expect(answer.status).toBe(403);
    expect(await answer.text()).toContain(route.access);
  });

  test("does not take the operator's token", async () => {
    const answer = await call(pathOf(route), { method: route.method, headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}` } });
    expect(answer.status).toBe(401);
  });
});

describe.each(ofAccess("operator"))("%s", (_name, route) => {
  test.each(BAD_KEYS)("is not answered %s", async (_fault, makeKey) => {
    expect((await send(route, pathOf(route), await makeKey())).status).toBe(401);
  });

  test("does not take an account's key", async () => {
    const { key } = await newTenant();
    const answer = await call(pathOf(route), { method: route.method, headers: { Authorization: `Bearer ${key}` } });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("cache-control")).toBe("private, no-store");
  });
});

/** What an id in a path may be of, by how the path begins; and how an account makes one. */
const KINDS: readonly (readonly [begins: RegExp, make: (key: string) => Promise<string>])[] = [
  [
    /^(?:\/replicate)?\/v1\/files\//,
    async (key) => String((await object(call("/v1/files", { method: "POST", body: "x", headers: { "X-Api-Key": key } })))["id"]),
  ],
  [
    /^\/v1\/batches\//,
    async (key) => {
      const { id } = await object(call("/v1/files", { method: "POST", body: "x", headers: { "X-Api-Key": key } }));
      const body = { input_file_id: id, endpoint: "/v1/embeddings", completion_window: "24h" };
      return String((await object(as(key, "POST", "/v1/batches", body)))["id"]);
    },
  ],
  [/^\/v1\/uploads\//, async (key) => String((await object(as(key, "POST", "/v1/uploads", { bytes: 9_000_000 })))["id"])],
  [
    /^\/v1\/webhooks\//,
    async (key) => String((await object(as(key, "POST", "/v1/webhooks", { url: "https://hooks.example.com/" })))["id"]),
  ],
  [/inferences?\/|async_request\/|^\/(?:runpod|fal)\/|\/predictions\//, async (key) => submitted(key, await newModel())],
];

/** What a call with this path must be sent to come as far as its look-up; an empty object by default. */
const BODIES: Readonly<Record<string, string>> = {
  "PATCH /v1/webhooks/:id": '{"description":"mine"}',
  "POST /v1/webhooks/:id/resend": '{"since":"2026-01-01T00:00:00Z"}',
};

describe.each(ofAccess("read", "submit", "cancel").filter(([, { path }]) => path.includes(":id")))("%s", (name, route) => {
  test("answers about another account's as about one that is not there", async () => {
    backendIs(publicNames);
    const make = KINDS.find(([begins]) => begins.test(route.path))?.[1];
    if (!make) throw new Error(`nothing is said to make what ${route.path} is about`);
    const [owner, stranger] = [await newTenant(), await newTenant()];
    const theirs = await make(owner.key);
    const ask = async (id: string) => {
      const takesJson = route.method === "POST" || route.method === "PATCH";
      const answer = await call(pathOf(route, { id }), {
        method: route.method,
        headers: { "X-Api-Key": stranger.key, ...(takesJson ? { "Content-Type": "application/json" } : {}) },
        ...(takesJson ? { body: BODIES[name] ?? "{}" } : {}),
        ...(route.method === "PUT" ? { body: "x" } : {}),
      });
      const text = await answer.text();
      return {
        status: answer.status,
        text: text.replaceAll(id, "<id>").replaceAll(answer.headers.get("x-request-id") ?? "none", "<request>"),
      };
    };
    const unknown = await ask(theirs.startsWith("wh_") ? `wh_${"0".repeat(theirs.length - 3)}` : UNKNOWN_ID);
    expect(await ask(theirs)).toEqual(unknown);
    expect(unknown.status).toBe(404);
  });
});

describe("a session of the console", () => {
  const OWN = { "Sec-Fetch-Site": "same-origin", "X-Console": "1" };

  /** Signs in; the cookie as a browser sends it back. */
  async function signedIn(secret: string): Promise<string> {
    const answer = await call("/console/session", { method: "POST", headers: { ...OWN, Authorization: `Bearer ${secret}` } });
    expect(answer.status).toBe(200);
    const [cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";");
    return cookie;
  }
  const status = async (path: string, init: RequestInit) => (await call(path, init)).status;

  test("is a cookie that no script reads, no other site sends, and that holds no key", async () => {
    const { key, keyId, accountId } = await newTenant();
    const answer = await call("/console/session", { method: "POST", headers: { ...OWN, Authorization: `Bearer ${key}` } });
    expect(answer.headers.get("set-cookie")).toMatch(
      /^__Host-claimcheck_session=[\w-]+\.[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=28800; Secure$/,
    );
    expect(atob(String(/=([\w-]+)\./.exec(answer.headers.get("set-cookie") ?? "")?.[1]))).not.toContain(key.slice(-30));
    expect(await answer.json()).toMatchObject({ kind: "account", account: { id: accountId }, key: { id: keyId } });
  });

  test("admits to what its key may do, with the key's scopes and limits", async () => {
    const { key } = await newTenant({ scopes: ["read"], limits: { read: 7 } });
    const Cookie = await signedIn(key);
    const read = await call("/v1/inferences", { headers: { ...OWN, Cookie } });
    expect([read.status, read.headers.get("ratelimit-policy")]).toEqual([200, '"read";q=7;w=1']);
    const body = JSON.stringify({ model: await newModel(), input: {} });
    const headers = { ...OWN, Cookie, "Content-Type": "application/json" };
    expect(await status("/v1/inferences", { method: "POST", headers, body })).toBe(403);
    expect(await status("/admin/v1/accounts", { headers })).toBe(401);
  });

  test("of the operator admits to the operator's calls and to no account's", async () => {
    const headers = { ...OWN, Cookie: await signedIn(env.ADMIN_TOKEN) };
    expect(await status("/admin/v1/accounts", { headers })).toBe(200);
    expect(await status("/v1/inferences", { headers })).toBe(401);
  });

  test("ends with its key, and the key's own calls count as they did", async () => {
    const { key, keyId } = await newTenant();
    const headers = { ...OWN, Cookie: await signedIn(key) };
    await as(env.ADMIN_TOKEN, "DELETE", `/admin/v1/keys/${keyId}`);
    expect(await object(call("/v1/inferences", { headers }))).toMatchObject({ code: "revoked_key" });
    expect(await object(call("/console/session", { headers }))).toMatchObject({ code: "revoked_key" });
  });

  test("counts for no other site's page, for no form, and not beside a key", async () => {
    const { key } = await newTenant();
    const Cookie = await signedIn(key);
    const made = { method: "POST", headers: { ...OWN, Cookie, "Content-Type": "text/plain" }, body: "x" };
    const without = (name: string) => ({
      ...made,
      headers: Object.fromEntries(Object.entries(made.headers).filter(([its]) => its !== name)),
    });
    const from = (site: string) => ({ ...made, headers: { ...made.headers, "Sec-Fetch-Site": site } });
    expect(await status("/v1/files", made)).toBe(201);
    for (const site of ["cross-site", "same-site", "none"]) expect([site, await status("/v1/files", from(site))]).toEqual([site, 401]);
    expect(await status("/v1/files", without("X-Console"))).toBe(401);
    expect(await status("/v1/files", without("Sec-Fetch-Site"))).toBe(401);
    const stranger = { ...without("Sec-Fetch-Site").headers, Origin: "https://evil.example" };
    expect(await status("/v1/files", { ...made, headers: stranger })).toBe(401);
    expect(await status("/v1/files", { ...made, headers: { ...stranger, Origin: "http://claimcheck.test" } })).toBe(201);
    expect(await status("/v1/files", { ...made, headers: { ...made.headers, Authorization: "Bearer nothing" } })).toBe(401);
    expect(await status("/v1/files", { ...made, headers: { ...made.headers, "X-Api-Key": "nothing" } })).toBe(401);
  });

  test("is given to no page of another site, and for no wrong secret", async () => {
    const { key } = await newTenant();
    const signIn = (secret: string, site: string) =>
      status("/console/session", { method: "POST", headers: { ...OWN, "Sec-Fetch-Site": site, Authorization: `Bearer ${secret}` } });
    expect(await signIn(key, "cross-site")).toBe(400);
    expect(await signIn("ck_nonsense", "same-origin")).toBe(401);
    expect(await signIn("a-guess-of-the-operators-token", "same-origin")).toBe(401);
    expect(await status("/console/session", {})).toBe(204);
  });
});

describe("Cloudflare Access", () => {
  const ISSUER = "https://acme.cloudflareaccess.com";
  const AUD = "the-tag-of-the-application";
  const guarded = { ...env, ACCESS_TEAM_DOMAIN: "acme.cloudflareaccess.com", ACCESS_AUD: AUD };
  const visit = (path: string, headers: Record<string, string>) =>
    handle(new Request(ORIGIN + path, { headers: { "Sec-Fetch-Site": "same-origin", ...headers } }), guarded, createExecutionContext());

  /** The team's keys, with which its certificates are answered; and another's. */
  async function keys() {
    const [own, other] = [await generateKeyPair("RS256"), await generateKeyPair("RS256")];
    const certificates = { keys: [{ ...(await exportJWK(own.publicKey)), kid: "k1", alg: "RS256" }] };
    backendIs(({ url }) => (url === `${ISSUER}/cdn-cgi/access/certs` ? Response.json(certificates) : new Response(null, { status: 404 })));
    return { own: own.privateKey, other: other.privateKey };
  }
  const token = (key: Parameters<SignJWT["sign"]>[0], { issuer = ISSUER, audience = AUD, ends = "1h" } = {}) =>
    new SignJWT({ email: "jane@example.com" })
      .setProtectedHeader({ alg: "RS256", kid: "k1" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setExpirationTime(ends)
      .sign(key);

  test("lets in operators by name, whom the operator's calls then know", async () => {
    const { own, other } = await keys();
    const good = await token(own);
    const answer = await visit("/console/session", { "Cf-Access-Jwt-Assertion": good });
    expect(await answer.json()).toMatchObject({ kind: "operator", name: "jane@example.com" });
    const [Cookie = ""] = (answer.headers.get("set-cookie") ?? "").split(";");
    expect((await visit("/admin/v1/accounts", { Cookie })).status).toBe(200);
    for (const [why, bad] of [
      ["another application", await token(own, { audience: "another" })],
      ["another team", await token(own, { issuer: "https://evil.cloudflareaccess.com" })],
      ["expired", await token(own, { ends: "-1h" })],
      ["another key", await token(other)],
      ["no token", "e30.e30."],
    ] as const) {
      expect([why, (await visit("/console/session", { "Cf-Access-Jwt-Assertion": bad })).status]).toEqual([why, 204]);
    }
    const elsewhere = { "Cf-Access-Jwt-Assertion": good, "Sec-Fetch-Site": "cross-site" };
    expect((await visit("/console/session", elsewhere)).status).toBe(204);
    expect((await visit("/admin/v1/accounts", { "Cf-Access-Jwt-Assertion": good })).status).toBe(401);
  });
});
