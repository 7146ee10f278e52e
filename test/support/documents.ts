/**
 * The code blocks of README and docs. The words after a block's language say how it is tested:
 *
 * - `run`: it runs against a deployment, after the blocks above it in its document, in the same shell or interpreter;
 * - `stays`: the same, but it goes on while the blocks below it run: a server on the port 9000;
 * - `check`: its types are checked, with the blocks above it in its document; after `check alone` it begins another module;
 * - `answer`: it is JSON, and the block above it prints JSON with at least these members;
 * - `example: REASON`: it can't run here, and only its syntax is checked.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..", "..");

export interface Block {
  readonly file: string;
  readonly line: number;
  readonly language: string;
  /** The words after the language. */
  readonly how: string;
  readonly text: string;
}

/** Of README, docs and docs/guides, by their path in the repository. Notes are for those who work on the project. */
export const DOCUMENTS: readonly string[] = [
  "README.md",
  ...["docs", "docs/guides"].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}/${name}`),
  ),
];

/** The blocks of a document that have a language; those without one are drawings. */
export function blocksOf(file: string): Block[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/^```(\w+)(.*)\n([^]*?)^```$/gm)].map((match) => ({
    file,
    line: text.slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    how: (match[2] ?? "").trim(),
    text: match[3] ?? "",
  }));
}

/** The shells of readers, and whether each is installed here: a test of one that is not is skipped, and the report says so. */
export const SHELLS: readonly (readonly [shell: string, isInstalled: boolean])[] = ["sh", "zsh"].map((shell) => [
  shell,
  spawnSync(shell, ["-c", ":"]).error === undefined,
]);

export const isShell = (block: Block) => block.language === "sh";
export const runs = (block: Block) => block.how === "run" || block.how === "stays";
