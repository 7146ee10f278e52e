/**
 * Installs what is missing, quickly when nothing is. Plain JavaScript without dependencies: it runs on whatever Node the
 * machine has, before the project's own is there. What is installed is right when it came from this very lockfile.
 * Takes the folder of another package of the project: `node src/local/install.mjs bench/peer`.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", process.argv[2] ?? "");
const stamp = join(root, "node_modules", ".installed-from");
const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lock) {
  console.error(`Installing what ${process.argv[2] ?? "the project"} needs (once) …`);
  const { status } = spawnSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", "ignore", "inherit"],
    shell: process.platform === "win32",
  });
  if (status !== 0) {
    console.error("npm ci failed; see above.");
    process.exit(status ?? 1);
  }
  writeFileSync(stamp, lock);
}
