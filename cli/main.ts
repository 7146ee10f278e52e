#!/usr/bin/env node
/** `claimcheck`: the command line, for clients and operators of a deployment. */
import { createInterface } from "node:readline/promises";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import manifest from "../package.json" with { type: "json" };
import { dim, red } from "../src/local/terminal.ts";
import { Api } from "./api.ts";
import { submitAll } from "./batch.ts";
import { SHELLS, completionFor } from "./completion.ts";
import { doctor } from "./doctor.ts";
import { CommandError, EXIT, UsageError } from "./errors.ts";
import { change, list, logs, results, run, status } from "./inferences.ts";
import { inputOf, parsed } from "./input.ts";
import { listen } from "./listen.ts";
import { RESOURCES, type Resource, addBackend, create, listAll, ready, redriveMany, remove, show, update } from "./operator.ts";
import { type Output, outputOf, printValue, printableLines } from "./print.ts";
import { type Given, addressOf, forget, keep, keptIn, settingsOf } from "./settings.ts";

const ENDS = ["inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"];

interface Common extends Given {
  readonly json?: boolean;
}

const interrupted = new AbortController();
process.once("SIGINT", () => interrupted.abort());

const program = new Command("claimcheck")
  .description("Submit inferences to a Claimcheck deployment, see how they get on, and run the deployment.")
  .version(manifest.version)
  .option("--url <url>", "the deployment's address (CLAIMCHECK_URL)")
  .option("--key <key>", "an account's key (CLAIMCHECK_KEY)")
  .option("--admin-token <token>", "the operator's token (CLAIMCHECK_ADMIN_TOKEN)")
  .option("--json", "print JSON, one value a line")
  .showHelpAfterError("(claimcheck --help shows what there is)")
  .exitOverride();

/** What a command works with. */
function context(command: Command): { api: Api; output: Output } {
  const { json, ...given } = command.optsWithGlobals<Common>();
  return { api: new Api(settingsOf(given)), output: outputOf(json ?? false) };
}

const whole = (text: string) => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("must be a whole number");
  return Number(text);
};
const pairs = (text: string, before: Readonly<Record<string, string>> = {}) => {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError("must be name=value");
  return { ...before, [name]: value };
};
const many = (text: string, before: readonly string[] = []) => [...before, ...text.split(",")];
/** Options that were given, by the API's names. */
const given = (options: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(
    Object.entries(options)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );

program
  .command("login")
  .description("keep the address and the key of a deployment for the commands that follow")
  .action(async (_options: unknown, command: Command) => {
    const { json, ...words } = command.optsWithGlobals<Common>();
    const ask = async (question: string) => {
      if (!process.stdin.isTTY) throw new UsageError("Say --url and --key: there is nobody to ask.");
      const lines = createInterface({ input: process.stdin, output: process.stderr });
      const answer = await lines.question(question, { signal: interrupted.signal });
      lines.close();
      return answer.trim();
    };
    const url = addressOf(words.url ?? (await ask("Address of the deployment: ")));
    const key = words.key ?? (words.adminToken ? undefined : await ask("Key (ck_…): "));
    const settings = { url, key, adminToken: words.adminToken };
    const api = new Api(settings);
    if (key) await api.json("GET", "/v1/models");
    if (words.adminToken) await api.operate("GET", "/health");
    keep(settings);
    outputOf(json ?? false).note(`Kept in ${keptIn()}, readable by you alone.`);
  });

program
  .command("logout")
  .description("forget what login has kept")
  .action(() => void process.stderr.write(forget() ? "Forgotten.\n" : "Nothing was kept.\n"));

const submits = (command: Command) =>
  command
    .option("--model-version <version>", "the model's version")
    .option("--priority <number>", "0 goes first", whole)
    .option("--metadata <name=value>", "words of your own; may be repeated", pairs);
const submitOptions = (options: { modelVersion?: string; priority?: number; metadata?: Readonly<Record<string, string>> }) => ({
  ...(options.modelVersion !== undefined && { version: options.modelVersion }),
  ...(options.priority !== undefined && { priority: options.priority }),
  ...(options.metadata !== undefined && { metadata: options.metadata }),
});

submits(
  program
    .command("run")
    .description("submit one inference, wait for it and print its output")
    .argument("<model>")
    .argument("<input>", "JSON, @file or - for standard input")
    .option("-o, --output <file>", "write the output to a file"),
).action(async (model: string, input: string, options: Parameters<typeof submitOptions>[0] & { output?: string }, command: Command) => {
  const { api, output } = context(command);
  await run(api, output, model, inputOf(input), {
    ...submitOptions(options),
    ...(options.output !== undefined && { file: options.output }),
  });
});

submits(
  program
    .command("submit")
    .description("submit many: JSON files, JSON Lines, pictures or any other files, - for JSON Lines on standard input")
    .argument("<model>")
    .argument("<files...>", "files or patterns")
    .option("--input <json>", "what a file that is not JSON is put into: {file} becomes its reference, {name} its name")
    .option("--no-wait", "print the ids and do not wait for the ends")
    .option("-o, --output <folder>", "save the outputs in a folder"),
).action(
  async (
    model: string,
    files: string[],
    options: Parameters<typeof submitOptions>[0] & { input?: string; wait: boolean; output?: string },
    command: Command,
  ) => {
    const { api, output } = context(command);
    const template =
      options.input === undefined
        ? {}
        : { template: options.input.startsWith("@") ? inputOf(options.input) : parsed(options.input, "--input") };
    const folder = options.output === undefined ? {} : { folder: options.output };
    await submitAll(
      api,
      output,
      model,
      files,
      { ...submitOptions(options), ...template, ...folder, wait: options.wait },
      interrupted.signal,
    );
  },
);

program
  .command("status")
  .description("show inferences")
  .argument("<ids...>")
  .option("-w, --watch", "until they have ended")
  .action(async (ids: string[], options: { watch?: boolean }, command: Command) => {
    const { api, output } = context(command);
    await status(api, output, ids, options.watch ?? false);
  });

program
  .command("results")
  .description("print or save the outputs of inferences")
  .argument("<ids...>")
  .option("-o, --output <folder>", "save them in a folder")
  .action(async (ids: string[], options: { output?: string }, command: Command) => {
    const { api, output } = context(command);
    await results(api, output, ids, options.output);
  });

for (const verb of ["cancel"] as const) {
  program
    .command(verb)
    .description("cancel inferences")
    .argument("<ids...>")
    .action(async (ids: string[], _options: unknown, command: Command) => {
      const { api, output } = context(command);
      await change(api, output, ids, verb);
    });
}

program
  .command("list")
  .description("list inferences, newest first")
  .option("--status <status>")
  .option("--model <model>")
  .option("--filter <name=value>", "any other filter of GET /v1/inferences; may be repeated", pairs)
  .option("-n, --limit <number>", "how many", whole, 20)
  .action(
    async (options: { status?: string; model?: string; filter?: Readonly<Record<string, string>>; limit: number }, command: Command) => {
      const { api, output } = context(command);
      const { limit, filter, ...more } = options;
      await list(api, output, { ...(given(more) as Record<string, string>), ...filter }, limit); // texts, as the options have them
    },
  );

program
  .command("logs")
  .description("show what happened to an inference")
  .argument("<id>")
  .option("-f, --follow", "until it has ended")
  .action(async (id: string, options: { follow?: boolean }, command: Command) => {
    const { api, output } = context(command);
    await logs(api, output, id, options.follow ?? false);
  });

program
  .command("listen")
  .description("send the webhooks of what happens to a server on this machine")
  .requiredOption("--forward-to <url>", "such as http://127.0.0.1:3000/hooks")
  .option("--events <names>", "with commas between", many, ENDS)
  .option("--filter <name=value>", "a filter of GET /v1/events; may be repeated", pairs)
  .action(
    async (options: { forwardTo: string; events: readonly string[]; filter?: Readonly<Record<string, string>> }, command: Command) => {
      const { api, output } = context(command);
      await listen(
        api,
        output,
        { forwardTo: options.forwardTo, events: options.events, filters: options.filter ?? {} },
        interrupted.signal,
      );
    },
  );

const redrive = program
  .command("redrive")
  .description("queue failed or expired inferences again: by id, or as the operator by filter")
  .argument("[ids...]")
  .option("--account-id <id>")
  .addOption(new Option("--status <status>").choices(["failed", "expired"]))
  .option("--model <model>")
  .option("--error-class <class>")
  .option("--created-after <time>")
  .option("--created-before <time>")
  .option("--dry-run", "only count")
  .action(async (ids: string[], options: Readonly<Record<string, unknown>>, command: Command) => {
    const { api, output } = context(command);
    const { dryRun, ...filters } = options;
    if (ids.length > 0) return change(api, output, ids, "redrive");
    if (Object.keys(given(filters)).length === 0) throw new UsageError("Say ids, or a filter such as --model.");
    await redriveMany(api, output, given(filters), dryRun === true);
  });
redrive.addHelpText("after", "\nBy filter it needs --admin-token.");

program
  .command("usage")
  .description("show the account's usage, or with --account-id as the operator another's")
  .option("--from <day>", "such as 2026-11-01")
  .option("--to <day>")
  .option("--by <what>", "day, model or key")
  .option("--account-id <id>")
  .action(async (options: Readonly<Record<string, string>>, command: Command) => {
    const { api, output } = context(command);
    const query = given(options) as Record<string, string>; // texts, as the options have them
    printValue(
      output,
      options["accountId"] === undefined ? await api.json("GET", "/v1/usage", { query }) : await api.operate("GET", "/usage", { query }),
    );
  });

program
  .command("doctor")
  .description("check a deployment from end to end, and say the cure of what is wrong")
  .action(async (_options: unknown, command: Command) => {
    const { api, output } = context(command);
    await doctor(api, output);
  });

/** The five commands that each of the operator's resources has. */
function resourceCommands(
  resource: Resource,
  add: (command: Command) => Command,
  path: { readonly id: string; readonly verb: string; readonly filter?: (list: Command) => Command },
): Command {
  const { noun } = RESOURCES[resource];
  const group = program.command(resource).description(`the operator's ${resource}`);
  const listing = group.command("list").description(`list ${resource}`);
  (path.filter ?? ((it: Command) => it))(listing).action(async (options: Readonly<Record<string, string>>, command: Command) => {
    const { api, output } = context(command);
    await listAll(api, output, resource, given(options) as Record<string, string>); // texts, as the options have them
  });
  group
    .command("show")
    .description(`show one ${noun}`)
    .argument(`<${path.id}>`)
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, output } = context(command);
      await show(api, output, resource, id);
    });
  add(group.command("create").description(`make one ${noun}`)).action(async (...args: unknown[]) => {
    const command = args.at(-1) as Command; // as commander passes it
    const { api, output } = context(command);
    const { set, server: url, ...members } = command.opts<Record<string, unknown> & { set?: string; server?: string }>();
    const json = { ...given({ ...members, url }), ...(set === undefined ? {} : (parsed(set, "--set") as object)) }; // spread, whatever it is
    await (resource === "backends" ? addBackend(api, output, json) : create(api, output, resource, json));
  });
  group
    .command("update")
    .description(`change one ${noun}; what is left out stays`)
    .argument(`<${path.id}>`)
    .argument("<json>", "its members, as the admin API takes them")
    .action(async (id: string, json: string, _options: unknown, command: Command) => {
      const { api, output } = context(command);
      await update(api, output, resource, id, parsed(json, "the argument") as Record<string, unknown>); // checked by the deployment
    });
  group
    .command(path.verb)
    .description(`${path.verb} one ${noun}`)
    .argument(`<${path.id}>`)
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, output } = context(command);
      await remove(api, output, resource, id);
    });
  return group;
}

const more = (command: Command) => command.option("--set <json>", "any other member, as the admin API takes it");

resourceCommands("accounts", (command) => more(command.requiredOption("--name <name>")), { id: "id", verb: "delete" });
resourceCommands(
  "keys",
  (command) =>
    more(command.requiredOption("--account-id <id>").option("--name <name>").option("--scopes <names>", "with commas between", many)),
  {
    id: "id",
    verb: "revoke",
    filter: (it) => it.requiredOption("--account-id <id>"),
  },
);
resourceCommands(
  "models",
  (command) =>
    more(command.requiredOption("--name <name>").option("--description <text>").option("--versions <names>", "with commas between", many)),
  {
    id: "name",
    verb: "delete",
  },
);
const backends = resourceCommands(
  "backends",
  (command) =>
    more(
      command
        .alias("add")
        .requiredOption("--model <name>")
        .requiredOption("--server <url>", "its address")
        .requiredOption("--protocol <protocol>", "oip, openai, http or cog")
        .option("--version <version>")
        .option("--max-concurrency <number>", "inferences at once", whole)
        .option("--timeout-seconds <number>", "of one attempt", whole),
    ),
  { id: "id", verb: "delete", filter: (it) => it.option("--model <name>") },
);
backends
  .command("ready")
  .description("ask its server whether it is ready, and say why it rests")
  .argument("<id>")
  .action(async (id: string, _options: unknown, command: Command) => {
    const { api, output } = context(command);
    await ready(api, output, id);
  });
for (const [verb, state, about] of [
  ["drain", "draining", "let it finish what it runs and give it nothing more"],
  ["pause", "paused", "give it nothing more"],
  ["resume", "active", "give it work again"],
] as const) {
  backends
    .command(verb)
    .description(about)
    .argument("<id>")
    .action(async (id: string, _options: unknown, command: Command) => {
      const { api, output } = context(command);
      await update(api, output, "backends", id, { state });
    });
}

program
  .command("completion")
  .description("print the completion of a shell")
  .addArgument(program.createArgument("<shell>", "which shell").choices(SHELLS))
  .action((shell: string) => void process.stdout.write(completionFor(shell, program)));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = ended(error);
}

function ended(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage; // which has said it
  if (interrupted.signal.aborted && !(error instanceof CommandError)) return EXIT.interrupted;
  const message = error instanceof CommandError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${red("error")}: ${printableLines(message)}\n`);
  if (!(error instanceof CommandError)) process.stderr.write(dim("This is a fault of the program's own.\n"));
  return error instanceof CommandError ? error.exitCode : EXIT.failed;
}
