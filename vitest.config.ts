import "./src/local/quiet.ts";
import { fileURLToPath } from "node:url";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
import { makePublic } from "./src/local/public.mjs";
import { Tally } from "./test/support/tally.ts";

// In the environment, since that is where wrangler looks for the required secrets of wrangler.toml.
process.env["KEY_SECRET"] = "a-secret-for-tests-that-is-long-enough";
process.env["ADMIN_TOKEN"] = "an-admin-token-for-tests-of-40-characters";

export default defineConfig(async () => {
  await makePublic();
  const migrations = await readD1Migrations("./migrations");
  return {
    test: {
      reporters: ["default", new Tally()],
      silent: "passed-only" as const,
      projects: [
        {
          // The simulator runs objects of the platform on Node.
          resolve: { alias: { "cloudflare:workers": fileURLToPath(new URL("./test/simulator/platform/workers.ts", import.meta.url)) } },
          // They take milliseconds, but on a busy machine some take longer than the default of 5 s.
          test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 60_000, maxWorkers: 2 },
        },
        {
          plugins: [
            cloudflareTest({
              wrangler: { configPath: "./wrangler.toml" },
              miniflare: {
                bindings: {
                  MIGRATIONS: migrations,
                  RECORD_EXAMPLES: process.env["RECORD_EXAMPLES"] ?? "",
                  RANDOM_CALLS: process.env["RANDOM_CALLS"] ?? "",
                  RANDOM_CALLS_SEED: process.env["RANDOM_CALLS_SEED"] ?? "",
                },
              },
            }),
          ],
          // Some of them ask hundreds of hostile things; on a busy machine that takes longer than the default of 5 s.
          test: {
            name: "worker",
            include: ["test/worker/**/*.test.ts"],
            setupFiles: ["./test/worker/setup.ts"],
            testTimeout: 60_000,
            maxWorkers: 2,
          },
        },
        {
          test: {
            name: "e2e",
            include: ["test/e2e/**/*.test.ts"],
            maxWorkers: 2, // most of them wait for time to pass
            testTimeout: 120_000,
            hookTimeout: 120_000,
          },
        },
      ],
    },
  };
});
