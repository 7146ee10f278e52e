/** The code blocks of README and docs that need no deployment: their markers, syntax and types. test/e2e/cli.test.ts runs the others. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { transformSync } from "esbuild";
import { afterAll, describe, expect, test } from "vitest";
import { OPTIONAL_SETTINGS } from "../../src/local/settings.ts";
import { type Block, DOCUMENTS, SHELLS, blocksOf, isShell } from "../support/documents.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const blocks = DOCUMENTS.flatMap(blocksOf);

/** What each language may say of its blocks. */
const MARKERS: Readonly<Record<string, RegExp>> = {
  sh: /^(run|stays|example: .+)$/,
  js: /^(check( alone)?|example: .+)$/,
  ts: /^(check( alone)?|example: .+)$/,
  python: /^(run|example: .+)$/,
  json: /^(answer|example)$/,
  toml: /^example$/,
};
const placed = ({ file, line, language, how }: Block) => `${file}:${line} ${language} ${how}`;

test("every code block says how it is tested, or why it can't be run", () => {
  expect(blocks.filter(({ language, how }) => !MARKERS[language]?.test(how)).map(placed)).toEqual([]);
});

describe.each(SHELLS)("in %s", (shell, isInstalled) => {
  test.runIf(isInstalled)("every shell block is sound, also where it can't be run", () => {
    for (const block of blocks.filter(isShell)) {
      const { stderr } = spawnSync(shell, ["-n"], { input: block.text, encoding: "utf8" });
      expect({ at: placed(block), stderr }).toMatchObject({ stderr: "" });
    }
  });
});

test("every block of JSON is JSON", () => {
  const isJson = ({ text }: Block) => {
    try {
      return JSON.parse(text) !== undefined;
    } catch (error) {
      if (error instanceof SyntaxError) return false;
      throw error;
    }
  };
  expect(blocks.filter((block) => block.language === "json" && !isJson(block)).map(placed)).toEqual([]);
});

/** What the blocks of a document may take for given. */
const GIVEN = `
declare const URL: string, KEY: string, secret: string, rawBody: string;
declare const headers: Record<string, string>, items: unknown[], blob: Blob, signal: AbortSignal;
declare const request: Request;
`;
const EXPRESS = `declare module "express" {
  interface Request { body: string; headers: Record<string, string> }
  interface Response { sendStatus(status: number): void }
  interface App { post(path: string, ...handlers: unknown[]): void; listen(port: number): void }
  function express(): App;
  namespace express { function text(options: { type: string }): unknown }
  export default express;
  export type { Request, Response };
}`;

const folder = join(ROOT, ".vitest", "documents");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the blocks in TypeScript and JavaScript pass the type checker", () => {
  mkdirSync(folder, { recursive: true });
  const modules: string[] = [];
  let begun = "";
  for (const block of blocks.filter(({ language, how }) => ["js", "ts"].includes(language) && how.startsWith("check"))) {
    if (block.file !== begun || block.how.endsWith("alone")) modules.push(`${GIVEN}export {};\n`);
    begun = block.file;
    modules.push(`${String(modules.pop())}\n// ${placed(block)}\n${block.text}`);
  }
  for (const [index, text] of modules.entries()) writeFileSync(join(folder, `${index}.ts`), text);
  writeFileSync(join(folder, "express.d.ts"), EXPRESS);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../src/local/tsconfig.json",
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        noImplicitAny: false,
        paths: { "claimcheck/client": ["../../client/typescript/client.ts"] },
        lib: ["ES2024", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
        skipLibCheck: true,
      },
      include: ["."],
    }),
  );
  const checked = spawnSync("tsc", ["-p", folder], { encoding: "utf8", env: process.env });
  expect(checked.stdout).toBe("");
  expect(checked.status).toBe(0);
});

test("the first block of the client's page is JavaScript too, for readers who paste it into a file of Node", () => {
  const first = blocksOf("docs/typescript.md").find(({ how }) => how === "check");
  expect(() => transformSync(first?.text ?? "", { loader: "js", format: "esm" })).not.toThrow();
});

test("the blocks in Python are sound, where there is Python", () => {
  if (spawnSync("python3", ["--version"]).error) return;
  const texts = blocks.filter(({ language }) => language === "python").map(({ text }) => text);
  const program = "import ast, json, sys\nfor text in json.load(sys.stdin): compile(text, 'block', 'exec', ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)";
  expect(execFileSync("python3", ["-c", program], { input: JSON.stringify(texts), encoding: "utf8" })).toBe("");
});

/** What GitHub makes of a heading. */
const anchorOf = (heading: string) =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, "")
    .replaceAll(" ", "-");

function anchorsOf(text: string): Set<string> {
  return new Set([...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading)));
}

test("every document whose commands a reader runs says what its variables are", () => {
  const untold = DOCUMENTS.flatMap((file) => {
    const runs = blocksOf(file).filter((block) => isShell(block) && /^(run|stays)$/.test(block.how));
    const [commands, text] = [runs.map((block) => block.text).join("\n"), readFileSync(join(ROOT, file), "utf8")];
    return ["URL", "KEY", "ADMIN_TOKEN"]
      .filter((name) => commands.includes(`$${name}`) && !new RegExp(`^(export )?${name}=`, "m").test(commands))
      .filter((name) => !text.includes(`\`$${name}\``))
      .map((name) => `${file}: $${name}`);
  });
  expect(untold).toEqual([]);
});

test("every link within the repository leads to a file, and to a heading in it", () => {
  const broken: string[] = [];
  for (const file of [...DOCUMENTS, "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]) {
    const text = readFileSync(join(ROOT, file), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = "", anchor] = target.split("#");
      const at = path === "" ? join(ROOT, file) : join(ROOT, dirname(file), path);
      const isThere = existsSync(at) && (anchor === undefined || anchorsOf(readFileSync(at, "utf8")).has(anchor));
      if (!isThere) broken.push(`${file}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test.each(["README.md", "docs/guides/local.md"])("%s names every setting that a local command takes", (file) => {
  const text = readFileSync(join(ROOT, file), "utf8");
  expect([...OPTIONAL_SETTINGS].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

test.each(["accounts", "keys", "models", "backends"])("the operator's table names every member that /%s takes", (resource) => {
  const { paths, components } = JSON.parse(readFileSync(join(ROOT, "docs", "openapi.json"), "utf8")) as {
    paths: Record<string, { post: { requestBody: { content: Record<string, { schema: { $ref: string } }> } } }>;
    components: { schemas: Record<string, { properties: object }> };
  }; // ours
  const schema = paths[`/admin/v1/${resource}`]?.post.requestBody.content["application/json"]?.schema.$ref.split("/").at(-1) ?? "";
  const table = readFileSync(join(ROOT, "docs", "operations.md"), "utf8");
  const row = table.split("\n").find((line) => line.startsWith(`| \`/${resource}\` |`)) ?? "";
  const members = Object.keys(components.schemas[schema]?.properties ?? {});
  expect(members.length).toBeGreaterThan(4);
  expect(members.filter((name) => !new RegExp(`\`${name}\\b`).test(row))).toEqual([]);
});
