/** `npm pack`: the command line as one program, for packages: Node runs no TypeScript there. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

await build({
  entryPoints: [fileURLToPath(new URL("main.ts", import.meta.url))],
  outfile: fileURLToPath(new URL("../dist/cli.js", import.meta.url)),
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  // The argument parser asks for Node's modules by require().
  banner: { js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);' },
});
