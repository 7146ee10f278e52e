/**
 * The operator's calls, `/admin/v1/…`, behind ADMIN_TOKEN: accounts, keys, models and backends, each to create, list,
 * show, change and revoke or remove. A key's text is shown once, in the answer that creates it.
 */
import * as z from "zod";
import { type Account, changeAccount, findAccount, insertAccount, listAccounts, removeAccount } from "../accounts/store.ts";
import { descriptionOf, readinessOf } from "../backends/protocols.ts";
import {
  BACKEND_STATES,
  type Backend,
  FILE_FORMS,
  PROTOCOL_NAMES,
  changeBackend,
  credentialSchema,
  findBackend,
  insertBackend,
  listBackends,
  removeBackend,
} from "../backends/store.ts";
import { SCOPES, accountOf, digestOf, mintKey, newAccountId } from "../keys/key.ts";
import { randomBase62 } from "../ids.ts";
import { type Key, changeKey, findKey, insertKey, limitsSchema, listKeys, revokeKey } from "../keys/store.ts";
import { type Model, changeModel, findModel, insertModel, listModels, removeModel } from "../models/store.ts";
import { FAILURE_CLASSES } from "../backends/outcome.ts";
import { MEDIA_TYPE } from "../content/content.ts";
import type { FileField } from "../content/embedded.ts";
import { bulk } from "../inferences/store.ts";
import { bestEffort } from "../inferences/hints.ts";
import {
  ADMIN_BODY_BYTES,
  BACKEND_TIMEOUT_SECONDS,
  BULK_ROWS,
  CONTENT_TYPE_CHARACTERS,
  MAX_CONCURRENCY,
  OUTPUT_FILE_FIELDS,
  QUOTA_BYTES,
  RETENTION_SECONDS,
  WAKE_UPS_PER_LANE,
} from "../limits.ts";
import { problem } from "../problem.ts";
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { filterOf, filterShape, narrows } from "../http/filter.ts";
import { own } from "../api/own.ts";
import { pageOf } from "../http/page.ts";
import type { BareRoute, Call, Dialect } from "../http/route.ts";

const operator = (method: BareRoute["method"], path: string, handle: (call: Call) => Promise<Response>): BareRoute => ({
  method,
  path: `/admin/v1${path}`,
  access: "operator",
  handle,
});

export const admin: Dialect = {
  ...own,
  owns: (path) => path.startsWith("/admin/"),
  routes: [
    operator("POST", "/accounts", createAccount),
    operator("GET", "/accounts", showAccounts),
    operator("GET", "/accounts/:id", showAccount),
    operator("PATCH", "/accounts/:id", alterAccount),
    operator("DELETE", "/accounts/:id", endAccount),
    operator("POST", "/keys", createKey),
    operator("GET", "/keys", showKeys),
    operator("GET", "/keys/:id", showKey),
    operator("PATCH", "/keys/:id", alterKey),
    operator("DELETE", "/keys/:id", endKey),
    operator("POST", "/models", createModel),
    operator("GET", "/models", showModels),
    operator("GET", "/models/:name", showModel),
    operator("PATCH", "/models/:name", alterModel),
    operator("DELETE", "/models/:name", endModel),
    operator("POST", "/backends", createBackend),
    operator("GET", "/backends", showBackends),
    operator("GET", "/backends/:id", showBackend),
    operator("GET", "/backends/:id/ready", probeBackend),
    operator("PATCH", "/backends/:id", alterBackend),
    operator("DELETE", "/backends/:id", endBackend),
    operator("POST", "/redrive", redriveMany),
    operator("POST", "/recover", recover),
  ],
};

const nameSchema = z.string().trim().min(1).max(128);
const time = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString());

async function bodyOf<T>(call: Call, schema: z.ZodType<T>): Promise<T> {
  return check(schema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
}

function found<T>(value: T | null, what: string): T {
  if (value === null) throw problem("not_found", { detail: `There is no such ${what}.` });
  return value;
}

/** A page of a list that was read one row beyond its limit. */
function page<T>(rows: readonly T[], limit: number, present: (row: T) => Record<string, unknown>, idOf: (row: T) => string): Response {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return json({ data: shown.map(present), next_after: rows.length > limit && last ? idOf(last) : null });
}

// Accounts

const retentionSchema = z.int().min(RETENTION_SECONDS.range[0]).max(RETENTION_SECONDS.range[1]).optional();
const accountSchema = z.strictObject({
  name: nameSchema,
  quota_bytes: z.int().min(0).nullable().optional(),
  retention_seconds: retentionSchema,
});
const accountChangeSchema = accountSchema.partial().refine((change) => Object.keys(change).length > 0, "must hold what is to change");

const presentAccount = (account: Account) => ({
  id: account.id,
  name: account.name,
  quota_bytes: account.quotaBytes ?? QUOTA_BYTES,
  stored_bytes: account.storedBytes,
  retention_seconds: account.retentionSeconds,
  created_at: time(account.createdAt),
  removed_at: time(account.removedAt),
});

async function createAccount(call: Call): Promise<Response> {
  const { name, quota_bytes, retention_seconds } = await bodyOf(call, accountSchema);
  const id = newAccountId(call.ports.randomBytes);
  const account = found(await insertAccount(call.ports.db, id, name, quota_bytes ?? null, retention_seconds), "account");
  return json(presentAccount(account), { status: 201 });
}

async function showAccounts(call: Call): Promise<Response> {
  const { after, limit } = pageOf(call.url);
  return page(await listAccounts(call.ports.db, after, limit + 1), limit, presentAccount, (account) => account.id);
}

async function showAccount(call: Call): Promise<Response> {
  return json(presentAccount(found(await findAccount(call.ports.db, call.params["id"] ?? ""), "account")));
}

async function alterAccount(call: Call): Promise<Response> {
  const { name, quota_bytes, retention_seconds } = await bodyOf(call, accountChangeSchema);
  const change = { name, quotaBytes: quota_bytes, retentionSeconds: retention_seconds };
  return json(presentAccount(found(await changeAccount(call.ports.db, call.params["id"] ?? "", change), "account")));
}

/** Its keys die with it; every gate is told before the answer. */
async function endAccount(call: Call): Promise<Response> {
  const account = found(await removeAccount(call.ports.db, call.params["id"] ?? ""), "account");
  for (let after = "", more = true; more;) {
    const keys = await listKeys(call.ports.db, account.id, after, 100);
    await Promise.all(keys.map((key) => call.ports.gate.forget(key.id)));
    after = keys.at(-1)?.id ?? after;
    more = keys.length === 100;
  }
  return json(presentAccount(account));
}

// Keys

const expirySchema = z.iso
  .datetime({ offset: true })
  .transform((text) => Date.parse(text))
  .nullable()
  .optional();

const keyChangeSchema = z.strictObject({
  name: nameSchema.optional(),
  scopes: z.array(z.enum(SCOPES)).min(1).optional(),
  limits: limitsSchema.partial().optional(),
  expires_at: expirySchema,
});
const keySchema = keyChangeSchema.extend({ account_id: z.string() });

/** Without the members that were not given. */
function given<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  }; // what the filter does
}

const presentKey = (key: Key) => ({
  id: key.id,
  account_id: key.accountId,
  name: key.name,
  scopes: key.scopes,
  limits: key.limits,
  created_at: time(key.createdAt),
  expires_at: time(key.expiresAt),
  revoked_at: time(key.revokedAt),
});

async function createKey(call: Call): Promise<Response> {
  const body = await bodyOf(call, keySchema);
  const account = found(await findAccount(call.ports.db, body.account_id), "account");
  const [secret = ""] = call.config.keySecrets;
  const minted = await mintKey(account.id, secret, call.ports.randomBytes);
  const key = await insertKey(call.ports.db, {
    accountId: account.id,
    id: minted.keyId,
    digest: await digestOf(minted.key),
    name: body.name ?? "",
    scopes: body.scopes ?? SCOPES,
    limits: given(body.limits ?? {}),
    expiresAt: body.expires_at ?? null,
  });
  return json({ ...presentKey(found(key, "account")), key: minted.key }, { status: 201 });
}

async function showKeys(call: Call): Promise<Response> {
  const { account_id } = check(z.looseObject({ account_id: z.string() }), Object.fromEntries(call.url.searchParams));
  const { after, limit } = pageOf(call.url);
  return page(await listKeys(call.ports.db, account_id, after, limit + 1), limit, presentKey, (key) => key.id);
}

async function showKey(call: Call): Promise<Response> {
  const id = call.params["id"] ?? "";
  return json(presentKey(found(await findKey(call.ports.db, accountOf(id), id), "key")));
}

async function alterKey(call: Call): Promise<Response> {
  const id = call.params["id"] ?? "";
  const { expires_at, limits, ...rest } = await bodyOf(call, keyChangeSchema);
  const change = {
    ...given(rest),
    ...(limits ? { limits: given(limits) } : {}),
    ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
  };
  const key = found(await changeKey(call.ports.db, accountOf(id), id, change), "key");
  await call.ports.gate.forget(id);
  return json(presentKey(key));
}

/** Revoked at once: the gate is told before the answer. */
async function endKey(call: Call): Promise<Response> {
  const id = call.params["id"] ?? "";
  const key = found(await revokeKey(call.ports.db, accountOf(id), id), "key");
  await call.ports.gate.forget(id);
  return json(presentKey(key));
}

// Models

const pathName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "letters, digits, '.', '_' and '-', at most 128");
/** One segment of a path, but for the one capability that OpenAI's API has two for. */
const capabilitySchema = z.union([pathName, z.literal("chat/completions")]);
/** Which field of an output is kept as a file: its path, and what its text is. */
const outputFileSchema = z.strictObject({
  field: z
    .string()
    .max(256)
    .regex(/^[^.]+(?:\.[^.]+)*$/, "must be the names of members from the root, joined by dots"),
  encoding: z.enum(["base64", "text"]).default("base64"),
  content_type: z
    .string()
    .max(CONTENT_TYPE_CHARACTERS)
    .regex(MEDIA_TYPE, "must be a media type, such as video/mp4")
    .nullable()
    .default(null),
});

const fileFieldsOf = (files: readonly z.infer<typeof outputFileSchema>[]): FileField[] =>
  files.map(({ field, encoding, content_type: contentType }) => ({ field, encoding, contentType }));

const modelChangeSchema = z.strictObject({
  description: z.string().max(1_000).optional(),
  versions: z.array(pathName).max(100).optional(),
  default_version: pathName.optional(),
  account_concurrency: z.int().min(MAX_CONCURRENCY.range[0]).max(MAX_CONCURRENCY.range[1]).nullable().optional(),
  capabilities: z.array(capabilitySchema).max(32).optional(),
  output_files: z.array(outputFileSchema).max(OUTPUT_FILE_FIELDS).optional(),
});
const modelSchema = modelChangeSchema.extend({ name: pathName });

const presentModel = (model: Model) => ({
  name: model.name,
  description: model.description,
  versions: model.versions,
  default_version: model.defaultVersion || null,
  account_concurrency: model.accountConcurrency,
  capabilities: model.capabilities,
  output_files: model.outputFiles.map(({ field, encoding, contentType }) => ({ field, encoding, content_type: contentType })),
  created_at: time(model.createdAt),
});

/** The default has to be one of the versions; without a word it is the last of them, or '' where there are none. */
function defaultOf(versions: readonly string[], wanted: string | undefined): string {
  if (wanted !== undefined && !versions.includes(wanted)) {
    throw problem("invalid_input", { faults: [{ path: ["default_version"], detail: "must be one of versions" }] });
  }
  return wanted ?? versions.at(-1) ?? "";
}

async function createModel(call: Call): Promise<Response> {
  const body = await bodyOf(call, modelSchema);
  const versions = [...new Set(body.versions)];
  const model = await insertModel(call.ports.db, {
    name: body.name,
    description: body.description ?? "",
    versions,
    defaultVersion: defaultOf(versions, body.default_version),
    accountConcurrency: body.account_concurrency ?? null,
    capabilities: [...new Set(body.capabilities)],
    outputFiles: fileFieldsOf(body.output_files ?? []),
  });
  if (!model) throw problem("conflict", { detail: `There is a model "${body.name}" already.` });
  return json(presentModel(model), { status: 201 });
}

async function showModels(call: Call): Promise<Response> {
  const { after, limit } = pageOf(call.url);
  return page(await listModels(call.ports.db, after, limit + 1), limit, presentModel, (model) => model.name);
}

async function showModel(call: Call): Promise<Response> {
  return json(presentModel(found(await findModel(call.ports.db, call.params["name"] ?? ""), "model")));
}

async function alterModel(call: Call): Promise<Response> {
  const body = await bodyOf(call, modelChangeSchema);
  const model = found(await findModel(call.ports.db, call.params["name"] ?? ""), "model");
  const versions = body.versions ? [...new Set(body.versions)] : model.versions;
  const kept = versions.includes(model.defaultVersion) ? model.defaultVersion : undefined;
  const changed = await changeModel(call.ports.db, model.name, {
    description: body.description ?? model.description,
    versions,
    defaultVersion: defaultOf(versions, body.default_version ?? kept),
    accountConcurrency: body.account_concurrency === undefined ? model.accountConcurrency : body.account_concurrency,
    capabilities: body.capabilities ? [...new Set(body.capabilities)] : model.capabilities,
    outputFiles: body.output_files ? fileFieldsOf(body.output_files) : model.outputFiles,
  });
  return json(presentModel(found(changed, "model")));
}

async function endModel(call: Call): Promise<Response> {
  const name = call.params["name"] ?? "";
  if (await removeModel(call.ports.db, name)) return json({ name, removed: true });
  found(await findModel(call.ports.db, name), "model");
  throw problem("conflict", { detail: `Backends serve "${name}"; remove them first.` });
}

// Backends

const backendChangeSchema = z.strictObject({
  url: z
    .url({ protocol: /^https?$/, abort: true })
    .max(2_048)
    .refine((text) => new URL(text).username === "" && new URL(text).password === "", "must not hold credentials")
    .refine((text) => new URL(text).search === "" && new URL(text).hash === "", "must not have a query or fragment")
    .transform((text) => text.replace(/\/+$/, ""))
    .optional(),
  remote_model: z.string().min(1).max(256).optional(),
  credential: credentialSchema.nullable().optional(),
  state: z.enum(BACKEND_STATES).optional(),
  max_concurrency: z.int().min(MAX_CONCURRENCY.range[0]).max(MAX_CONCURRENCY.range[1]).optional(),
  timeout_seconds: z.int().min(BACKEND_TIMEOUT_SECONDS.range[0]).max(BACKEND_TIMEOUT_SECONDS.range[1]).optional(),
  files: z.enum(FILE_FORMS).optional(),
});
const backendSchema = backendChangeSchema.extend({
  model: pathName,
  version: pathName.optional(),
  url: backendChangeSchema.shape.url.unwrap(),
  protocol: z.enum(PROTOCOL_NAMES),
});

const presentBackend = (backend: Backend) => ({
  id: backend.id,
  model: backend.model,
  version: backend.version || null,
  url: backend.url,
  protocol: backend.protocol,
  remote_model: backend.remoteModel,
  credential: backend.credential,
  state: backend.state,
  max_concurrency: backend.maxConcurrency,
  timeout_seconds: backend.timeoutSeconds,
  files: backend.files,
  in_progress: backend.inProgress,
  circuit: backend.circuit,
  failures: backend.failures,
  rested_until: time(backend.restedUntil),
  mean_run_ms: backend.meanRunMs,
  created_at: time(backend.createdAt),
});

async function createBackend(call: Call): Promise<Response> {
  const body = await bodyOf(call, backendSchema);
  const model = await findModel(call.ports.db, body.model);
  if (!model) throw problem("invalid_input", { faults: [{ path: ["model"], detail: `there is no model "${body.model}"` }] });
  const backend = await insertBackend(call.ports.db, {
    id: `be_${randomBase62(12, call.ports.randomBytes)}`,
    model: model.name,
    version: body.version ?? model.defaultVersion,
    url: body.url,
    protocol: body.protocol,
    remoteModel: body.remote_model ?? model.name,
    credential: body.credential ?? null,
    state: body.state ?? "active",
    maxConcurrency: body.max_concurrency ?? MAX_CONCURRENCY.default,
    timeoutSeconds: body.timeout_seconds ?? BACKEND_TIMEOUT_SECONDS.default,
    files: body.files ?? "url",
  });
  if (!backend) throw problem("invalid_input", { faults: [{ path: ["version"], detail: `"${model.name}" has no such version` }] });
  offer(call, backend);
  return json(presentBackend(backend), { status: 201 });
}

/** A backend that takes work is given what waits for it at once, and not when the sweep finds that nobody does. */
function offer(call: Call, { state, model, version, maxConcurrency }: Backend): void {
  if (state !== "active") return;
  const lanes = Array.from({ length: Math.min(maxConcurrency, WAKE_UPS_PER_LANE) }, () => ({ model, version }));
  call.after(bestEffort("wake_up_not_sent", call.ports.wake(lanes)));
}

async function showBackends(call: Call): Promise<Response> {
  const { after, limit } = pageOf(call.url);
  const backends = await listBackends(call.ports.db, call.url.searchParams.get("model"), after, limit + 1);
  return page(backends, limit, presentBackend, (backend) => backend.id);
}

async function showBackend(call: Call): Promise<Response> {
  return json(presentBackend(found(await findBackend(call.ports.db, call.params["id"] ?? ""), "backend")));
}

/** Asks the server itself whether it is ready, and what it says of its model. */
async function probeBackend(call: Call): Promise<Response> {
  const backend = found(await findBackend(call.ports.db, call.params["id"] ?? ""), "backend");
  const [{ ready, detail }, metadata] = await Promise.all([
    readinessOf(backend, backend.version, call.ports),
    descriptionOf(backend, backend.version, call.ports),
  ]);
  return json({ id: backend.id, ready, detail, metadata });
}

async function alterBackend(call: Call): Promise<Response> {
  const body = await bodyOf(call, backendChangeSchema);
  const change = given({
    url: body.url,
    remoteModel: body.remote_model,
    credential: body.credential,
    state: body.state,
    maxConcurrency: body.max_concurrency,
    timeoutSeconds: body.timeout_seconds,
    files: body.files,
  });
  const backend = found(await changeBackend(call.ports.db, call.params["id"] ?? "", change), "backend");
  offer(call, backend);
  return json(presentBackend(backend));
}

/** What it has in progress ends as it would; nothing more is given to it. */
async function endBackend(call: Call): Promise<Response> {
  const id = call.params["id"] ?? "";
  if (!(await removeBackend(call.ports.db, id))) throw problem("not_found", { detail: "There is no such backend." });
  return json({ id, removed: true });
}

// Inferences

/**
 * Redrives failed or expired inferences by filter, a bounded number of rows a call: `next` of the answer is the `after`
 * of the next call, until it is null. With `dry_run` it only counts.
 */
const redriveSchema = z
  .strictObject({
    account_id: z.string().optional(),
    status: z.enum(["failed", "expired"]).optional(),
    error_class: z.enum(FAILURE_CLASSES).optional(),
    ...filterShape,
    dry_run: z.boolean().optional(),
    after: z.strictObject({ account_id: z.string(), id: z.string() }).optional(),
  })
  .refine(narrows, "must hold at least one filter");

async function redriveMany(call: Call): Promise<Response> {
  const body = await bodyOf(call, redriveSchema);
  const filter = {
    ...filterOf(body),
    statuses: body.status ? [body.status] : (["failed", "expired"] as const),
    errorClass: body.error_class,
  };
  const after = body.after ? { accountId: body.after.account_id, id: body.after.id } : { accountId: body.account_id ?? "", id: "" };
  const done = await bulk(call.ports.db, body.dry_run ? "count" : "redrive", after, body.account_id === undefined, filter, BULK_ROWS);
  call.after(bestEffort("wake_up_not_sent", call.ports.wake(done.lanes.slice(0, 100))));
  call.after(bestEffort("sweep_not_armed", call.ports.armSweep()));
  return json({
    dry_run: body.dry_run ?? false,
    looked_at: done.seen,
    [body.dry_run ? "matched" : "redriven"]: done.matched,
    next: done.next && { account_id: done.next.accountId, id: done.next.id },
  });
}

const recoverSchema = z.strictObject({ started_before: z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)) });

/** Declares dead all runners of before a time: for after a crash, when nothing of what ran then is alive. */
async function recover(call: Call): Promise<Response> {
  const { started_before } = await bodyOf(call, recoverSchema);
  return json({ recovered: await call.sweep.recover(started_before) });
}
