/** How the project's own programs are called: what they say to `--help`, and to a mistake. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

function ran(file: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { cwd: ROOT, encoding: "utf8" });
  return { status, out: stdout, errors: stderr };
}

test.each([
  ["simulate", "test/simulator/main.ts"],
  ["chaos", "test/chaos/main.ts"],
  ["bench", "bench/main.ts"],
])("npm run %s says how it is used", (name, file) => {
  expect(ran(file, "--help")).toEqual({ status: 0, out: expect.stringContaining(`Usage: npm run ${name} -- [`), errors: "" });
});

test.each([
  ["an unknown option", ["--sede", "1"], "Unknown option '--sede'"],
  [
    "a number that is none",
    ["--seeds", "many"],
    '"--seeds" must be a whole number of at least 1, and is "many".\n\nUsage: npm run simulate',
  ],
  ["a name that none has", ["--mutations", "--only", "xyzzy"], 'No planted bug has "xyzzy" in its name.\n\nUsage: '],
])("%s is said, and ends with 2", (_what, args, said) => {
  const { errors, ...more } = ran("test/simulator/main.ts", ...args);
  expect([more, errors.slice(0, said.length)]).toEqual([{ status: 2, out: "" }, said]);
});
