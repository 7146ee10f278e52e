/** Completion for bash, zsh and fish, made from the commands themselves. */
import type { Command } from "commander";
import { UsageError } from "./errors.ts";

interface Known {
  /** The words that lead to it, such as `backends add`; empty for the program itself. */
  readonly path: string;
  readonly words: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly about: string;
}

export const SHELLS = ["bash", "zsh", "fish"] as const;

export function completionFor(shell: string, program: Command): string {
  const known = knownOf(program, "");
  switch (shell) {
    case "bash":
      return bash(known);
    case "zsh":
      return zsh(known);
    case "fish":
      return fish(known);
    default:
      throw new UsageError(`"${shell}" must be one of ${SHELLS.join(", ")}`);
  }
}

/** A command's words and those of the commands below it. Each takes `everywhere` too, the options of the program. */
function knownOf(command: Command, path: string, everywhere: readonly Word[] = []): Known[] {
  const names = (one: Command) => [one.name(), ...one.aliases()];
  const options = command.options.flatMap(({ long, description }) => (long ? [{ word: long, about: description }] : []));
  const words = [
    ...command.commands.flatMap((one) => names(one).map((word) => ({ word, about: one.description() }))),
    ...command.registeredArguments.flatMap(({ argChoices = [], description }) => argChoices.map((word) => ({ word, about: description }))),
    ...options,
    ...everywhere,
  ];
  const global = path === "" ? options.filter(({ word }) => word !== "--version") : everywhere;
  const below = command.commands.flatMap((one) => names(one).flatMap((name) => knownOf(one, `${path} ${name}`.trim(), global)));
  return [{ path, words }, ...below];
}

/** How both shells find the words of the longest command that is typed: from all of the line, word by word back to nothing. */
const walk = (cases: readonly string[]) => `    case "$word" in -*) ;; *) line="\${line:+$line }$word" ;; esac
  done
  while :; do
    case "$line" in
${cases.join("\n")}
    esac
`;

function bash(known: readonly Known[]): string {
  const cases = known.map(({ path, words }) => `      "${path}") known="${words.map(({ word }) => word).join(" ")}" ;;`);
  return `_claimcheck() {
  local word line="" known="" current="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
${walk(cases)}    if [ -n "$known" ] || [ -z "$line" ]; then break; fi
    case "$line" in *" "*) line="\${line% *}" ;; *) line="" ;; esac
  done
  COMPREPLY=($(compgen -W "$known" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _claimcheck claimcheck
`;
}

const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** Of its own, since in zsh the words may be shown with what they are about. */
function zsh(known: readonly Known[]): string {
  const entry = (word: string, about: string) => quoted(`${word.replaceAll(":", String.raw`\:`)}:${about}`);
  const cases = known.map(
    ({ path, words }) => `      "${path}") known=(${words.map(({ word, about }) => entry(word, about)).join(" ")}) ;;`,
  );
  return `#compdef claimcheck
_claimcheck() {
  local word line=""
  local -a known
  for word in "\${(@)words[2,CURRENT-1]}"; do
${walk(cases)}    if (( $#known )) || [[ -z "$line" ]]; then break; fi
    case "$line" in *" "*) line="\${line% *}" ;; *) line="" ;; esac
  done
  _describe -V claimcheck known || _files
}
(( $+functions[compdef] )) || { autoload -U compinit && compinit; }
compdef _claimcheck claimcheck
`;
}

function fish(known: readonly Known[]): string {
  const inQuotes = (text: string) => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
  const everywhere = new Set(known[0]?.words.map(({ word }) => word).filter((word) => word.startsWith("--")));
  const lines = known.flatMap(({ path, words }) =>
    words.flatMap(({ word, about }) => {
      if (path !== "" && everywhere.has(word)) return []; // it is offered once for all
      const when =
        path === ""
          ? "__fish_use_subcommand"
          : path
              .split(" ")
              .map((part) => `__fish_seen_subcommand_from ${part}`)
              .join("; and ");
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c claimcheck -n ${inQuotes(word.startsWith("--") && path === "" ? "true" : when)} ${what} -d ${inQuotes(about)}`;
    }),
  );
  return `${lines.join("\n")}\n`;
}
