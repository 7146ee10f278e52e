/** How options are read, and the settings that each command begins with. */
import { type Command, InvalidArgumentError } from "commander";
import { Api } from "./api.ts";
import { UsageError } from "./errors.ts";
import { type Output, outputOf } from "./print.ts";
import { type Given, settingsOf } from "./settings.ts";

/** What every command takes. */
export interface Common extends Given {
  readonly json?: boolean;
}

/** Ctrl-C: once ends what is under way, twice the program. */
export const interrupted = new AbortController();

let named = "the deployment";

/** The deployment that the command is about, for messages. */
export const deploymentNamed = () => named;

export function outputFor(command: Command): Output {
  return outputOf(command.optsWithGlobals<Common>().json ?? false);
}

/** What a command works with. */
export function apiOf(command: Command): Api {
  const { json, ...words } = command.optsWithGlobals<Common>();
  const settings = settingsOf(words);
  named = settings.url;
  return new Api(settings, outputOf(json ?? false), interrupted.signal);
}

export function whole(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}

export function wholeFromOne(text: string): number {
  const number = whole(text);
  if (number === 0) throw new InvalidArgumentError("It must be at least 1.");
  return number;
}

export function pairs(text: string, before: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("It must be NAME=VALUE.");
  if (Object.hasOwn(before, name)) throw new InvalidArgumentError(`"${name}" is given twice.`);
  return { ...before, [name]: value };
}

export function many(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, ...text.split(",")];
}

/** Several, as `many`, each of them one of those words. */
export function among(words: readonly string[]): typeof many {
  return (text, before) => {
    const wrong = text.split(",").find((word) => !words.includes(word));
    if (wrong !== undefined) throw new InvalidArgumentError(`Allowed choices are ${words.join(", ")}.`);
    return many(text, before);
  };
}

/** Options that were given, by the API's names. */
export function given(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}

/** Options that pick, and the filters beside them. Throws UsageError for a name that both have, of which one would count for nothing. */
export function picks(options: Readonly<Record<string, unknown>>, filter: Readonly<Record<string, string>> = {}): Record<string, unknown> {
  const picking = given(options);
  const twice = Object.keys(picking).find((name) => Object.hasOwn(filter, name));
  if (twice !== undefined) throw new UsageError(`"${twice}" is given twice: as an option and as a --filter.`);
  return { ...picking, ...filter };
}

/** What the help of a command ends with. */
export const examples = (...lines: readonly string[]) => `\nExamples:\n${lines.map((line) => `  $ claimcheck ${line}`).join("\n")}`;
