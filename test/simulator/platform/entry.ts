/**
 * The product's own code for the platform, on a platform that is simulated. It is loaded by its address, since it is a program whose
 * types this one does not have.
 */
import { registerHooks } from "node:module";

const PLATFORM = new URL("./workers.ts", import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "cloudflare:workers" ? { url: PLATFORM, shortCircuit: true } : next(specifier, context),
});

/** What a file of `src/entry` exports. */
export async function entry(file: string): Promise<unknown> {
  return import(new URL(`../../../src/entry/${file}`, import.meta.url).href);
}
