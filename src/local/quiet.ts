/**
 * Keeps the tools offline and quiet: no look-ups, no telemetry, no prompts, no update checks. Imported before any of
 * them, since some read these variables when they are loaded.
 */
Object.assign(process.env, {
  CI: process.env["CI"] ?? "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
  WRANGLER_LOG: "error",
  DO_NOT_TRACK: "1",
});
