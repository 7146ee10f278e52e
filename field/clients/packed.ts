/**
 * The package as strangers get it: packed, installed by npm into a project that has nothing else, and used there against the
 * deployment of CLAIMCHECK_URL, by its client and by its command line.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");
const ATTW = "@arethetypeswrong/cli@0.18.5";

const project = mkdtempSync(join(tmpdir(), "claimcheck-packed-"));
const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, { cwd: project, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();

/** Says what was seen; what is thrown is what was seen too. */
function look(name: string, see: () => string, wanted: RegExp): void {
  let saw: string;
  try {
    saw = see();
  } catch (error) {
    saw = error instanceof Error ? error.message : String(error);
  }
  console.log(JSON.stringify({ look: name, good: wanted.test(saw), saw: saw.slice(0, 300) }));
}

const USE = `
import { Claimcheck } from "claimcheck/client";
const client = new Claimcheck({ url: process.env.CLAIMCHECK_URL, key: process.env.CLAIMCHECK_KEY });
console.log(JSON.stringify(await client.run("items", [{ text: "a" }])));
`;

try {
  execFileSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd: ROOT, stdio: "pipe" });
  const tarball = readdirSync(project).find((file) => file.endsWith(".tgz")) ?? "";
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
  writeFileSync(join(project, "use.js"), USE);
  const install = () => run("npm", "install", "--no-audit", "--no-fund", tarball).replace(/ in .*/s, "");
  look("npm install of the tarball", install, /^added \d+ packages/);
  look("run, in the project", () => run(process.execPath, "use.js"), /"a"/);
  look("npx claimcheck list", () => `${run("npx", "claimcheck", "list", "--json", "-n", "1").split("\n").length} inference`, /^1 /);
  const attw = ["--yes", ATTW, tarball, "--profile", "esm-only", "--format", "ascii"]; // it ends with 1 if anything is wrong
  look("types, by attw for ES modules", () => (run("npx", ...attw) === "" ? "" : "attw ends with 0"), /^attw/);
} finally {
  rmSync(project, { recursive: true, force: true });
}
