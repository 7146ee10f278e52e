/** The commands for the operator: accounts, keys, models and backends. */
import type { Command } from "commander";
import { parsed } from "./input.ts";
import { RESOURCES, type Resource, addBackend, create, listAll, listModels, ready, remove, rotate, show, update } from "./operator.ts";
import { apiOf, examples, given, many, whole } from "./options.ts";

type Add = (command: Command) => Command;

/** The five commands that each of the operator's resources has. */
function resourceCommands(
  program: Command,
  resource: Resource,
  add: Add,
  { id, verb, change, filter = (it) => it }: { readonly id: string; readonly verb: string; readonly change: string; readonly filter?: Add },
): Command {
  const { noun, about } = RESOURCES[resource];
  const its = `its ${id}`;
  const group = program.command(resource).description(about);
  filter(group.command("list").description(`list ${resource}`)).action(
    async (options: Readonly<Record<string, string>>, command: Command) => {
      const api = apiOf(command);
      if (resource === "models" && !api.settings.adminToken) return listModels(api);
      await listAll(api, resource, given(options) as Record<string, string>); // texts, as the options have them
    },
  );
  group
    .command("show")
    .description(`show one ${noun}`)
    .argument(`<${id}>`, its)
    .action(async (name: string, _options: unknown, command: Command) => {
      await show(apiOf(command), resource, name);
    });
  add(group.command("create").description(`make one ${noun}`))
    .option("--set <json>", "any other member, as the admin API takes it")
    .action(async (...args: unknown[]) => {
      const command = args.at(-1) as Command; // as commander passes it
      // `--url` is the deployment's address, and `--version` the program's version.
      const { set, server: url, modelVersion: version, ...members } = command.opts<Record<string, unknown> & { set?: string }>();
      const json = { ...given({ ...members, url, version }), ...(set === undefined ? {} : (parsed(set, "--set") as object)) }; // checked by the deployment
      const api = apiOf(command);
      await (resource === "backends" ? addBackend(api, json) : create(api, resource, json));
    });
  group
    .command("update")
    .description(`change one ${noun}; what is left out stays`)
    .argument(`<${id}>`, its)
    .argument("<json>", "its members, as the admin API takes them")
    .addHelpText("after", examples(`${resource} update ${change}`))
    .action(async (name: string, json: string, _options: unknown, command: Command) => {
      await update(apiOf(command), resource, name, parsed(json, "the argument") as Record<string, unknown>); // checked by the deployment
    });
  group
    .command(verb)
    .description(`${verb} one ${noun}`)
    .argument(`<${id}>`, its)
    .action(async (name: string, _options: unknown, command: Command) => {
      await remove(apiOf(command), resource, name);
    });
  return group;
}

export function operatorCommands(program: Command): void {
  program.commandsGroup("Operator:");
  resourceCommands(program, "accounts", (command) => command.requiredOption("--name <name>", "for people"), {
    id: "id",
    verb: "delete",
    change: `9hcSTKUDux2A '{"open_limit": 10000, "monthly_budget": 500}'`,
  });
  const keys = resourceCommands(
    program,
    "keys",
    (command) =>
      command
        .requiredOption("--account-id <id>", "whose it is")
        .option("--name <name>", "for people")
        .option("--scopes <names>", "with commas between: submit, read, cancel", many),
    {
      id: "id",
      verb: "revoke",
      change: `9hcSTKUDux2AHYlEa2 '{"limits": {"read": 100}}'`,
      filter: (it) => it.requiredOption("--account-id <id>", "whose they are"),
    },
  );
  keys
    .command("rotate")
    .description("put another key in its place, which is printed; the one before works for a while longer")
    .argument("<id>", "its id")
    .option("--overlap-seconds <number>", "for how long (a day by default; 0 ends it now)", whole)
    .action(async (id: string, { overlapSeconds }: { overlapSeconds?: number }, command: Command) => {
      await rotate(apiOf(command), id, overlapSeconds);
    });
  resourceCommands(
    program,
    "models",
    (command) =>
      command
        .requiredOption("--name <name>", "what clients call it by")
        .option("--description <text>", "for people")
        .option("--versions <names>", "with commas between", many),
    { id: "name", verb: "delete", change: `captions '{"price": {"per_second": 0.0008}}'` },
  );
  const backends = resourceCommands(
    program,
    "backends",
    (command) =>
      command
        .alias("add")
        .requiredOption("--model <name>", "the model that it serves")
        .requiredOption("--server <url>", "its address")
        .requiredOption("--protocol <protocol>", "oip, openai, http or cog")
        .option("--model-version <version>", "the version that it serves; the model's default by default")
        .option("--max-concurrency <number>", "inferences at once", whole)
        .option("--timeout-seconds <number>", "of one attempt", whole),
    {
      id: "id",
      verb: "delete",
      change: `be_Vn8zJRBfkoFl '{"max_concurrency": 8}'`,
      filter: (it) => it.option("--model <name>", "only of this model"),
    },
  );
  backends
    .command("ready")
    .description("ask its server whether it is ready, and say why it rests")
    .argument("<id>", "its id")
    .action(async (id: string, _options: unknown, command: Command) => {
      await ready(apiOf(command), id);
    });
  for (const [verb, state, about] of [
    ["drain", "draining", "let it finish what it runs and give it nothing more"],
    ["pause", "paused", "give it nothing more"],
    ["resume", "active", "give it work again"],
  ] as const) {
    backends
      .command(verb)
      .description(about)
      .argument("<id>", "its id")
      .action(async (id: string, _options: unknown, command: Command) => {
        await update(apiOf(command), "backends", id, { state });
      });
  }
}
