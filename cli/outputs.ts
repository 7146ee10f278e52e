/** Where outputs are saved: whether that can be written, asked before anything is submitted, and what each is called there. */
import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { basename, dirname, parse } from "node:path";
import { UsageError, fileFaultOf } from "./errors.ts";

/** Makes a folder for outputs if there is none. Throws UsageError if it can't be one. */
export function outputFolder(folder: string): void {
  attempted(folder, () => {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  });
}

/** Throws UsageError if no output can be written to the file. */
export function outputFile(file: string): void {
  attempted(file, () => {
    const there = statSync(file, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw new UsageError(`${file} can't be written: it is a folder`);
    accessSync(there ? file : dirname(file), constants.W_OK);
  });
}

function attempted(path: string, attempt: () => void): void {
  try {
    attempt();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`${path} can't be written: ${fileFaultOf(error)}`);
  }
}

/** A name as a file may have it in every system. */
export function fileName(text: string): string {
  return text.normalize().replaceAll(/[^\p{L}\p{M}\p{N}._-]/gu, "_");
}

/** What was submitted: a file, or a line of one. */
export interface Source {
  readonly file: string;
  readonly line?: number;
}

/**
 * What the output of each is called, without an ending: as short as tells it from all the others, also where capitals make no
 * difference. The same sources are called the same each time.
 */
export function outputNamesOf(sources: readonly Source[]): string[] {
  const withLine = (text: string, { line }: Source) => fileName(line === undefined ? text : `${text}-${line}`);
  const levels = [
    (one: Source) => withLine(parse(one.file).name, one),
    (one: Source) => withLine(basename(one.file), one),
    (one: Source) => withLine(one.file, one),
  ].map((nameOf) => sources.map(nameOf));
  const counts = levels.map(countsOf);
  const taken = new Set<string>();
  return sources.map((_, index) => {
    const candidates = levels.flatMap((names, level) => {
      const name = names[index] ?? "";
      return counts[level]?.get(name.toLowerCase()) === 1 ? [name] : [];
    });
    const whole = levels.at(-1)?.[index] ?? "";
    let chosen = candidates.find((name) => !taken.has(name.toLowerCase())) ?? whole;
    for (let number = 2; taken.has(chosen.toLowerCase()); number++) chosen = `${whole}-${number}`;
    taken.add(chosen.toLowerCase());
    return chosen;
  });
}

function countsOf(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name.toLowerCase(), (counts.get(name.toLowerCase()) ?? 0) + 1);
  return counts;
}
