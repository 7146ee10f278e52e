/** What the console weighs: everything that a browser loads for it, compressed. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const BUILT = join(import.meta.dirname, "..", "..", "dist", "public", "console");
const BUDGET_BYTES = 150_000;

test("all files of the console are below 150 kB, compressed", () => {
  const files = readdirSync(BUILT, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name))).length, 0);
  expect(files.length).toBeGreaterThan(2);
  expect(bytes).toBeLessThan(BUDGET_BYTES);
});

test("its page has nothing inline", () => {
  const page = readFileSync(join(BUILT, "index.html"), "utf8");
  expect(page).not.toMatch(/<style|style=|\son\w+=|<script(?![^>]*\ssrc=)/i);
});
