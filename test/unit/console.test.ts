/** What the console weighs: everything that a browser loads for it, compressed; and the code that it has for a submit. */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { execFileSync, spawnSync } from "node:child_process";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { LANGUAGES, snippet, wiresFor } from "../../console/parts/snippets.ts";

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

/** A text that ends a string in one of the languages, if it is written into it as it is. */
const TRICKY = `it's "q" \\ $HOME \`x\` \${y}\né`;

test.each([
  ["a chat", { messages: [{ role: "user", content: TRICKY }], top_p: 0.5, stop: null, echo: false }],
  ["tensors", { inputs: [{ name: TRICKY, shape: [1], datatype: "BYTES", data: [TRICKY] }] }],
  ["a list", [TRICKY, 1, true, null, {}, []]],
  ["pictures", [{ image_path: "https://example.com/a.png", product_type: TRICKY }]],
  ["a text", TRICKY],
])("the code for a submit of %s is sound in every wire and language, whatever the input says", (_what, input) => {
  const call = { origin: "https://claimcheck.example", model: "org/name", version: "v1", capability: null, input };
  const codes = LANGUAGES.map((language) => wiresFor(call).map((wire) => snippet(call, wire, language)));
  const [curls = [], scripts = [], pythons = []] = codes;
  for (const curl of curls) {
    const printed = execFileSync("sh", ["-c", curl.replace(/^curl /, "printf '%s\\0' ")], { env: { KEY: "k" }, encoding: "utf8" });
    const sent = JSON.parse(printed.split("\0").at(-2) ?? "") as unknown;
    expect(JSON.stringify(sent)).toContain(JSON.stringify(input).slice(1, -1));
  }
  for (const script of scripts) expect(() => transformSync(script, { loader: "ts" })).not.toThrow();
  if (spawnSync("python3", ["--version"]).error) return;
  const program = "import json, sys\nfor text in json.load(sys.stdin): compile(text, 'code', 'exec')";
  execFileSync("python3", ["-c", program], { input: JSON.stringify(pythons) });
});
