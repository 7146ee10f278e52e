/** Completion for bash, zsh and fish, made from the commands themselves. */
import type { Command } from "commander";
import { UsageError } from "./errors.ts";

interface Known {
  /** The words that lead to it, such as `backends add`; empty for the program itself. */
  readonly path: string;
  readonly words: readonly { readonly word: string; readonly about: string }[];
}

export const SHELLS = ["bash", "zsh", "fish"] as const;

export function completionFor(shell: string, program: Command): string {
  const known = knownOf(program, "");
  switch (shell) {
    case "bash":
      return bash(known);
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${bash(known)}`;
    case "fish":
      return fish(known);
    default:
      throw new UsageError(`"${shell}" must be one of ${SHELLS.join(", ")}`);
  }
}

function knownOf(command: Command, path: string): Known[] {
  const names = (one: Command) => [one.name(), ...one.aliases()];
  const words = [
    ...command.commands.flatMap((one) => names(one).map((word) => ({ word, about: one.description() }))),
    ...command.registeredArguments.flatMap(({ argChoices = [], description }) => argChoices.map((word) => ({ word, about: description }))),
    ...command.options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : [])),
  ];
  const below = command.commands.flatMap((one) => names(one).flatMap((name) => knownOf(one, `${path} ${name}`.trim())));
  return [{ path, words }, ...below];
}

function bash(known: readonly Known[]): string {
  const cases = known.map(({ path, words }) => `    "${path}") words="${words.map(({ word }) => word).join(" ")}" ;;`);
  return `_claimcheck() {
  local word path="" words="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  while :; do
    case "$path" in
${cases.map((line) => `  ${line}`).join("\n")}
    esac
    [ -n "$words" ] || [ -z "$path" ] && break
    case "$path" in *" "*) path="\${path% *}" ;; *) path="" ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _claimcheck claimcheck
`;
}

function fish(known: readonly Known[]): string {
  const quoted = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const lines = known.flatMap(({ path, words }) =>
    words.map(({ word, about }) => {
      const when =
        path === ""
          ? "__fish_use_subcommand"
          : path
              .split(" ")
              .map((part) => `__fish_seen_subcommand_from ${part}`)
              .join("; and ");
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c claimcheck -n ${quoted(word.startsWith("--") && path === "" ? "true" : when)} ${what} -d ${quoted(about)}`;
    }),
  );
  return `${lines.join("\n")}\n`;
}
