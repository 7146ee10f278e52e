/**
 * The console, built from console/ into dist/public/console: only when what it is built from has changed, since every start, test
 * and deployment asks for it. Plain JavaScript, as public.mjs, which calls it.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(import.meta.dirname ?? dirname(fileURLToPath(import.meta.url)), "..", "..");
const SOURCES = ["console", join("client", "typescript")];
const TARGET = join(ROOT, "dist", "public", "console");
/** What it was built from. */
const STAMP = join(ROOT, "dist", "console.stamp");

/** Builds it if it is not built from these very sources. A program that serves it meanwhile finds each file whole. */
export async function makeConsole() {
  const digest = digestOfSources();
  if (existsSync(join(TARGET, "index.html")) && existsSync(STAMP) && readFileSync(STAMP, "utf8") === digest) return;
  const { build } = await import("vite");
  const part = join(ROOT, "dist", `.console-${process.pid}`);
  const root = join(ROOT, "console");
  try {
    await build({ root, configFile: join(root, "vite.config.ts"), build: { outDir: part } });
    const built = readdirSync(join(part, "assets"));
    mkdirSync(join(TARGET, "assets"), { recursive: true });
    for (const name of built) renameSync(join(part, "assets", name), join(TARGET, "assets", name));
    renameSync(join(part, "index.html"), join(TARGET, "index.html")); // last, since it names the others
    for (const name of readdirSync(join(TARGET, "assets"))) {
      if (!built.includes(name)) rmSync(join(TARGET, "assets", name), { force: true });
    }
    writeFileSync(STAMP, digest);
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function digestOfSources() {
  const hash = createHash("sha256").update(readFileSync(join(ROOT, "package-lock.json")));
  for (const folder of SOURCES) {
    const files = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = files
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
      .filter((path) => !path.includes(`${folder}/dist/`));
    for (const path of paths.toSorted()) hash.update(`\0${path.slice(ROOT.length)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}
