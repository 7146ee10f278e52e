/** Keys and their gates: exact limits, changes that take effect at once, forgeries that cost no I/O. */
import { createExecutionContext, evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { handle } from "../../src/router.ts";
import { identify, presentedKey } from "../../src/http/admit.ts";
import { Gate } from "../../src/keys/gate.ts";
import { KEY_PATTERN, digestOf, mintKey } from "../../src/keys/key.ts";
import { type Key, findKey } from "../../src/keys/store.ts";
import { KEY_LIMITS, KEY_RECORD_MS } from "../../src/limits.ts";
import { Problem } from "../../src/problem.ts";
import { DIALECTS } from "../../src/wires.ts";
import { submitted } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { ports } from "./support/ports.ts";
import { type Tenant, newModel, newTenant, unknownKey } from "./support/tenants.ts";
import { watched } from "./support/watched.ts";
import { ORIGIN, as, call, object, operator } from "./support/requests.ts";

/** A read that costs little: of an id that nobody has. 404 means that the gate let it pass. */
const poll = (key: string) => as(key, "GET", `/inference/${crypto.randomUUID()}/status`);
const passes = async (key: string) => (await poll(key)).status === 404;

/** Calls of one class sent at once: how many passed, and how many could have at most, given the time they took. */
async function flood(send: () => Promise<Response>, count: number, perSecond: number): Promise<{ statuses: number[]; most: number }> {
  const from = Date.now();
  const statuses = (await Promise.all(Array.from({ length: count }, send))).map((answer) => answer.status);
  return { statuses, most: perSecond + Math.ceil((Date.now() - from) / (1000 / perSecond)) };
}

const refused = (statuses: readonly number[]) => statuses.filter((status) => status === 429).length;

describe("a key's limit", () => {
  test("of 20 a second lets exactly 20 of 60 pass at once, and one more for each 50 ms", async () => {
    const { key } = await newTenant({ limits: { read: 20 } });
    const { statuses, most } = await flood(() => poll(key), 60, 20);
    const passed = statuses.filter((status) => status === 404).length;
    expect(passed).toBeGreaterThanOrEqual(20);
    expect(passed).toBeLessThanOrEqual(most);
    expect(passed + refused(statuses)).toBe(60);
  });

  test("is the default of its class where none was set", async () => {
    const { key } = await newTenant({ limits: {} });
    const policies = await Promise.all([
      poll(key),
      as(key, "POST", "/v1/inferences", { model: "none", input: 1 }),
      as(key, "POST", `/v1/inferences/${crypto.randomUUID()}/cancel`),
    ]);
    expect(policies.map((answer) => answer.headers.get("ratelimit-policy"))).toEqual([
      `"read";q=${KEY_LIMITS.read};w=1`,
      `"submit";q=${KEY_LIMITS.submit};w=1`,
      `"cancel";q=${KEY_LIMITS.cancel};w=1`,
    ]);
  });

  test("opens again within the time that Retry-After gives, however often it is asked meanwhile", async () => {
    const { key } = await newTenant({ limits: { read: 2 } });
    const { statuses } = await flood(() => poll(key), 6, 2);
    expect(refused(statuses)).toBeGreaterThan(0);
    const from = Date.now();
    let answer = await poll(key);
    const seconds = Number(answer.headers.get("retry-after") ?? 0);
    for (; answer.status === 429 && Date.now() - from < 5_000; await scheduler.wait(5)) answer = await poll(key);
    expect(answer.status).toBe(404);
    expect(Date.now() - from).toBeLessThanOrEqual(Math.max(1, seconds) * 1000 + 250);
  });

  test("tells each of five at once a turn of its own, and all succeed at their first retry", async () => {
    const { key } = await newTenant({ limits: { read: 1 } });
    const tries = Array.from({ length: 5 }, async () => {
      const first = await poll(key);
      if (first.status === 404) return { told: "now", status: 404 };
      const told = first.headers.get("retry-after");
      const exactly = Number(first.headers.get("retry-after-ms"));
      expect(Math.ceil(exactly / 1_000)).toBe(Number(told));
      await scheduler.wait(Number(told) * 1_000);
      return { told, status: (await poll(key)).status };
    });
    const outcomes = await Promise.all(tries);
    expect(new Set(outcomes.map(({ told }) => told))).toEqual(new Set(["now", "1", "2", "3", "4"]));
    expect(outcomes.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  });

  test("of one key is no other key's, not even of the same account", async () => {
    const tenant = await newTenant({ limits: { read: 1 } });
    const sibling = await object(operator("POST", "/keys", { account_id: tenant.accountId, limits: { read: 1 } }));
    const stranger = await newTenant({ limits: { read: 1 } });
    const { statuses } = await flood(() => poll(tenant.key), 5, 1);
    expect(refused(statuses)).toBeGreaterThan(0);
    expect(await passes(String(sibling["key"]))).toBe(true);
    expect(await passes(stranger.key)).toBe(true);
  });

  test("of one class of call is no other class's", async () => {
    const { key } = await newTenant({ limits: { read: 1, submit: 1, cancel: 1 } });
    const id = crypto.randomUUID();
    const classes: (() => Promise<Response>)[] = [
      () => poll(key),
      () => as(key, "POST", "/v1/inferences", { model: "none", input: 1 }),
      () => as(key, "POST", `/v1/inferences/${id}/cancel`),
    ];
    for (const send of classes) {
      const answers = [await send(), await send()];
      expect(answers.map((answer) => answer.status)).toEqual([404, 429]);
    }
  });

  test("counts a read in either API", async () => {
    const { key } = await newTenant({ limits: { read: 1 } });
    expect((await poll(key)).status).toBe(404);
    expect((await as(key, "GET", `/v1/inferences/${crypto.randomUUID()}`)).status).toBe(429);
  });

  test("is not used up by who lacks the scope, or has the key's id but not its secret", async () => {
    const { key, keyId } = await newTenant({ limits: { read: 1 }, scopes: ["read"] });
    const gate = env.GATE.getByName(keyId);
    for (let count = 0; count < 3; count++) {
      expect(await gate.admit(await digestOf("another key"), "read")).toEqual({ admitted: false, reason: "unknown", allowance: null });
      expect((await as(key, "POST", `/v1/inferences/${crypto.randomUUID()}/cancel`)).status).toBe(403);
    }
    expect(await passes(key)).toBe(true);
  });

  test("keeps a refused submission from leaving anything behind", async () => {
    const { key, accountId } = await newTenant({ limits: { submit: 3 } });
    const model = await newModel();
    const { statuses } = await flood(() => as(key, "POST", `/inference/${model}`, [{ image_path: "x", product_type: "x" }]), 20, 3);
    const count = await env.DB.prepare("SELECT count(*) AS rows FROM inferences WHERE account_id = ?").bind(accountId).first("rows");
    expect(refused(statuses)).toBeGreaterThan(0);
    expect(count).toBe(statuses.filter((status) => status === 202).length);
  });
});

describe("a change of a key takes effect at once", () => {
  /** A key that its gate has already seen. */
  async function known(key: Record<string, unknown> = {}): Promise<Tenant> {
    const tenant = await newTenant(key);
    expect(await passes(tenant.key)).toBe(true);
    return tenant;
  }

  const message = async (key: string) => {
    const answer = await as(key, "GET", "/v1/models/any/queue");
    return { status: answer.status, code: (await object(answer))["code"] };
  };

  test("when its limit is lowered and raised again", async () => {
    const { key, keyId } = await known();
    await operator("PATCH", `/keys/${keyId}`, { limits: { read: 1 } });
    const lowered = [await poll(key), await poll(key), await poll(key)];
    expect(lowered.map((answer) => answer.headers.get("ratelimit-policy"))).toEqual(Array(3).fill('"read";q=1;w=1'));
    expect(lowered.at(-1)?.status).toBe(429);
    await operator("PATCH", `/keys/${keyId}`, { limits: { read: 5_000 } });
    expect((await poll(key)).headers.get("ratelimit-policy")).toBe('"read";q=5000;w=1');
  });

  test("when it is revoked, in both APIs", async () => {
    const { key, keyId } = await known();
    expect((await operator("DELETE", `/keys/${keyId}`)).status).toBe(200);
    expect(await message(key)).toEqual({ status: 401, code: "revoked_key" });
    expect((await poll(key)).status).toBe(401);
  });

  test("when its scopes change", async () => {
    const { key, keyId } = await known({ scopes: ["read", "cancel"] });
    const submission = { model: await newModel(), input: 1 };
    expect((await as(key, "POST", "/v1/inferences", submission)).status).toBe(403);
    await operator("PATCH", `/keys/${keyId}`, { scopes: ["submit"] });
    expect((await as(key, "POST", "/v1/inferences", submission)).status).toBe(202);
    expect(await message(key)).toEqual({ status: 403, code: "missing_scope" });
  });

  test("when it expires, and when its expiry is taken away", async () => {
    const { key, keyId } = await known();
    const soon = Date.now() + 1_000; // a change to what is past by the time that it comes is refused
    expect((await operator("PATCH", `/keys/${keyId}`, { expires_at: new Date(soon).toISOString() })).status).toBe(200);
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(soon), { timeout: 5_000 });
    expect(await message(key)).toEqual({ status: 401, code: "expired_key" });
    await operator("PATCH", `/keys/${keyId}`, { expires_at: null });
    expect(await passes(key)).toBe(true);
  });

  test("when its account is removed, for every key of it", async () => {
    const { key, accountId } = await known();
    const sibling = String((await object(operator("POST", "/keys", { account_id: accountId })))["key"]);
    expect(await passes(sibling)).toBe(true);
    expect((await operator("DELETE", `/accounts/${accountId}`)).status).toBe(200);
    expect(await message(key)).toEqual({ status: 401, code: "revoked_key" });
    expect(await message(sibling)).toEqual({ status: 401, code: "revoked_key" });
  });

  test("and leaves its inferences to the account's other keys", async () => {
    const { key, keyId, accountId } = await known();
    const id = await submitted(key, await newModel());
    const next = String((await object(operator("POST", "/keys", { account_id: accountId })))["key"]);
    await operator("DELETE", `/keys/${keyId}`);
    expect(await object(as(next, "GET", `/v1/inferences/${id}`))).toMatchObject({ id, status: "queued" });
  });
});

describe("a key that expires", () => {
  test("works until then and not from then on", async () => {
    const { key } = await newTenant({ expires_at: new Date(Date.now() + 1_000).toISOString() });
    expect(await passes(key)).toBe(true);
    const from = Date.now();
    let answer = await poll(key);
    for (; answer.status === 404 && Date.now() - from < 5_000; await scheduler.wait(5)) answer = await poll(key);
    expect(answer.status).toBe(401);
    expect(Date.now() - from).toBeLessThan(2_000);
  });

  test("is not made to have expired already, nor changed to", async () => {
    const { accountId, keyId } = await newTenant();
    const expires_at = new Date(Date.now() - 1_000).toISOString();
    for (const answer of [
      await operator("POST", "/keys", { account_id: accountId, expires_at }),
      await operator("PATCH", `/keys/${keyId}`, { expires_at }),
    ]) {
      expect(answer.status).toBe(422);
      expect(await object(answer)).toMatchObject({
        errors: [
          { pointer: "#/expires_at", detail: expect.stringMatching(/^must be in the future, and is .*; to end a key now, delete it$/) },
        ],
      });
    }
  });

  test.each(["2100-01-01T00:00Z", "2100-01-01T01:00:00+0100", "21000101T000000Z", "2099-W53-5T00Z"])(
    "may be told when by %s",
    async (expires_at) => {
      const { accountId } = await newTenant();
      const made = await object(operator("POST", "/keys", { account_id: accountId, expires_at }));
      expect(made["expires_at"]).toBe("2100-01-01T00:00:00.000Z");
    },
  );
});

describe("a key that is refused", () => {
  const LISTS = ["/v1/files", "/v1/webhooks", "/v1/models", "/v2/inference/requests?offset=10000", "/v1/models/any/queue", "/v2/models"];
  const ONE = `/v1/inferences/${crypto.randomUUID()}`;

  test("for being revoked has no list read for it, and from then on costs no I/O at all", async () => {
    const { key, keyId } = await newTenant();
    await operator("DELETE", `/keys/${keyId}`);
    const { asked, send } = watched();
    expect((await send(key, "/v1/files")).status).toBe(401);
    expect(asked.mock.calls.flat()).toEqual(["getByName"]);
    asked.mockClear();
    for (const path of [...LISTS, ONE]) expect([path, (await send(key, path)).status]).toEqual([path, 401]);
    expect(asked.mock.calls).toEqual([]);
  });

  test.each<[string, Record<string, unknown>, number]>([
    ["over its limit", { limits: { read: 1 } }, 429],
    ["without the scope", { scopes: ["submit"] }, 403],
    ["expired", { expires_at: "2020-01-01T00:00:00Z" }, 401],
  ])("for being %s asks its gate at most", async (_name, more, status) => {
    const { key } = await newTenant(more);
    const { asked, send } = watched();
    await send(key, "/v1/files");
    await send(key, "/v1/files");
    asked.mockClear();
    for (const path of [...LISTS, ONE]) expect([path, (await send(key, path)).status]).toEqual([path, status]);
    expect(asked.mock.calls.flat().filter((what) => what !== "getByName")).toEqual([]);
  });

  test("is asked of its gate again when it may have changed", async () => {
    const { key, keyId } = await newTenant({ scopes: ["submit"] });
    expect((await as(key, "GET", ONE)).status).toBe(403);
    await operator("PATCH", `/keys/${keyId}`, { scopes: ["read"] });
    expect((await as(key, "GET", ONE)).status).toBe(404);
  });
});

test("beside the gate run reads alone", () => {
  const beside = DIALECTS.flatMap(({ routes }) => routes).filter((it) => it.beside === true);
  expect(beside.length).toBeGreaterThan(0);
  for (const { method, path, access } of beside) expect([path, method, access]).toEqual([path, "GET", "read"]);
});

describe("a forged key", () => {
  const random = (count: number) => crypto.getRandomValues(new Uint8Array(count));
  const secrets = [env.KEY_SECRET];

  /** Another character of the same alphabet. */
  const other = (character: string) => (character === "x" ? "y" : "x");

  const DEAD = { code: "invalid_key", statuses: [401, 401], asked: [] };

  /** What becomes of a key, and whom it made us ask. */
  async function fateOf(key: string): Promise<{ code: unknown; statuses: number[]; asked: unknown[] }> {
    const identified = await identify(key, secrets);
    const code = identified instanceof Problem ? identified.code : null;
    const { asked, send } = watched();
    const answers = [await send(key, `/inference/${crypto.randomUUID()}/status`), await send(key, `/v1/inferences/${crypto.randomUUID()}`)];
    return { code, statuses: answers.map((answer) => answer.status), asked: asked.mock.calls };
  }

  test("would be noticed if it asked anything: a good key asks its gate and the database", async () => {
    const { key, keyId, accountId } = await newTenant();
    expect(await identify(key, secrets)).toEqual({ keyId, accountId, digest: await digestOf(key) });
    const { asked, send } = watched();
    expect((await send(key, `/inference/${crypto.randomUUID()}/status`)).status).toBe(404);
    expect(asked.mock.calls.flat()).toEqual(expect.arrayContaining(["getByName", "prepare"]));
  });

  test("is refused again when it is sent again, and taken where the secret that made it is known", async () => {
    const { key } = await newTenant();
    const others = ["another-secret-for-tests-that-is-long-enough"];
    for (let sent = 0; sent < 2; sent++) {
      expect(await identify(key, others)).toMatchObject({ code: "invalid_key" });
    }
    expect(await identify(key, [...others, ...secrets])).toMatchObject({ digest: await digestOf(key) });
  });

  test("dies without I/O when one character was changed, whichever it is", async () => {
    const { key } = await newTenant();
    expect(key).toMatch(KEY_PATTERN);
    for (let at = 0; at < key.length; at++) {
      const character = key.charAt(at);
      const changed = key.slice(0, at) + other(character) + key.slice(at + 1);
      expect(changed).not.toBe(key);
      expect(await fateOf(changed)).toEqual(DEAD);
    }
  });

  test("dies without I/O when one character was changed and the checksum made to fit", async () => {
    const { key } = await newTenant();
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const crcTable = Array.from({ length: 256 }, (_, byte) => {
      let rest = byte;
      for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
      return rest >>> 0;
    });
    const checksum = (text: string) => {
      let crc = 0xffffffff;
      for (const character of text) crc = ((crcTable[(crc ^ character.charCodeAt(0)) & 0xff] ?? 0) ^ (crc >>> 8)) >>> 0;
      let value = (crc ^ 0xffffffff) >>> 0;
      let written = "";
      for (; written.length < 6; value = Math.floor(value / 62)) written = digits.charAt(value % 62) + written;
      return written;
    };
    const body = key.slice(0, -6);
    expect(body + checksum(body)).toBe(key);
    for (const at of [3, 14, 15, 20, 22, 33, 45, 46, 50, 55]) {
      const changed = body.slice(0, at) + other(body.charAt(at)) + body.slice(at + 1);
      expect(await fateOf(changed + checksum(changed))).toEqual(DEAD);
    }
  });

  test("dies without I/O when another secret made it", async () => {
    const { accountId } = await newTenant();
    const { key } = await mintKey(accountId, "another-secret-that-is-long-enough-too", random);
    expect(await fateOf(key)).toEqual(DEAD);
  });

  test.each<[string, (key: string) => string]>([
    ["cut short by one", (key) => key.slice(0, -1)],
    ["cut to half", (key) => key.slice(0, key.length / 2)],
    ["longer by one", (key) => `${key}0`],
    ["without its prefix", (key) => key.slice(3)],
    ["in small letters", (key) => key.toLowerCase()],
    ["with its checksum taken from elsewhere", (key) => `${key.slice(0, -6)}000000`],
    ["said twice", (key) => `${key}${key}`],
    ["only its id", (key) => key.slice(0, 21)],
  ])("dies without I/O when it is %s", async (_name, forge) => {
    const { key } = await newTenant();
    expect(await fateOf(forge(key))).toEqual(DEAD);
  });

  test("that was made with the right secret but is stored nowhere is refused by its gate", async () => {
    const { accountId } = await newTenant();
    const key = await unknownKey(accountId);
    const { asked, send } = watched();
    const answer = await send(key, `/v1/inferences/${crypto.randomUUID()}`);
    expect(answer.status).toBe(401);
    expect((await object(answer))["code"]).toBe("invalid_key");
    expect(asked).toHaveBeenCalledWith("getByName");
  });

  test("of a key's own id is not that key", async () => {
    const { key, keyId, accountId } = await newTenant();
    await env.DB.prepare("UPDATE keys SET digest = ? WHERE account_id = ? AND id = ?")
      .bind(await digestOf("something else"), accountId, keyId)
      .run();
    expect((await poll(key)).status).toBe(401);
  });
});

describe("the server's secret", () => {
  test("may be changed while keys of the one before still work", async () => {
    const { key } = await newTenant();
    const secret = "a-newer-secret-for-tests-that-is-long-enough";
    const request = () => new Request(`${ORIGIN}/v1/models`, { headers: { Authorization: `Bearer ${key}` } });
    const rotated = await handle(
      request(),
      { ...env, KEY_SECRET: secret, KEY_SECRET_PREVIOUS: env.KEY_SECRET } as Env,
      createExecutionContext(),
    );
    expect(rotated.status).toBe(200);
    const over = await handle(request(), { ...env, KEY_SECRET: secret }, createExecutionContext());
    expect(over.status).toBe(401);
  });

  test("signs new keys once it has been changed", async () => {
    const { accountId } = await newTenant();
    const secret = "a-newer-secret-for-tests-that-is-long-enough";
    const request = new Request(`${ORIGIN}/admin/v1/keys`, {
      method: "POST",
      headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}`, "Content-Type": "application/json" },
      body: JSON.stringify({ account_id: accountId }),
    });
    const rotated = { ...env, KEY_SECRET: secret, KEY_SECRET_PREVIOUS: env.KEY_SECRET } as Env;
    const made = await object(handle(request, rotated, createExecutionContext()));
    const key = String(made["key"]);
    expect(await identify(key, [secret])).toMatchObject({ accountId });
    expect(await identify(key, [env.KEY_SECRET])).toMatchObject({ code: "invalid_key" });
  });
});

describe("where a key is looked for", () => {
  test.each<[string, Record<string, string>, string | null]>([
    ["nothing", {}, null],
    ["blanks around it", { "X-Api-Key": "  k  " }, "k"],
    ["several blanks after the scheme", { Authorization: "Bearer   k " }, "k"],
    ["two words after the scheme", { Authorization: "Bearer k l" }, null],
    ["a scheme alone", { Authorization: "Bearer" }, null],
    ["no scheme", { Authorization: "k" }, null],
    ["Basic", { Authorization: "Basic k" }, null],
    ["the same in two headers", { "x-vody-api-key": "k", Authorization: "Bearer k" }, "k"],
    ["both, where one is empty", { "X-Api-Key": "", Authorization: "Bearer l" }, "l"],
  ])("with %s", (_name, headers, key) => {
    expect(presentedKey(new Headers(headers))).toBe(key);
  });

  test.each([
    [{ "X-Api-Key": "other" }, "x-api-key and Authorization"],
    [{ "X-Vody-Api-Key": "other" }, "x-vody-api-key and Authorization"],
  ])("two headers with different keys are refused, whichever is good: %s", async (other, named) => {
    const { key } = await newTenant();
    const answer = await call("/v1/models", { headers: { Authorization: `Bearer ${key}`, ...other } });
    expect(answer.status).toBe(401);
    expect(await answer.text()).toContain(`The headers ${named} have different API keys; send one key, in one header.`);
  });

  test("is the headers, never the address", async () => {
    const { key } = await newTenant();
    expect((await call(`/v1/models?api_key=${key}&key=${key}&token=${key}`)).status).toBe(401);
  });
});

describe("a gate that was evicted from memory", () => {
  test("still lets its key pass, and has its limit whole", async () => {
    const { key, keyId } = await newTenant({ limits: { read: 2 } });
    expect(await passes(key)).toBe(true);
    await evictDurableObject(env.GATE.getByName(keyId));
    const answer = await poll(key);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("ratelimit")).toBe('"read";r=1;t=1');
  });

  test("still knows that its key is revoked", async () => {
    const { key, keyId } = await newTenant();
    expect(await passes(key)).toBe(true);
    await operator("DELETE", `/keys/${keyId}`);
    await evictDurableObject(env.GATE.getByName(keyId));
    const answer = await as(key, "GET", "/v1/models/any/queue");
    expect(answer.status).toBe(401);
    expect((await object(answer))["code"]).toBe("revoked_key");
  });
});

describe("a gate", () => {
  /** A gate over the key's record as the database has it, with a clock of the test's own. */
  async function gateOf(key: Record<string, unknown> = {}) {
    const tenant = await newTenant(key);
    const { db } = ports();
    const find = vi.fn<() => Promise<Key | null>>(() => findKey(db, tenant.accountId, tenant.keyId));
    const clock = { now: 1_000_000 };
    const sleep = async (ms: number) => {
      clock.now += ms;
    };
    const gate = new Gate(find, () => clock.now, sleep);
    const digest = await digestOf(tenant.key);
    const passesOf = async (count: number) => {
      const verdicts = [];
      for (let each = 0; each < count; each++) verdicts.push(await gate.admit(digest, "read"));
      return verdicts.filter((verdict) => verdict.admitted).length;
    };
    return { ...tenant, find, clock, gate, digest, passesOf };
  }

  test("holds who comes at its turn when the one before was late, and gives no permit sooner", async () => {
    const { clock, gate, digest, passesOf } = await gateOf({ limits: { read: 1 } });
    const from = clock.now;
    expect(await passesOf(3)).toBe(1);
    clock.now = from + 1_200; // told 1 s
    expect(await passesOf(1)).toBe(1);
    clock.now = from + 2_000;
    expect(await gate.admit(digest, "read")).toMatchObject({ admitted: true });
    expect(clock.now).toBe(from + 2_200);
    expect(await gate.admit(digest, "read")).toMatchObject({ admitted: false, allowance: { retryAfterMs: 1_000 } });
    expect(clock.now).toBe(from + 2_200);
  });

  test("lets exactly its burst pass, then one for each interval, and never more than a burst after a rest", async () => {
    const { clock, passesOf } = await gateOf({ limits: { read: 20 } });
    const passed = [await passesOf(60)];
    for (const later of [49, 1, 49, 1, 100, 999, 1_000, 3_600_000]) {
      clock.now += later;
      passed.push(await passesOf(60));
    }
    expect(passed).toEqual([20, 0, 1, 0, 1, 2, 19, 20, 20]);
  });

  test("reads its key once for many calls, and anew after it was told to forget", async () => {
    const { find, gate, digest } = await gateOf();
    await Promise.all(Array.from({ length: 10 }, () => gate.admit(digest, "read")));
    await gate.admit(digest, "submit");
    expect(find).toHaveBeenCalledTimes(1);
    gate.forget();
    await gate.admit(digest, "read");
    expect(find).toHaveBeenCalledTimes(2);
  });

  test("trusts what it read for no longer than it may, should nobody tell it of a change", async () => {
    const { keyId, clock, gate, digest } = await gateOf();
    expect(await gate.admit(digest, "read")).toMatchObject({ admitted: true });
    await env.DB.prepare("UPDATE keys SET revoked_at = 1 WHERE id = ?").bind(keyId).run();
    clock.now += KEY_RECORD_MS;
    expect(await gate.admit(digest, "read")).toEqual({ admitted: false, reason: "revoked", allowance: null });
  });

  test("does not keep what it was reading when it was told to forget", async () => {
    const { accountId, keyId, find, gate, digest } = await gateOf();
    const old = await findKey(ports().db, accountId, keyId);
    const slow = held<Key | null>();
    find.mockReturnValueOnce(slow.promise);
    const early = gate.admit(digest, "read");
    await env.DB.prepare("UPDATE keys SET revoked_at = 1 WHERE id = ?").bind(keyId).run();
    gate.forget();
    slow.release(old);
    expect(await early).toMatchObject({ admitted: true });
    expect(await gate.admit(digest, "read")).toEqual({ admitted: false, reason: "revoked", allowance: null });
  });

  test("that could not read its key refuses nobody for it: the next call reads again", async () => {
    const { find, gate, digest } = await gateOf();
    find.mockRejectedValueOnce(new Error("storage stalled"));
    await expect(gate.admit(digest, "read")).rejects.toThrow("storage stalled");
    expect(await gate.admit(digest, "read")).toMatchObject({ admitted: true });
  });
});
