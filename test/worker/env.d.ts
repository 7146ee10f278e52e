import type { D1Migration } from "cloudflare:test";

declare global {
  namespace Cloudflare {
    interface Env {
      /** The migrations, handed in by vitest.config.ts. */
      MIGRATIONS: D1Migration[];
      /** Not empty: the examples are written down. */
      RECORD_EXAMPLES: string;
      /** How many calls are made at random, and from which seed; empty: a few hundred, from any. */
      RANDOM_CALLS: string;
      RANDOM_CALLS_SEED: string;
    }
  }
}
