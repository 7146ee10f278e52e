/**
 * The deployment's settings, checked once per isolate. What comes out is complete: nothing later asks whether a
 * setting is there. A missing or weak secret is an error that names it, on the first request.
 */
import * as z from "zod";

const settings = z.object({
  PUBLIC_URL: z.union([z.literal(""), z.url({ protocol: /^https?$/ })]).default(""),
  KEY_SECRET: z.string().min(32, "must have at least 32 characters"),
  KEY_SECRET_PREVIOUS: z.string().min(32).optional(),
  ADMIN_TOKEN: z.string().min(16, "must have at least 16 characters"),
});

export interface Config {
  /** Where clients reach the deployment, without a slash at the end; empty: the request's own origin. */
  readonly publicUrl: string;
  /** Secrets under which keys are tagged, newest first: the first mints, all are accepted. */
  readonly keySecrets: readonly string[];
  readonly adminToken: string;
}

const checked = new WeakMap<object, Config>();

/** The checked settings of `env`. Throws an Error naming each setting that is missing or wrong. */
export function configOf(env: object): Config {
  const known = checked.get(env);
  if (known) return known;
  const parsed = settings.safeParse(env);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`configuration: ${faults.join("; ")}`);
  }
  const { PUBLIC_URL, KEY_SECRET, KEY_SECRET_PREVIOUS, ADMIN_TOKEN } = parsed.data;
  const config: Config = {
    publicUrl: PUBLIC_URL.replace(/\/$/, ""),
    keySecrets: KEY_SECRET_PREVIOUS ? [KEY_SECRET, KEY_SECRET_PREVIOUS] : [KEY_SECRET],
    adminToken: ADMIN_TOKEN,
  };
  checked.set(env, config);
  return config;
}
