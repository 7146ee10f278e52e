/** The commands for who has a key: submit, see how it gets on, and be told. */
import { type Command, Option } from "commander";
import { submitAll } from "./batch.ts";
import { UsageError } from "./errors.ts";
import { change, list, logs, results, run, status } from "./inferences.ts";
import { inputOf, parsed } from "./input.ts";
import { listen, secretOfThisMachine } from "./listen.ts";
import { changeMany, usage } from "./operator.ts";
import { stream } from "./stream.ts";
import { among, apiOf, examples, given, many, outputFor, pairs, picks, whole, wholeFromOne } from "./options.ts";

const ENDS = ["inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"];
const STATUSES = ["queued", "in_progress", "succeeded", "failed", "canceled", "expired"];
const USAGE_BY = ["day", "model", "key"];

interface SubmitOptions {
  readonly modelVersion?: string;
  readonly priority?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

interface UsageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly by?: readonly string[];
  readonly accountId?: string;
}

const submits = (command: Command) =>
  command
    .option("--model-version <version>", "the model's version")
    .option("--priority <number>", "0 goes first", whole)
    .option("--metadata <name=value>", "words of your own; may be repeated", pairs);

const submitOptions = ({ modelVersion, priority, metadata }: SubmitOptions) => ({
  ...(modelVersion !== undefined && { version: modelVersion }),
  ...(priority !== undefined && { priority }),
  ...(metadata !== undefined && { metadata }),
});

/** How inferences are picked for a change of many. */
interface ManyOptions {
  readonly filter?: Readonly<Record<string, string>>;
  readonly dryRun?: boolean;
  readonly [name: string]: unknown;
}

const picking = (command: Command) =>
  command
    .option("--model <model>", "by filter: of this model")
    .option("--created-after <time>", "by filter, such as 2026-11-01T00:00:00Z")
    .option("--created-before <time>", "by filter")
    .option("--filter <name=value>", "by any other filter of GET /v1/inferences; may be repeated", pairs)
    .option("--dry-run", "by filter: only count them");

/** Changes the inferences of these ids, or all that the options pick. Never both: a filter that counts for nothing would change more than was meant. */
async function changeThem(verb: "cancel" | "redrive", ids: readonly string[], options: ManyOptions, command: Command): Promise<void> {
  const { dryRun, filter, ...more } = options;
  const picked = membersOf(picks(more, filter));
  const isFiltered = Object.keys(picked).length > 0;
  if (ids.length > 0 && (isFiltered || dryRun)) throw new UsageError("Pass ids or a filter, not both; --dry-run goes with a filter.");
  if (ids.length > 0) return change(apiOf(command), ids, verb);
  if (!isFiltered) throw new UsageError("No inference is named. Pass ids, or a filter such as --model.");
  await changeMany(apiOf(command), verb, picked, dryRun === true);
}

/** Filters as a body has them: `metadata[order]` is the member `order` of `metadata`. */
function membersOf(filter: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const inMetadata = (name: string) => /^metadata\[(.+)\]$/s.exec(name)?.[1];
  const entries = Object.entries(filter);
  const others = entries.filter(([name]) => inMetadata(name) === undefined);
  const metadata = entries.flatMap(([name, value]) => {
    const inside = inMetadata(name);
    return inside === undefined ? [] : [[inside, value] as const];
  });
  // Not by assignment, which would leave out `__proto__`: less of a filter changes more.
  return { ...Object.fromEntries(others), ...(metadata.length > 0 && { metadata: Object.fromEntries(metadata) }) };
}

export function accountCommands(program: Command): void {
  program.commandsGroup("Inferences:");
  submits(
    program
      .command("run")
      .description("submit one inference, wait for it and print its output")
      .argument("<model>", "the model's name")
      .argument("<input>", "JSON, @FILE, or - for standard input")
      .option("-o, --output <file>", "write the output to a file"),
  )
    .addHelpText("after", examples(`run captions '{"image": "https://example.com/cat.jpg"}'`, "run captions @input.json -o output.json"))
    .action(async (model: string, input: string, options: SubmitOptions & { output?: string }, command: Command) => {
      const file = options.output === undefined ? {} : { file: options.output };
      await run(apiOf(command), model, inputOf(input), { ...submitOptions(options), ...file });
    });

  submits(
    program
      .command("submit")
      .description("submit many files, each an inference, and wait for them")
      .argument("<model>", "the model's name")
      .argument("<files...>", "files or patterns: JSON, JSON Lines (- for standard input), or any other files with --input")
      .option("--input <json>", "what a file that is not JSON is put into: {file} becomes its reference, {name} its name")
      .option("--no-wait", "print the ids and do not wait for the ends")
      .option("-o, --output <folder>", "save the outputs in a folder"),
  )
    .addHelpText(
      "after",
      `${examples(`submit captions 'pictures/*.jpg' --input '{"image": "{file}"}' -o captions`, "submit captions inputs.jsonl")}\n\nThe same command goes on where it was interrupted, and submits nothing twice.`,
    )
    .action(
      async (
        model: string,
        files: string[],
        options: SubmitOptions & { input?: string; wait: boolean; output?: string },
        command: Command,
      ) => {
        const { input, wait, output } = options;
        const template = input === undefined ? {} : { template: input.startsWith("@") ? inputOf(input) : parsed(input, "--input") };
        const folder = output === undefined ? {} : { folder: output };
        await submitAll(apiOf(command), model, files, { ...submitOptions(options), ...template, ...folder, wait });
      },
    );

  program
    .command("status")
    .description("show inferences")
    .argument("<ids...>", "their ids")
    .option("-w, --watch", "print each change until they have ended")
    .action(async (ids: string[], options: { watch?: boolean }, command: Command) => {
      await status(apiOf(command), ids, options.watch ?? false);
    });

  program
    .command("results")
    .description("print or save the outputs of inferences")
    .argument("<ids...>", "their ids")
    .option("-o, --output <folder>", "save them in a folder")
    .action(async (ids: string[], options: { output?: string }, command: Command) => {
      await results(apiOf(command), ids, options.output);
    });

  program
    .command("stream")
    .description("print the output of an inference as it comes; comes back by itself where the connection is lost")
    .argument("<id>", "its id; it was submitted as a stream")
    .option("--after <id>", "only what follows this event; --json prints the ids")
    .addHelpText("after", `\nOf inferences that were submitted with "stream": true, or with ?detach=1 on another wire: docs/watching.md.`)
    .action(async (id: string, options: { after?: string }, command: Command) => {
      await stream(apiOf(command), id, options.after);
    });

  program
    .command("logs")
    .description("show what happened to an inference")
    .argument("<id>", "its id")
    .option("-f, --follow", "print what happens until it has ended")
    .action(async (id: string, options: { follow?: boolean }, command: Command) => {
      await logs(apiOf(command), id, options.follow ?? false);
    });

  program
    .command("list")
    .description("list inferences, newest first")
    .option("--status <statuses>", `with commas between: ${STATUSES.join(", ")}`)
    .option("--model <model>", "only of this model")
    .option("--filter <name=value>", "any other filter of GET /v1/inferences; may be repeated", pairs)
    .option("-n, --limit <number>", "how many", wholeFromOne, 20)
    .addHelpText("after", examples("list --status failed,expired", "list --filter 'metadata[order]=17' -n 100 --json"))
    .action(
      async (options: { status?: string; model?: string; filter?: Readonly<Record<string, string>>; limit: number }, command: Command) => {
        const { limit, filter, ...more } = options;
        await list(apiOf(command), picks(more, filter) as Record<string, string>, limit); // texts, as the options have them
      },
    );

  const cancel = program
    .command("cancel")
    .description("cancel inferences")
    .argument("[ids...]", "their ids")
    .option("--account-id <id>", "by filter, as the operator: of this account, which may be deleted");
  picking(cancel.addOption(new Option("--status <status>", "by filter: that are so").choices(["queued", "in_progress"])))
    .addHelpText("after", examples("cancel --model captions --created-before 2026-11-01T00:00:00Z --dry-run"))
    .action((ids: string[], options: ManyOptions, command: Command) => changeThem("cancel", ids, options, command));

  const redrive = program
    .command("redrive")
    .description("queue failed or expired inferences again")
    .argument("[ids...]", "their ids")
    .option("--account-id <id>", "by filter, as the operator: of this account");
  picking(redrive.addOption(new Option("--status <status>", "by filter: that are so").choices(["failed", "expired"])))
    .option("--error-class <class>", "by filter: input, model, capacity, infrastructure or timeout")
    .addHelpText(
      "after",
      `\nBy filter those of every account, if the admin token is known; else those of the key's.\n${examples("redrive --model captions --error-class infrastructure --dry-run")}`,
    )
    .action((ids: string[], options: ManyOptions, command: Command) => changeThem("redrive", ids, options, command));

  program.commandsGroup("Account:");
  program
    .command("usage")
    .description("show what was used, by day, model or key")
    .option("--from <day>", "the first day, such as 2026-11-01")
    .option("--to <day>", "the last day")
    .option("--by <what>", `a row for each, with commas between: ${USAGE_BY.join(", ")}`, among(USAGE_BY))
    .option("--account-id <id>", "another account's, as the operator")
    .addHelpText("after", examples("usage --from 2026-11-01 --by day,model"))
    .action(async ({ by, ...options }: UsageOptions, command: Command) => {
      await usage(apiOf(command), { ...(given(options) as Record<string, string>), ...(by && { by: by.join(",") }) }); // texts, as the options have them
    });

  program
    .command("listen")
    .description("send webhooks of what happens to a server on this machine")
    .option("--forward-to <url>", "your server, such as http://127.0.0.1:3000/hooks")
    .option("--events <names>", `with commas between (default: ${ENDS.join(",")})`, many)
    .option("--filter <name=value>", "a filter of GET /v1/events; may be repeated", pairs)
    .option("--secret <secret>", "sign with this secret (whsec_…), not with this machine's own")
    .option("--print-secret", "print this machine's secret, and nothing more")
    .addHelpText("after", examples("listen --forward-to http://127.0.0.1:3000/hooks --events inference.started,inference.succeeded"))
    .action(
      async (
        options: {
          forwardTo?: string;
          events?: readonly string[];
          filter?: Readonly<Record<string, string>>;
          secret?: string;
          printSecret?: boolean;
        },
        command: Command,
      ) => {
        if (options.printSecret) return outputFor(command).line(secretOfThisMachine());
        const { forwardTo, events = ENDS, filter: filters = {}, secret } = options;
        if (forwardTo === undefined)
          throw new UsageError("No server is named. Pass its URL, such as --forward-to http://127.0.0.1:3000/hooks");
        await listen(apiOf(command), { forwardTo, events, filters, ...(secret !== undefined && { secret }) });
      },
    );
}
