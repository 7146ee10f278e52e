/**
 * The order in which the rooms of `src/` stand: each may use only what stands below it, types included, and no files import
 * each other in a circle; and how large a file and a directory may grow. The linter's rule on circles does not count imports of types.
 */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SRC = fileURLToPath(new URL("../../src", import.meta.url));

/** From the top down; `local/` runs in Node beside the Worker and is no part of it. */
const ORDER = [
  "worker.ts",
  "router.ts",
  "entry",
  "routes.ts",
  "wires.ts",
  "dialects",
  "admin",
  "api",
  "maintenance",
  "batches",
  "http",
  "config.ts",
  "webhooks",
  "inferences",
  "files",
  "ports.ts",
  "payloads",
  "models",
  "keys",
  "ids.ts",
  "backends",
  "tensors",
  "problem.ts",
  "content",
  "encoding",
  "audit",
  "accounts",
  "metrics",
  "platform",
  "limits.ts",
] as const;

const MAX_LINES = 350;
/** Nothing but figures, each with its reason. */
const DATA = "limits.ts";
const MAX_SHARE = 0.12;

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && file !== "env.d.ts")
  .toSorted();
const text = (file: string) => readFileSync(join(SRC, file), "utf8");
const linesOf = (file: string) => text(file).split("\n").length - 1;
const importsOf = (file: string) =>
  [...text(file).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)].map(([, path = ""]) => normalize(join(dirname(file), path)));
const deployed = files.filter((file) => !file.startsWith("local/"));
const roomOf = (file: string) => file.split("/")[0] ?? "";

test("every room has its place in the order", () => {
  expect(new Set(deployed.map(roomOf))).toEqual(new Set(ORDER));
});

test("a room uses only rooms that stand below it", () => {
  const place = (file: string) => (ORDER as readonly string[]).indexOf(roomOf(file));
  const climbs = deployed.flatMap((file) =>
    importsOf(file)
      .filter((used) => place(used) < place(file))
      .map((used) => `${file} -> ${used}`),
  );
  expect(climbs).toEqual([]);
});

test("no files import each other in a circle, not even for a type", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" -> "));
    if (done.has(file) || path.includes(file)) return;
    for (const used of importsOf(file)) if (files.includes(used)) visit(used, [...path, file]);
    done.add(file);
  };
  for (const file of files) visit(file, []);
  expect(circles).toEqual([]);
});

test(`no file but data is longer than ${MAX_LINES} lines`, () => {
  const lengths = files.filter((file) => file !== DATA).map((file) => [file, linesOf(file)] as const);
  expect(lengths.filter(([, lines]) => lines > MAX_LINES)).toEqual([]);
});

test(`the files that stand directly in one directory hold at most ${MAX_SHARE * 100} % of the lines`, () => {
  const lines = (some: readonly string[]) => some.reduce((sum, file) => sum + linesOf(file), 0);
  const shares = [...Map.groupBy(files, dirname)].map(([directory, inside]) => [directory, lines(inside) / lines(files)] as const);
  expect(shares.filter(([, share]) => share > MAX_SHARE)).toEqual([]);
});
