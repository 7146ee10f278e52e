/**
 * `submit`: many inputs, each an inference. What was submitted is noted in a journal before and after each request, so the same
 * command goes on where it was interrupted: each item has an idempotency key, and none is submitted twice.
 */
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { globSync } from "tinyglobby";
import { ApiError, type Inference } from "../client/typescript/client.ts";
import { bold, dim, padded, red } from "../src/local/terminal.ts";
import type { Api } from "./api.ts";
import { CommandError, EXIT, UsageError, exitCodeOf, refusalOf } from "./errors.ts";
import { saveInto, type RunOptions } from "./inferences.ts";
import { filledIn, parsed, textOf, upload } from "./input.ts";
import { Journal } from "./journal.ts";
import { type Source, outputFolder, outputNamesOf } from "./outputs.ts";
import { type Output, printValue, printable, printableLines, shortOf, statusText } from "./print.ts";
import { Progress } from "./progress.ts";

/** Requests at once. */
const AT_ONCE = 8;
/** Inferences that one request asks after. */
const ASKED_AT_ONCE = 100;
const ASK_EVERY_MS = 1_000;
const STATUS_WIDTH = "succeeded".length;

/** One inference to be. */
interface Item {
  /** Its file, and its line there: what tells it apart when the same command is run again. */
  readonly place: string;
  readonly name: string;
  readonly from: Source;
  /** A file that must be uploaded first. */
  readonly file?: string;
  /** `reference` is the file's. */
  readonly input: (reference: string) => unknown;
}

export interface BatchOptions extends RunOptions {
  /** What a file that is not JSON is put into: `{file}` and `{name}` in its texts are filled in. */
  readonly template?: unknown;
  readonly wait: boolean;
  /** Where the outputs go. */
  readonly folder?: string;
}

export async function submitAll(api: Api, model: string, sources: readonly string[], options: BatchOptions): Promise<void> {
  const { template, wait, folder, ...more } = options;
  const { client, output, signal } = api;
  const items = itemsOf(sources, template);
  if (folder !== undefined) outputFolder(folder);
  const journal = new Journal([api.settings.url, model, process.cwd(), ...sources, JSON.stringify({ template, more })]);
  const progress = new Progress(output, items.length, journal.ids.size);
  if (journal.ids.size > 0) output.note(`${journal.ids.size} of ${items.length} were submitted before; going on.`);
  const refused: { name: string; error: ApiError }[] = [];
  try {
    await inParallel(items, async ({ place, file, name, input }) => {
      if (journal.ids.has(place)) return;
      try {
        const reference = file === undefined ? "" : await journal.referenceOf(place, (...begun) => upload(api, file, ...begun));
        const { id } = await client.submit(model, input(reference), { ...more, idempotencyKey: journal.keyOf(place), signal });
        journal.note(place, id);
        progress.submitted();
        if (wait) return;
        if (output.json) printValue(output, { name, id });
        else output.line(`${printable(id)}  ${printable(name)}`);
      } catch (error) {
        // One that the deployment does not take must not hold up the others.
        if (!(error instanceof ApiError) || exitCodeOf(error.status) !== EXIT.refused) throw error;
        refused.push({ name, error });
        progress.submitted();
      }
    });
    const submitted = items.flatMap(({ place }) => journal.ids.get(place) ?? []);
    const ended = wait ? await awaitAll(api, submitted, progress) : [];
    progress.end();
    const names = new Map(items.map(({ place, name }) => [journal.ids.get(place) ?? "", name]));
    const outputNames = outputNamesOf(items.map(({ from }) => from));
    const saved = new Map(items.map(({ place }, index) => [journal.ids.get(place) ?? "", outputNames[index]]));
    const widest = Math.max(0, ...items.map(({ name }) => printable(name).length));
    for (const it of ended) {
      const name = names.get(it.id) ?? it.id;
      const files = folder !== undefined && it.status === "succeeded" ? await saveInto(api, folder, saved.get(it.id) ?? it.id, it) : [];
      report(output, name, widest, it, files);
    }
    journal.close();
    const failed = ended.filter((it) => it.status !== "succeeded").length;
    for (const { name, error } of refused) output.note(`${red("refused")}  ${printable(name)}: ${printableLines(refusalOf(error))}`);
    if (output.isTerminal && wait) {
      const facts = [
        `${bold(String(ended.length - failed))} succeeded`,
        failed > 0 && `${failed} did not`,
        refused.length > 0 && `${refused.length} were refused`,
      ];
      output.note(`${facts.filter(Boolean).join(", ")}${folder === undefined ? "" : `; the outputs are in ${printable(folder)}`}.`);
    }
    if (refused.length > 0) throw new CommandError(`${refused.length} of ${items.length} were refused`, EXIT.refused);
    if (failed > 0) throw new CommandError(`${failed} of ${items.length} did not succeed`, EXIT.failed);
  } catch (error) {
    progress.end();
    if (!signal.aborted) throw error;
    const there = `${journal.ids.size} of ${items.length} are submitted.`;
    throw new CommandError(`${there} The same command goes on from there.`, EXIT.interrupted);
  }
}

/** One line about an end: how it ended, its name, and what came of it. */
function report(output: Output, name: string, widest: number, it: Inference, files: readonly string[]): void {
  const { id, status, error } = it;
  if (output.json) return printValue(output, { name, id, status, output: it.output, error, files });
  const shown = error
    ? `${error.code}: ${error.message}`
    : files.join(" ") || dim(printable(shortOf(it.output) ?? `claimcheck results ${id}`));
  const line = error || files.length > 0 ? printable(shown) : shown;
  output.line(`${padded(statusText(status), STATUS_WIDTH)}  ${padded(printable(name), widest)}  ${line}`);
}

function itemsOf(sources: readonly string[], template: unknown): Item[] {
  const items = sources
    .flatMap((source) => filesOf(source))
    .flatMap((file): Item[] => {
      if (file === "-" || /\.(?:jsonl|ndjson)$/i.test(file)) {
        const text = file === "-" ? readFileSync(0, "utf8") : textOf(file);
        const where = file === "-" ? "standard input" : file;
        return text.split("\n").flatMap((line, index) => {
          if (line.trim() === "") return [];
          const value = parsed(line, `line ${index + 1} of ${where}`);
          const from = { file: where, line: index + 1 };
          return [{ place: `${file}:${index + 1}`, name: `${basename(where)}:${index + 1}`, from, input: () => value }];
        });
      }
      if (/\.json$/i.test(file)) {
        const value = parsed(textOf(file), file);
        return [{ place: file, name: basename(file), from: { file }, input: () => value }];
      }
      if (template === undefined) {
        throw new UsageError(
          `${file} is not JSON. Say with --input what the model takes, such as --input '{"image": "{file}"}'; {file} becomes a reference to the uploaded file.`,
        );
      }
      return [
        {
          place: file,
          name: basename(file),
          from: { file },
          file,
          input: (reference) => filledIn(template, { file: reference, name: basename(file) }),
        },
      ];
    });
  if (items.length === 0) throw new UsageError("There is nothing to submit.");
  return items;
}

/** A file, or those that a pattern names where the shell has not done so. */
function filesOf(source: string): string[] {
  if (source === "-" || existsSync(source)) return [source];
  const files = /[*?[{]/.test(source)
    ? globSync(source, { dot: false }).toSorted((one, two) => one.localeCompare(two, "en", { numeric: true }))
    : [];
  if (files.length === 0) throw new UsageError(`There is no file ${source}`);
  return files;
}

async function inParallel(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const item of left) await work(item);
    }),
  );
}

/** Asks after all that are not final yet, many in one request, until none is left. Returns them in their order. */
async function awaitAll({ client, signal }: Api, all: readonly string[], progress: Progress): Promise<Inference[]> {
  const ended = new Map<string, Inference>();
  for (let open = all; open.length > 0; open = all.filter((id) => !ended.has(id))) {
    if (open !== all) await sleep(ASK_EVERY_MS, undefined, { signal });
    for (let begin = 0; begin < open.length; begin += ASKED_AT_ONCE) {
      const ids = open.slice(begin, begin + ASKED_AT_ONCE);
      for await (const it of client.list({ ids, signal })) if (it.is_final) ended.set(it.id, it);
    }
    progress.ended([...ended.values()]);
  }
  return all.flatMap((id) => ended.get(id) ?? []);
}
