/** Accounts with their keys, models and backends, made as the operator makes them. */
import { env } from "cloudflare:workers";
import { mintKey } from "../../../src/keys/key.ts";
import { MAX_CONCURRENCY } from "../../../src/limits.ts";
import { type ScriptedBackend, backendIs } from "./outside.ts";
import { operator, object } from "./requests.ts";
import { stillAs } from "./ports.ts";

export interface Tenant {
  accountId: string;
  keyId: string;
  key: string;
}

/** A new account with a key; the limits are high by default. One that has expired is made to have by its row. */
export async function newTenant({ expires_at, ...key }: Record<string, unknown> & { expires_at?: string } = {}): Promise<Tenant> {
  const account = await object(operator("POST", "/accounts", { name: "tenant" }));
  const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
  const made = await object(operator("POST", "/keys", { account_id: account["id"], limits, ...key }));
  if (expires_at !== undefined) {
    await env.DB.prepare("UPDATE keys SET expires_at = ? WHERE id = ?").bind(Date.parse(expires_at), made["id"]).run();
  }
  return { accountId: String(account["id"]), keyId: String(made["id"]), key: String(made["key"]) };
}

/** A new model of a name of its own, without a backend: what is submitted to it waits. */
export async function newModel(more: Record<string, unknown> = {}): Promise<string> {
  const name = `model-${crypto.randomUUID()}`;
  await operator("POST", "/models", { name, ...more });
  return name;
}

/**
 * A backend of a model; its requests go to whatever `backendIs` says. Returns its id. It is registered without the
 * wake-ups that a new backend sends, or a real runner would race with the test for what the test queues and claims itself.
 */
export async function newBackend(model: string, more: Record<string, unknown> = {}): Promise<string> {
  const body = { model, url: `https://${model}.gpu.test`, protocol: "oip", ...more };
  const backend = await object(stillAs(env.ADMIN_TOKEN, "POST", "/admin/v1/backends", body));
  return String(backend["id"]);
}

/** A new model with one backend of so many slots, whose requests go to whatever `backendIs` says. */
export async function served(slots = 1, backend: Record<string, unknown> = {}): Promise<string> {
  const model = await newModel();
  await newBackend(model, { protocol: "http", max_concurrency: slots, ...backend });
  return model;
}

/** The same, with what its backend answers. */
export async function servedBy(script: ScriptedBackend, backend: Record<string, unknown> = {}): Promise<string> {
  const model = await served(MAX_CONCURRENCY.default, backend);
  backendIs(script);
  return model;
}

/** A key that the server's secret made but that is stored nowhere: authentic, yet nobody's. */
export async function unknownKey(accountId: string): Promise<string> {
  const { key } = await mintKey(accountId, env.KEY_SECRET, (count) => crypto.getRandomValues(new Uint8Array(count)));
  return key;
}

/** Keys that open nothing, by what is wrong with them, and how one is made; null: none is sent. */
export const BAD_KEYS: readonly (readonly [fault: string, make: () => Promise<string | null>])[] = [
  ["without a key", async () => null],
  ["with a malformed key", async () => "sk-000"],
  ["with a key that is gone", async () => unknownKey((await newTenant()).accountId)],
  ["with a key of an account that is gone", () => unknownKey("000000000000")],
  [
    "with a revoked key",
    async () => {
      const { key, keyId } = await newTenant();
      await operator("DELETE", `/keys/${keyId}`);
      return key;
    },
  ],
  ["with an expired key", async () => (await newTenant({ expires_at: "2020-01-01T00:00:00Z" })).key],
];

/** Lets a model's backends rest for as long as a test takes, or makes them ready again: what is submitted meanwhile waits. */
export async function restBackends(model: string, resting = true): Promise<void> {
  const [failures, until] = resting ? [5, 9_000_000_000_000_000] : [0, null];
  await env.DB.prepare("UPDATE backends SET failures = ?, rested_until = ? WHERE model = ?").bind(failures, until, model).run();
}
