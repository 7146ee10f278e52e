/**
 * The settings of a deployment on this machine: from the environment, else from `.dev.vars`, else from wrangler.toml. The platform's own
 * tool passes on only the secrets that wrangler.toml requires, so the optional ones, such as credentials of backends, are read here.
 */
import { unstable_getVarsForDev } from "wrangler";

/** The variables of wrangler.toml, and the optional secrets. */
export const OPTIONAL_SETTINGS: ReadonlySet<string> = new Set([
  "PUBLIC_URL",
  "ALLOWED_ORIGINS",
  "DATABASE_QUOTA_BYTES",
  "OIP_SERVER_NAME",
  "ACCESS_TEAM_DOMAIN",
  "ACCESS_AUD",
  "OTLP_URL",
  "OTLP_HEADERS",
  "OPERATOR_PAYLOADS",
  "OPERATOR_WEBHOOK_URL",
  "OPERATOR_WEBHOOK_SECRET",
  "KEY_SECRET_PREVIOUS",
]);
const CREDENTIAL = /^BACKEND_\w+$/;

/** What `.dev.vars` beside `config` and `environment` set of these. */
export function settingsFor(config: string, environment: Readonly<NodeJS.ProcessEnv>): Record<string, string> {
  const wanted = (name: string) => OPTIONAL_SETTINGS.has(name) || CREDENTIAL.test(name);
  const file = Object.entries(unstable_getVarsForDev(config, undefined, {}, undefined, true)).map(
    ([name, binding]) => [name, "value" in binding ? String(binding.value) : ""] as const,
  );
  const given = Object.entries(environment).map(([name, value = ""]) => [name, value] as const);
  return Object.fromEntries([...file, ...given].filter(([name]) => wanted(name)));
}
