/**
 * The deployment's settings, checked once per isolate. What comes out is complete: nothing later asks whether a
 * setting is there. A missing or weak secret is an error that names it, on the first request.
 */
import * as z from "zod";
import { oncePer } from "./platform/memory.ts";
import { DATABASE_QUOTA_BYTES } from "./limits.ts";
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
  OIP_SERVER_NAME: z.string().default(""),
  WEBHOOKS_TO_LOOPBACK: z.enum(["", "1"]).default(""),
});

export interface Config {
  /** Where clients reach the deployment, without a slash at the end; empty: the request's own origin. */
  readonly publicUrl: string;
  /** Secrets under which keys are tagged, newest first: the first mints, all are accepted. */
  readonly keySecrets: readonly string[];
  readonly adminToken: string;
  /** The pages that may call with a key. */
  readonly allowedOrigins: AllowedOrigins;
  /** How much of what an account stores may lie in the database, unless the account has a quota of its own. */
  readonly databaseQuotaBytes: number;
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
  const { PUBLIC_URL, KEY_SECRET, KEY_SECRET_PREVIOUS, ADMIN_TOKEN, ALLOWED_ORIGINS, WEBHOOKS_TO_LOOPBACK, ...more } = parsed.data;
  const loopbackHttp = WEBHOOKS_TO_LOOPBACK === "1";
  return {
    publicUrl: PUBLIC_URL.replace(/\/$/, ""),
    keySecrets: KEY_SECRET_PREVIOUS ? [KEY_SECRET, KEY_SECRET_PREVIOUS] : [KEY_SECRET],
    adminToken: ADMIN_TOKEN,
    allowedOrigins: ALLOWED_ORIGINS,
    databaseQuotaBytes: more.DATABASE_QUOTA_BYTES,
    oipServerName: more.OIP_SERVER_NAME || "claimcheck",
    targets: { ...PUBLIC_ONLY, loopbackHttp },
    looksUpNames: !loopbackHttp,
  };
}
