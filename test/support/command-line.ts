/**
 * The command lines of the project's own programs: `--help` prints how one is used and ends it with 0; a mistake is said in a line, with
 * that, and ends it with 2.
 */
import { type ParseArgsConfig, parseArgs } from "node:util";

export function commandLine<T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).some((word) => word === "--help" || word === "-h")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return mistake((error as Error).message, usage); // parseArgs throws errors only
  }
}

/** The value of an option that is a whole number, of at least so much. */
export function wholeNumber(option: string, value: string, least: number, usage: string): number {
  const number = Number(value);
  if (value.trim() !== "" && Number.isSafeInteger(number) && number >= least) return number;
  return mistake(`"--${option}" must be a whole number of at least ${least}, and is "${value}".`, usage);
}

export function mistake(text: string, usage: string): never {
  console.error(`${text}\n\n${usage}`);
  process.exit(2);
}
