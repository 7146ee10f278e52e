#!/usr/bin/env node
/** `claimcheck`: the command line, for clients and operators of a deployment. */
import { Command, CommanderError, Help } from "commander";
import manifest from "../package.json" with { type: "json" };
import { bold, dim, red } from "../src/local/terminal.ts";
import { accountCommands } from "./account-commands.ts";
import { SHELLS, completionFor } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { EXIT, commandErrorOf } from "./errors.ts";
import { login, logout } from "./login.ts";
import { operatorCommands } from "./operator-commands.ts";
import { apiOf, deploymentNamed, examples, interrupted, outputFor } from "./options.ts";
import { printableLines } from "./print.ts";

process.once("SIGINT", () => interrupted.abort());
// The reader of a pipe, such as `head`, has enough: end as programs do that the signal ends.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(EXIT.pipeClosed);
});

const program = new Command("claimcheck")
  .description("Submit inferences to a Claimcheck deployment, see how they get on, and run the deployment.")
  .version(manifest.version)
  .option("--url <url>", "the deployment's address (CLAIMCHECK_URL)")
  .option("--key <key>", "an account's key (CLAIMCHECK_KEY)")
  .option("--admin-token <token>", "the operator's token (CLAIMCHECK_ADMIN_TOKEN)")
  .option("--json", "print JSON, one value a line")
  .configureHelp({
    styleTitle: bold,
    optionDescription: (option) => Help.prototype.optionDescription(option) + (option.mandatory ? " (required)" : ""),
  })
  .helpCommand(false)
  .showHelpAfterError("(Add --help to see what it takes.)")
  .exitOverride();

accountCommands(program);
operatorCommands(program);

program.commandsGroup("Setup:");
program
  .command("login")
  .description("keep the address and the key of a deployment for the commands that follow; asks for what is not given")
  .addHelpText(
    "after",
    examples("login --url https://claimcheck.example --key ck_…", "login --url https://claimcheck.example --admin-token …"),
  )
  .action((_options: unknown, command: Command) => login(command));
program
  .command("logout")
  .description("forget what login has kept")
  .action((_options: unknown, command: Command) => logout(command));
program
  .command("doctor")
  .description("check a deployment from end to end, and say the cure of what is wrong")
  .action((_options: unknown, command: Command) => doctor(apiOf(command)));
program
  .command("completion")
  .description("print the completion of a shell")
  .addArgument(program.createArgument("<shell>", "which shell").choices(SHELLS))
  .addHelpText(
    "after",
    `
  bash  echo 'eval "$(claimcheck completion bash)"' >> ~/.bashrc
  zsh   echo 'eval "$(claimcheck completion zsh)"' >> ~/.zshrc
  fish  claimcheck completion fish > ~/.config/fish/completions/claimcheck.fish`,
  )
  .action((shell: string) => void process.stdout.write(completionFor(shell, program)));
program.addHelpText("after", "\nclaimcheck COMMAND --help shows what a command takes. The options above go with every command.");

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = ended(error);
}

function ended(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // which has said it
  const output = outputFor(program);
  const known = commandErrorOf(error, deploymentNamed());
  if (interrupted.signal.aborted && (!known || known.exitCode === EXIT.unavailable)) return EXIT.interrupted;
  const message = known?.message ?? (error instanceof Error ? (error.stack ?? error.message) : String(error));
  output.note(`${red("error")}: ${printableLines(message)}`);
  if (!known) output.note(dim("This is a fault of the program's own."));
  return known?.exitCode ?? EXIT.failed;
}
