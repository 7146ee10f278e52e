/**
 * `npm test`: every gate, each one line when it passes and its whole output when it does not; then the simulator; then the
 * tests. Arguments go to vitest, and then the simulator is left out. CI runs nothing else.
 */
import "./quiet.ts";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The Worker must start fast wherever it wakes; this is above what it is and far below the platform's limit (3 MB compressed). */
const BUNDLE_BUDGET_BYTES = 896 * 1024;

/** Of the simulator, each time; how many it was run with by hand is in docs/reliability.md. */
const SEEDS = 1_000;

const bundle = mkdtempSync(join(tmpdir(), "claimcheck-bundle-"));

const GATES: readonly (readonly [name: string, ...command: string[]])[] = [
  ["bindings' types are fresh", "wrangler", "types", "src/env.d.ts", "--include-runtime=false", "--strict-vars=false", "--check"],
  ["types: Worker", "tsc", "-p", "."],
  ["types: local programs", "tsc", "-p", "src/local"],
  ["types: tests", "tsc", "-p", "test"],
  ["types: tests inside workerd", "tsc", "-p", "test/worker"],
  ["types: benchmarks", "tsc", "-p", "bench"],
  ["types: benchmarks inside workerd", "tsc", "-p", "bench/metered"],
  ["types: real servers", "tsc", "-p", "field"],
  ["types: command line", "tsc", "-p", "cli"],
  ["types: client", "tsc", "-p", "client/typescript"],
  ["types: console", "tsc", "-p", "console"],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["format", "oxfmt", "--check"],
  ["files to serve", "node", "src/local/public.mjs"],
  ["wrangler deploy --dry-run", "wrangler", "deploy", "--dry-run", "--outdir", bundle],
];

function passes(name: string, command: string, args: readonly string[]): boolean {
  const begun = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok  " : "FAIL"}  ${name} (${seconds} s)`);
  if (status !== 0) console.log(`${stdout}${stderr}`);
  return status === 0;
}

function bundleFits(): boolean {
  const bytes = readdirSync(bundle)
    .filter((file) => file.endsWith(".js"))
    .reduce((sum, file) => sum + statSync(join(bundle, file)).size, 0);
  rmSync(bundle, { recursive: true, force: true });
  const fits = bytes <= BUNDLE_BUDGET_BYTES;
  const kib = (size: number) => `${(size / 1024).toFixed(0)} KiB`;
  console.log(`${fits ? "ok  " : "FAIL"}  Worker bundle: ${kib(bytes)} of ${kib(BUNDLE_BUDGET_BYTES)}`);
  return fits;
}

const results = GATES.map(([name, command, ...args]) => passes(name, command ?? "", args));
results.push(bundleFits());
if (results.includes(false)) process.exit(1);
const only = process.argv.slice(2);
if (only.length === 0) {
  const simulated = spawnSync("node", ["test/simulator/main.ts", "--seeds", String(SEEDS)], { stdio: "inherit" });
  if (simulated.status !== 0) process.exit(1);
}
const tests = spawnSync("vitest", ["run", ...only], { stdio: "inherit" });
process.exit(tests.status ?? 1);
