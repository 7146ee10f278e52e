/** `claimcheck/client` and the command line as they are packed: what a project gets that installs it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { publint } from "publint";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeOfTheMachine } from "../support/machine.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CLIENT_GZIPPED_BYTES = 6 * 1024;

/** The project's Node, and the machine's own if there is another. */
const NODES = [process.execPath, nodeOfTheMachine()].flatMap((node) => (node === null ? [] : [[versionOf(node), node] as const]));

const project = mkdtempSync(join(tmpdir(), "claimcheck-client-"));
const installed = join(project, "node_modules", "claimcheck");
const run = (command: string, ...args: readonly string[]) => execFileSync(command, args, { cwd: project, encoding: "utf8" });

const USE = `
import { Claimcheck, verify } from "claimcheck/client";
const fetch = async (url, init) => Response.json({ id: "1", status: "succeeded", is_final: true, output: [url, init.method] });
const client = new Claimcheck({ url: "https://claimcheck.example.com", key: "ck_x", fetch });
console.log(JSON.stringify([await client.run("colors", {}), typeof verify]));
`;

const TYPED = `
import { Claimcheck, type Inference } from "claimcheck/client";
const client = new Claimcheck({ url: "https://claimcheck.example.com", key: "ck_x" });
export const inference: Promise<Inference> = client.submit("colors", {}, { priority: 1, metadata: { order: "1" } });
// @ts-expect-error: a priority is a number
export const wrong = client.submit("colors", {}, { priority: "high" });
`;

describe("the package", { timeout: 120_000 }, () => {
  beforeAll(() => {
    execFileSync("npm", ["pack", "--silent", "--pack-destination", project], { cwd: ROOT, stdio: "pipe" });
    mkdirSync(installed, { recursive: true });
    run("tar", "-xzf", `claimcheck-${version()}.tgz`, "-C", installed, "--strip-components=1");
    writeFileSync(join(project, "package.json"), '{"type":"module"}');
  }, 120_000);

  afterAll(() => rmSync(project, { recursive: true, force: true }));

  test.each(NODES)("runs in a project that has nothing else, in %s", (_name, node) => {
    writeFileSync(join(project, "use.js"), USE);
    expect(JSON.parse(run(node, "use.js"))).toEqual([["https://claimcheck.example.com/v1/inferences", "POST"], "function"]);
  });

  test.each(NODES)("brings the command line, which starts in %s", (_name, node) => {
    expect(run(node, join(installed, "cli/bin.mjs"), "--help")).toContain("Usage: claimcheck");
  });

  test("types what it is given, in both ways of finding modules", () => {
    writeFileSync(join(project, "typed.ts"), TYPED);
    for (const resolution of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ] as const) {
      const [module, moduleResolution] = resolution;
      const types = ["--noEmit", "--strict", "--lib", "es2024,dom", "--module", module, "--moduleResolution", moduleResolution];
      expect(run(process.execPath, join(ROOT, "node_modules", "typescript", "bin", "tsc"), ...types, "typed.ts")).toBe("");
    }
  });

  test(`has a client of less than ${CLIENT_GZIPPED_BYTES / 1024} kB, zipped`, () => {
    expect(gzipSync(readFileSync(join(installed, "client/typescript/dist/client.js"))).length).toBeLessThan(CLIENT_GZIPPED_BYTES);
  });

  test("has nothing that publint finds fault with", async () => {
    expect((await publint({ pkgDir: installed, pack: false })).messages).toEqual([]);
  });
});

function versionOf(node: string): string {
  return `Node ${execFileSync(node, ["--version"], { encoding: "utf8" }).trim()}`;
}

function version(): string {
  return (JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string }).version;
}
