import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../support/deployment.ts";

test("chaos: everything accepted ends once and is explained by its log, whatever the backends do and however the runtime dies", async () => {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["test/chaos/main.ts", "--seed", "7", "--inferences", "150", "--kills", "2"],
    { cwd: ROOT },
  );
  expect(stdout).toMatch(/accepted 150, lost 0/);
  expect(stdout).toMatch(/ok\n$/);
});
