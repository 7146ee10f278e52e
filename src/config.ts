/**
 * The deployment's settings, checked once per isolate. What comes out is complete: nothing later asks whether a
 * setting is there. A missing or weak secret is an error that names it, on the first request.
 */
import * as z from "zod";
import type { Collector } from "./platform/otlp.ts";
import { oncePer } from "./platform/memory.ts";
import { DATABASE_QUOTA_BYTES } from "./limits.ts";
import { secretKey } from "./webhooks/signature.ts";
import { PUBLIC_ONLY, type TargetRules } from "./webhooks/target.ts";

/** Origins whose pages may call with a key. */
export interface AllowedOrigins {
  /** Whether any page may call with a key. */
  readonly all: boolean;
  readonly named: ReadonlySet<string>;
}

/** Reads the operator's setting: origins with commas between, or `*`. Throws an Error that names what is no origin. */
function allowedOriginsOf(setting: string): AllowedOrigins {
  const parts = setting
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const named = parts.filter((part) => part !== "*");
  for (const part of named) {
    if (URL.parse(part)?.origin !== part) throw new Error(`"${part}" must be an origin, such as "https://app.example.com", or "*"`);
  }
  return { all: named.length < parts.length, named: new Set(named) };
}

/** `OTEL_EXPORTER_OTLP_HEADERS` has this form too: names and values with equals signs between, values percent-encoded. Null if it is none. */
function headersIn(text: string): Record<string, string> | null {
  const pairs = text.split(",").filter((part) => part.trim() !== "");
  try {
    const named = pairs.map((pair) => {
      const end = pair.indexOf("=");
      return [pair.slice(0, Math.max(0, end)).trim(), decodeURIComponent(pair.slice(end + 1).trim())] as const;
    });
    return Object.fromEntries(new Headers(named.map(([name, value]) => [name, value])));
  } catch (error) {
    if (error instanceof URIError || error instanceof TypeError) return null;
    throw error;
  }
}

/** A collector's address without a path is that of OTLP/HTTP: spans go to /v1/traces below it. */
function spansUrl(text: string): string {
  const url = new URL(text);
  if (url.pathname === "/") url.pathname = "/v1/traces";
  return url.href;
}

/** An application of Cloudflare Access, whose users are operators. */
export interface Access {
  /** The team's own address. */
  readonly issuer: string;
  /** The application's tag. */
  readonly audience: string;
}

function accessOf(team: string, audience: string): Access | null {
  if (team === "" && audience === "") return null;
  if (team === "" || audience === "") throw new Error("configuration: ACCESS_TEAM_DOMAIN and ACCESS_AUD must be set together, or neither");
  return { issuer: `https://${team}`, audience };
}

const settings = z.object({
  PUBLIC_URL: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  KEY_SECRET: z.string().min(32, "must have at least 32 characters; make one with: openssl rand -base64 32"),
  KEY_SECRET_PREVIOUS: z.string().min(32).optional(),
  ADMIN_TOKEN: z.string().min(32, "must have at least 32 characters; make one with: openssl rand -base64 24"),
  ALLOWED_ORIGINS: z
    .string()
    .default("")
    .transform((text, context) => {
      try {
        return allowedOriginsOf(text);
      } catch (error) {
        context.issues.push({ code: "custom", input: text, message: error instanceof Error ? error.message : String(error) });
        return z.NEVER;
      }
    }),
  DATABASE_QUOTA_BYTES: z
    .string()
    .default("")
    .transform((text) => (text === "" ? DATABASE_QUOTA_BYTES.default : /^[0-9]+$/.test(text) ? Number(text) : NaN))
    .refine((bytes) => bytes <= DATABASE_QUOTA_BYTES.range[1], `must be a whole number of bytes, ${DATABASE_QUOTA_BYTES.range[1]} at most`),
  OTLP_URL: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  OTLP_HEADERS: z
    .string()
    .default("")
    .transform((text, context) => {
      const headers = headersIn(text);
      if (headers !== null) return headers;
      // Not the text itself: it is a secret.
      context.issues.push({
        code: "custom",
        input: null,
        message: 'must be headers with commas between, such as "api-key=…,x-dataset=claimcheck"',
      });
      return z.NEVER;
    }),
  OPERATOR_PAYLOADS: z.enum(["", "hidden"]).default(""),
  OPERATOR_WEBHOOK_URL: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  OPERATOR_WEBHOOK_SECRET: z
    .string()
    .default("")
    .refine(
      (secret) => secret === "" || secretKey(secret) !== null,
      'must be "whsec_" and the base64 of 24 to 64 bytes; make one with: echo "whsec_$(openssl rand -base64 32)"',
    ),
  OIP_SERVER_NAME: z.string().default(""),
  ACCESS_TEAM_DOMAIN: z.union([z.literal(""), z.hostname()]).default(""),
  ACCESS_AUD: z.string().default(""),
  WEBHOOKS_TO_LOOPBACK: z.enum(["", "1"]).default(""),
  LOCAL_URL: z.union([z.literal(""), z.url({ protocol: /^http$/ })]).default(""),
});

export interface Config {
  /** Where clients reach the deployment, without a slash at the end; empty: the request's own origin. */
  readonly publicUrl: string;
  /**
   * Where model servers reach it, to tell of progress: `publicUrl`, else LOCAL_URL, which only `npm start` sets, since links for clients
   * must go on leading to where each of them came from. Empty: nobody knows.
   */
  readonly progressOrigin: string;
  /** Secrets under which keys are tagged, newest first: the first mints, all are accepted. */
  readonly keySecrets: readonly string[];
  readonly adminToken: string;
  /** The pages that may call with a key. */
  readonly allowedOrigins: AllowedOrigins;
  /** How much of what an account stores may lie in the database, unless the account has a quota of its own. */
  readonly databaseQuotaBytes: number;
  /** Where spans of inferences go; null if the operator has named nothing. */
  readonly collector: Collector | null;
  /** Cloudflare Access in front of the console; null if there is none. */
  readonly access: Access | null;
  /** Whether the operator's calls show inputs and outputs of accounts. */
  readonly operatorSeesPayloads: boolean;
  /** Where the operator is told of what goes wrong; null if the operator has named nothing. */
  readonly operatorWebhook: { readonly url: string; readonly secret: string | null } | null;
  /** What the Open Inference Protocol's wire calls this server. */
  readonly oipServerName: string;
  /** Where webhooks may go. With WEBHOOKS_TO_LOOPBACK, which only the embedded runtime sets, to this machine as well. */
  readonly targets: TargetRules;
  /** Whether the names of webhooks are looked up before they are called: not where this machine is a target. */
  readonly looksUpNames: boolean;
}

/** The checked settings of an environment. Throws an Error naming each setting that is missing or wrong. */
export const configOf = oncePer(check);

function check(env: object): Config {
  const parsed = settings.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`configuration: ${faults.join("; ")}`);
  }
  const { PUBLIC_URL, LOCAL_URL, KEY_SECRET, KEY_SECRET_PREVIOUS, ADMIN_TOKEN, ALLOWED_ORIGINS, WEBHOOKS_TO_LOOPBACK, ...more } =
    parsed.data;
  const loopbackHttp = WEBHOOKS_TO_LOOPBACK === "1";
  const publicUrl = PUBLIC_URL.replace(/\/$/, "");
  return {
    publicUrl,
    progressOrigin: publicUrl || LOCAL_URL,
    keySecrets: KEY_SECRET_PREVIOUS ? [KEY_SECRET, KEY_SECRET_PREVIOUS] : [KEY_SECRET],
    adminToken: ADMIN_TOKEN,
    allowedOrigins: ALLOWED_ORIGINS,
    databaseQuotaBytes: more.DATABASE_QUOTA_BYTES,
    collector: more.OTLP_URL === "" ? null : { url: spansUrl(more.OTLP_URL), headers: more.OTLP_HEADERS },
    access: accessOf(more.ACCESS_TEAM_DOMAIN, more.ACCESS_AUD),
    operatorSeesPayloads: more.OPERATOR_PAYLOADS === "",
    operatorWebhook:
      more.OPERATOR_WEBHOOK_URL === "" ? null : { url: more.OPERATOR_WEBHOOK_URL, secret: more.OPERATOR_WEBHOOK_SECRET || null },
    oipServerName: more.OIP_SERVER_NAME || "claimcheck",
    targets: { ...PUBLIC_ONLY, loopbackHttp },
    looksUpNames: !loopbackHttp,
  };
}
