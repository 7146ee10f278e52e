import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../support/deployment.ts";

test("the demo classifies every picture as a person would, says so, and leaves without an error", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ["src/local/demo.ts"], { cwd: ROOT });
  expect(stdout).toContain("3 of 3 inferences done");
  expect(stdout.match(/^ {2}ok {2}/gm)).toHaveLength(9);
  expect(stdout).toMatch(/ok {2}broken\.jpg .*error: /);
  expect(stdout).toContain("9 of 9 pictures as expected");
  expect(stdout).not.toContain("\u001b[");
});

test.each<[option: string, code: number]>([
  ["--help", 0],
  ["--port=1", 1],
])("the demo answers %s with its usage", (option, code) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["src/local/demo.ts", option], { cwd: ROOT, encoding: "utf8" });
  expect({ status, said: stdout + stderr }).toEqual({ status: code, said: expect.stringContaining("Usage: npm run demo") });
  expect(stderr).not.toMatch(/^\s+at /m);
});
