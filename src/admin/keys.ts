/** `/admin/v1/keys`: the API keys of an account. A key's text is in the answer that creates it and nowhere else. */
import * as z from "zod";
import { findAccount } from "../accounts/store.ts";
import { json } from "../http/answer.ts";
import { badCursor, pageQuery } from "../http/page.ts";
import { instantSchema, time, timeSchema } from "../http/time.ts";
import { SCOPES, accountOf, digestOf, mintKey } from "../keys/key.ts";
import { type Key, type KeyChange, changeKey, findKey, insertKey, limitsSchema, listKeys, revokeKey, rotateKey } from "../keys/store.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { wholeIn } from "../http/range.ts";
import { ADMIN_BODY_BYTES, KEY_OVERLAP_SECONDS } from "../limits.ts";
import { problem } from "../problem.ts";
import { PREFIX, found, given, nameSchema, routesOf } from "./resource.ts";

const keySchema = z.lazy(() =>
  z.object({
    id: z.string().describe("It begins with the account's id."),
    account_id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    limits: limitsSchema.describe("Requests a second, by scope."),
    created_at: timeSchema,
    expires_at: timeSchema.nullable(),
    revoked_at: timeSchema.nullable(),
    last_used_at: timeSchema.nullable().describe("To the minute; null: never."),
  }),
);
z.globalRegistry.add(keySchema, { id: "Key" });

const keyCreatedSchema = z.lazy(() => keySchema.unwrap().extend({ key: z.string().describe("Its text, which is shown only here.") }));

const keyUpdateSchema = z.lazy(() =>
  z.strictObject({
    name: nameSchema.optional(),
    scopes: z.array(z.enum(SCOPES)).min(1).optional().describe("What it may do; everything by default."),
    limits: limitsSchema.partial().optional().describe("Requests a second, by scope."),
    expires_at: instantSchema.nullable().optional().describe("When it ends; null, the default, is never."),
  }),
);

const newKeySchema = z.lazy(() => keyUpdateSchema.unwrap().extend({ account_id: z.string() }));

const listQuerySchema = pageQuery().extend({ account_id: z.string().describe("Whose keys.") });

function present(key: Key): z.infer<typeof keySchema> {
  return {
    id: key.id,
    account_id: key.accountId,
    name: key.name,
    scopes: [...key.scopes],
    limits: key.limits,
    created_at: time(key.createdAt),
    expires_at: time(key.expiresAt),
    revoked_at: time(key.revokedAt),
    last_used_at: time(key.lastUsedAt),
  };
}

const ROTATE = {
  summary: "Replace a key: create another with its name, scopes, limits and end, and let it work a while longer.",
  params: z.object({ id: z.string().describe("The key's id.") }),
  body: {
    json: z.strictObject({
      overlap_seconds: wholeIn(KEY_OVERLAP_SECONDS.range)
        .default(KEY_OVERLAP_SECONDS.default)
        .describe(`For how long the one before still works; ${KEY_OVERLAP_SECONDS.default} by default.`),
    }),
    limitBytes: ADMIN_BODY_BYTES,
    mayBeMissing: true,
  },
  answers: {
    201: {
      description: "The new key, and the one before with its end.",
      json: z.lazy(() => keyCreatedSchema.unwrap().extend({ previous: keySchema })),
    },
  },
} as const satisfies RouteShape;

export const keyRoutes = [
  ...routesOf({
    noun: "key",
    path: "/keys",
    id: "id",
    shown: keySchema,
    present,
    idOf: (key: Key) => key.id,
    create: { takes: newKeySchema, answers: keyCreatedSchema, run: create },
    list: {
      order: "newest first",
      takes: listQuerySchema,
      run: list,
    },
    find: ({ ports }, id) => findKey(ports.db, accountOf(id), id),
    update: { takes: keyUpdateSchema, run: update },
    delete: {
      summary: "Revoke a key, at once and for good.",
      answers: keySchema,
      run: async (call, id) => present(await revoke(call, id)),
    },
  }),
  route("operator", "POST", `${PREFIX}/keys/:id/rotate`, ROTATE, rotate),
];

async function list({ ports }: Call, { account_id, after }: z.infer<typeof listQuerySchema>, limit: number): Promise<Key[]> {
  const behind = after === "" ? null : await findKey(ports.db, account_id, after);
  if (after !== "" && !behind) throw badCursor();
  return listKeys(ports.db, account_id, behind, limit);
}

async function create({ ports, config }: Call, body: z.infer<typeof newKeySchema>): Promise<z.infer<typeof keyCreatedSchema>> {
  mustBeAhead(body.expires_at, ports.clock.now());
  const account = found(await findAccount(ports.db, body.account_id), "account");
  const minted = await mint({ ports, config }, account.id);
  const key = await insertKey(ports.db, {
    accountId: account.id,
    id: minted.id,
    digest: minted.digest,
    name: body.name ?? "",
    scopes: body.scopes ?? SCOPES,
    limits: given(body.limits ?? {}),
    expiresAt: body.expires_at ?? null,
  });
  return { ...present(found(key, "account")), key: minted.text };
}

async function mint({ ports, config }: Pick<Call, "ports" | "config">, accountId: string) {
  const [secret = ""] = config.keySecrets;
  const { keyId, key } = await mintKey(accountId, secret, ports.randomBytes);
  return { id: keyId, digest: await digestOf(key), text: key };
}

/** The gate of the one before is told of its end before the answer. */
async function rotate(call: Call, { body }: Input<typeof ROTATE>): Promise<Response> {
  const { ports, params } = call;
  const id = params["id"] ?? "";
  const key = found(await findKey(ports.db, accountOf(id), id), "key");
  const minted = await mint(call, key.accountId);
  const rotated = await rotateKey(ports.db, key, minted, body.overlap_seconds * 1_000);
  if (!rotated) throw problem("conflict", { detail: `The key ${id} is revoked or has ended, so it can't be rotated; create another one.` });
  await ports.gate.forget(id);
  const answer = { ...present(rotated.key), key: minted.text, previous: present(rotated.previous) };
  return json(answer satisfies z.infer<(typeof ROTATE.answers)[201]["json"]>, { status: 201 });
}

async function update({ ports }: Call, id: string, body: z.infer<typeof keyUpdateSchema>): Promise<Key | null> {
  const { expires_at, limits, ...rest } = body;
  mustBeAhead(expires_at, ports.clock.now());
  const change: KeyChange = {
    ...given(rest),
    ...(limits ? { limits: given(limits) } : {}),
    ...(expires_at === undefined ? {} : { expiresAt: expires_at }),
  };
  const key = await changeKey(ports.db, accountOf(id), id, change);
  if (key) await ports.gate.forget(id);
  return key;
}

/** A key that has expired already would be refused at its first call, far from the mistake. */
function mustBeAhead(expiresAt: number | null | undefined, now: number): void {
  if (expiresAt === null || expiresAt === undefined || expiresAt > now) return;
  const detail = `must be in the future, and is ${time(expiresAt)}; to end a key now, delete it`;
  throw problem("invalid_input", { faults: [{ path: ["expires_at"], detail }] });
}

/** The gate is told before the answer. */
async function revoke({ ports }: Call, id: string): Promise<Key> {
  const key = found(await revokeKey(ports.db, accountOf(id), id), "key");
  await ports.gate.forget(id);
  return key;
}
