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

/** Devices in Windows, also with an ending: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file */
const DEVICES = /^(?:con|prn|aux|nul|(?:com|lpt)[0-9¹²³])(?=\.|$)/i;

/** A name as a file may have it in every system. */
function fileName(text: string): string {
  return text
    .normalize()
    .replaceAll(/[^\p{L}\p{M}\p{N}._-]/gu, "_")
    .replace(DEVICES, (device) => `_${device}`)
    .replace(/\.$/, "_"); // Windows leaves a last dot out
}

/** What the output of an inference is called. */
export const outputFileOf = (name: string, ending: string) => `${fileName(name)}.${ending}`;

/**
 * What the parts beside an output are called, each otherwise, also where capitals make no difference. The plus is in no other name, so
 * no part is called like a file of another inference.
 */
export function partFilesOf(name: string, parts: readonly string[]): string[] {
  const taken = new Set<string>();
  return parts.map((part) => {
    const asked = `${fileName(name)}+${fileName(part)}`;
    let chosen = asked;
    for (let number = 2; taken.has(chosen.toLowerCase()); number++) chosen = `${fileName(name)}+${number}-${fileName(part)}`;
    taken.add(chosen.toLowerCase());
    return chosen;
  });
}

/**
 * Bytes of a name that is made from its input's. A file's name has 255 at most, and what comes after this one is a number that tells it
 * from others, and an ending or a part's name of at most 100 characters.
 */
const NAME_BYTES = 140;

/** Of a long name its end, which tells it from its neighbours. */
function endOf(text: string): string {
  const characters = Array.from(text.normalize());
  let bytes = Buffer.byteLength(text.normalize());
  while (bytes > NAME_BYTES) bytes -= Buffer.byteLength(characters.shift() ?? "");
  return characters.join("");
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
  const withLine = (text: string, { line }: Source) => fileName(endOf(line === undefined ? text : `${text}-${line}`));
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
