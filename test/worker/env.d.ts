import type { D1Migration } from "cloudflare:test";

declare global {
  namespace Cloudflare {
    interface Env {
      /** The migrations, handed in by vitest.config.ts. */
      MIGRATIONS: D1Migration[];
    }
  }
}
