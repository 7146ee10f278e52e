/** `npm pack` and the tests: the client as one ES module, with its types beside it, in `dist/`. */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const DIST = join(HERE, "dist");

rmSync(DIST, { recursive: true, force: true });
await build({
  entryPoints: [join(HERE, "client.ts")],
  outfile: join(DIST, "client.js"),
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
});
const types = ["-p", HERE, "--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", DIST];
const { status } = spawnSync("tsc", types, { stdio: "inherit" });
process.exit(status ?? 1);
