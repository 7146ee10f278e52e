/** `/admin/v1/checks`: each part of the deployment, tried now, with the cure of what does not work. */
import * as z from "zod";
import { listBackends } from "../backends/store.ts";
import { json } from "../http/answer.ts";
import { type Call, type RouteShape, route } from "../http/route.ts";
import { CHECK_BACKENDS, CHECK_CLOCK_MS, CHECK_NAME, CHECK_QUEUE_MS } from "../limits.ts";
import { OPERATOR_PING, tellOperator } from "../maintenance/operator-webhook.ts";
import { ONCE } from "../payloads/bucket.ts";
import { NEWEST_MIGRATION } from "../platform/migrations.ts";
import { fillOf } from "../platform/fill.ts";
import { NOW, first, sql } from "../platform/sql.ts";
import { Unavailable } from "../platform/unavailable.ts";
import { signingKeyFor } from "../webhooks/sealing.ts";
import { judgeName } from "../webhooks/target.ts";
import { PREFIX } from "./resource.ts";

/** What one check found: `cure` is what the operator should do. */
interface Found {
  readonly state: "ok" | "warning" | "failed" | "skipped";
  readonly detail: string;
  readonly cure?: string;
}

const CHECKS = {
  database: checkDatabase,
  migrations: checkMigrations,
  storage: checkStorage,
  queue: checkQueue,
  public_url: checkPublicUrl,
  webhooks: checkWebhooks,
  operator_webhook: checkOperatorWebhook,
  backends: checkBackends,
} satisfies Record<string, (call: Call) => Promise<Found> | Found>;

const NAMES = [
  "database",
  "migrations",
  "storage",
  "queue",
  "public_url",
  "webhooks",
  "operator_webhook",
  "backends",
] as const satisfies (keyof typeof CHECKS)[];

const checksSchema = z.lazy(() =>
  z.object({
    ok: z.boolean().describe("Whether no check failed."),
    now: z.int().describe("The database's clock, in ms since 1970."),
    checks: z.array(
      z.object({
        name: z.enum(NAMES),
        state: z.enum(["ok", "warning", "failed", "skipped"]),
        detail: z.string().describe("What was found."),
        cure: z.string().nullable().describe("What to do about it; null if nothing is wrong."),
        ms: z.int().describe("How long the check took."),
      }),
    ),
  }),
);

const CHECK = {
  summary: "Try each part of the deployment: database, migrations, storage, queue, webhooks, the operator's webhook and backends.",
  changesNothing: true, // and says what is wrong with a database that can't be written to
  answers: { 200: { description: "What was found, and the cure of what does not work.", json: checksSchema } },
} as const satisfies RouteShape;

export const checkRoutes = [route("operator", "POST", `${PREFIX}/checks`, CHECK, check)];

async function check(call: Call): Promise<Response> {
  const checks = await Promise.all(
    NAMES.map(async (name) => {
      const begun = Date.now();
      const { state, detail, cure } = await found(call, CHECKS[name]);
      return { name, state, detail, cure: cure ?? null, ms: Date.now() - begun };
    }),
  );
  const now = await first(call.ports.db, sql`SELECT ${NOW} AS now`).catch(() => null);
  const ok = checks.every(({ state }) => state !== "failed");
  return json({ ok, now: Number(now?.["now"] ?? Date.now()), checks } satisfies z.infer<typeof checksSchema>);
}

/** A part that does not answer is what a check is for; any other error is ours, and is thrown. */
async function found(call: Call, run: (call: Call) => Promise<Found> | Found): Promise<Found> {
  try {
    return await run(call);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return {
      state: "failed",
      detail: `The ${error.message}.`,
      cure: "Look at the platform's status page, and at the bindings in wrangler.toml.",
    };
  }
}

async function checkDatabase({ ports: { db, clock } }: Call): Promise<Found> {
  const begun = clock.now();
  const row = await first(db, sql`SELECT ${NOW} AS now`);
  const apart = Math.round(Number(row?.["now"]) - (begun + clock.now()) / 2);
  const { bytes, limitBytes, state } = fillOf(db);
  const fill = bytes === null ? "its size is not known" : `${Math.round((bytes / limitBytes) * 100)} % of its room is used`;
  const detail = `It answers in ${clock.now() - begun} ms, and ${fill}.`;
  if (state !== "ok") {
    const cure = "Shorten the accounts' retention_seconds, or delete inferences; submits are refused when it is full.";
    return { state: state === "full" ? "failed" : "warning", detail, cure };
  }
  if (Math.abs(apart) <= CHECK_CLOCK_MS) return { state: "ok", detail };
  return {
    state: "warning",
    detail: `${detail} Its clock is ${apart} ms apart from this isolate's.`,
    cure: "All times of an inference are the database's; nothing else follows.",
  };
}

async function checkMigrations({ ports: { db } }: Call): Promise<Found> {
  const cure = 'Run "npm run migrate".';
  const table = await first(db, sql`SELECT 1 AS there FROM sqlite_schema WHERE name = 'd1_migrations'`);
  if (!table) return { state: "failed", detail: "No migration was applied.", cure };
  const newest = String((await first(db, sql`SELECT max(name) AS name FROM d1_migrations`))?.["name"]);
  if (newest === NEWEST_MIGRATION) return { state: "ok", detail: `The newest is ${newest}, as this version needs it.` };
  if (newest < NEWEST_MIGRATION)
    return { state: "failed", detail: `The newest is ${newest}, and this version needs ${NEWEST_MIGRATION}.`, cure };
  return {
    state: "warning",
    detail: `The newest is ${newest}, newer than this version, which knows ${NEWEST_MIGRATION}.`,
    cure: 'Run "npm run deploy".',
  };
}

async function checkStorage({ ports: { payloads }, requestId }: Call): Promise<Found> {
  const key = `checks/${requestId}`;
  await payloads.put(key, requestId, { onlyIf: ONCE, httpMetadata: { contentType: "text/plain" } });
  const read = await payloads.get(key);
  const same = read !== null && new TextDecoder().decode(await read.bytes()) === requestId;
  await payloads.delete(key);
  if (same) return { state: "ok", detail: "An object was written, read and deleted." };
  return {
    state: "failed",
    detail: "An object that was written could not be read.",
    cure: "Look at the bucket that PAYLOADS is bound to.",
  };
}

async function checkQueue({ sweep, requestId }: Call): Promise<Found> {
  const ms = await sweep.tryQueue(requestId, CHECK_QUEUE_MS);
  if (ms !== null) return { state: "ok", detail: `A message was consumed after ${ms} ms.` };
  return {
    state: "failed",
    detail: `A message was not consumed within ${CHECK_QUEUE_MS / 1000} s, so inferences wait for the sweep.`,
    cure: 'Look whether the queue has this Worker as its consumer: "wrangler queues info claimcheck-wake-ups".',
  };
}

function checkPublicUrl({ config, origin }: Call): Found {
  if (config.publicUrl === "") {
    const detail = `PUBLIC_URL is empty: links begin with the address of each request, now ${origin}.`;
    return { state: "warning", detail, cure: "Set PUBLIC_URL in wrangler.toml to the address that clients and backends use." };
  }
  if (!config.publicUrl.startsWith("https:") && !config.targets.loopbackHttp) {
    return {
      state: "warning",
      detail: `PUBLIC_URL is ${config.publicUrl}, without TLS.`,
      cure: "Set it to an address that begins with https.",
    };
  }
  return { state: "ok", detail: `Links begin with ${config.publicUrl}.` };
}

async function checkWebhooks({ config, ports }: Call): Promise<Found> {
  if (!config.looksUpNames) return { state: "skipped", detail: "Webhooks may go to this machine, and their names are not looked up." };
  const { verdict } = await judgeName(CHECK_NAME, ports.internet);
  if (verdict === "public") return { state: "ok", detail: `The name ${CHECK_NAME} was looked up, so the internet is reached.` };
  return {
    state: "failed",
    detail: `The name ${CHECK_NAME} could not be looked up, so the names of webhooks can't be either.`,
    cure: "Look whether the Worker may call https://cloudflare-dns.com.",
  };
}

/** Sends it a ping, as what it is told of would come. */
async function checkOperatorWebhook({ config, ports, requestId }: Call): Promise<Found> {
  const { operatorWebhook, keySecrets, publicUrl } = config;
  if (!operatorWebhook) return { state: "skipped", detail: "OPERATOR_WEBHOOK_URL is empty: nobody is notified when something goes wrong." };
  const webhook = { ...operatorWebhook, signingKey: () => signingKeyFor(keySecrets), deployment: publicUrl || null };
  const event = {
    id: `msg_operator_${requestId.replaceAll("-", "")}`,
    type: OPERATOR_PING,
    data: {},
    changedAt: ports.clock.now(),
  } as const;
  const { taken, status, why } = await tellOperator(ports, webhook, event);
  if (taken) return { state: "ok", detail: `It took a ping and answered ${status}.` };
  return {
    state: "failed",
    detail: status === null ? `It could not be reached (${why}).` : `It answered a ping with ${status}: ${why}.`,
    cure: "Look at OPERATOR_WEBHOOK_URL, and at what its receiver says of the signature.",
  };
}

async function checkBackends({ ports }: Call): Promise<Found> {
  const backends = await listBackends(ports.db, null, "", CHECK_BACKENDS);
  if (backends.length === 0)
    return { state: "warning", detail: "There is no backend, so nothing is run.", cure: "POST /admin/v1/backends." };
  const unset = backends.flatMap(({ credential }) => (credential && ports.secret(credential.secret) === null ? [credential.secret] : []));
  if (unset.length > 0) {
    const names = [...new Set(unset)].join(", ");
    return {
      state: "failed",
      detail: `The deployment lacks secrets that backends name: ${names}.`,
      cure: `Run "wrangler secret put NAME" for each.`,
    };
  }
  const resting = backends.filter(({ state, circuit }) => state === "active" && circuit === "open");
  const [one] = resting;
  if (!one) return { state: "ok", detail: `${backends.length} looked at; none rests.` };
  const because = one.lastError ? `: ${one.lastError.code}: ${one.lastError.message}` : "";
  return {
    state: "warning",
    detail: `${resting.length} of ${backends.length} rest. ${one.id}${because}`,
    cure: "Ask GET /admin/v1/backends/{id}/ready what its server says.",
  };
}
