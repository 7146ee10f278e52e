/**
 * `submit`: many inputs, each an inference. What was submitted is noted in a journal before and after each request, so the same
 * command goes on where it was interrupted: each item has an idempotency key, and none is submitted twice.
 */
import { createHash, randomUUID } from "node:crypto";
import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { basename, join, parse, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bar, bold, dim, green, red } from "../src/local/terminal.ts";
import type { Api, Json } from "./api.ts";
import { CommandError, EXIT, Refused, UsageError } from "./errors.ts";
import { saveInto, type RunOptions } from "./inferences.ts";
import { filledIn, parsed, textOf, upload } from "./input.ts";
import { type Output, duration, plain, printValue, printable, printableLines, statusText } from "./print.ts";

/** Requests at once. */
const AT_ONCE = 8;
/** Inferences that one request asks after. */
const ASKED_AT_ONCE = 100;
const ASK_EVERY_MS = 1_000;
const DRAW_EVERY_MS = 100;

/** One inference to be. */
interface Item {
  /** Its file, and its line there: what tells it apart when the same command is run again. */
  readonly place: string;
  readonly name: string;
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

export async function submitAll(
  api: Api,
  output: Output,
  model: string,
  sources: readonly string[],
  options: BatchOptions,
  signal: AbortSignal,
): Promise<void> {
  const { template, wait, folder, ...more } = options;
  const items = itemsOf(sources, template);
  const journal = new Journal([api.settings.url, model, process.cwd(), ...sources, JSON.stringify({ template, more })]);
  const progress = new Progress(output, items.length, journal.ids.size);
  if (journal.ids.size > 0) output.note(`${journal.ids.size} of ${items.length} were submitted before; going on.`);
  const refused: { name: string; error: Refused }[] = [];
  try {
    await inParallel(items, async (item) => {
      const { place, file } = item;
      if (journal.ids.has(place)) return;
      try {
        const input = item.input(file === undefined ? "" : await journal.referenceOf(place, () => upload(api, file, signal)));
        const headers = { "Idempotency-Key": journal.keyOf(place) };
        const it = await api.json("POST", "/v1/inferences", { json: { model, input, ...more }, headers, signal });
        journal.note(place, String(it["id"]));
        progress.submitted();
        if (!wait) {
          if (output.json) printValue(output, { name: item.name, id: it["id"] });
          else output.line(`${plain(it["id"])}  ${printable(item.name)}`);
        }
      } catch (error) {
        // One that the deployment does not take must not hold up the others.
        if (!(error instanceof Refused) || error.exitCode !== EXIT.refused) throw error;
        refused.push({ name: item.name, error });
        progress.submitted();
      }
    });
    const ended = wait
      ? await awaitAll(
          api,
          items.flatMap(({ place }) => journal.ids.get(place) ?? []),
          progress,
          signal,
        )
      : new Map<string, Json>();
    progress.end();
    const names = new Map(items.map(({ place, name }) => [journal.ids.get(place) ?? "", name]));
    for (const [id, it] of ended) {
      const name = names.get(id) ?? id;
      const files = folder !== undefined && it["status"] === "succeeded" ? await saveInto(api, folder, parse(name).name, it) : [];
      report(output, name, it, files);
    }
    journal.close();
    const failed = [...ended.values()].filter((it) => it["status"] !== "succeeded").length;
    for (const { name, error } of refused) output.note(`${red("refused")}  ${printable(name)}: ${printableLines(error.message)}`);
    if (output.isTerminal && wait)
      output.note(`${bold(String(ended.size - failed))} succeeded, ${failed} did not, ${refused.length} were refused.`);
    if (refused.length > 0) throw new CommandError(`${refused.length} of ${items.length} were refused`, EXIT.refused);
    if (failed > 0) throw new CommandError(`${failed} of ${items.length} did not succeed`, EXIT.failed);
  } catch (error) {
    progress.end();
    if (signal.aborted)
      throw new CommandError(
        `${journal.ids.size} of ${items.length} are submitted. The same command goes on from there.`,
        EXIT.interrupted,
      );
    throw error;
  }
}

function report(output: Output, name: string, it: Json, files: readonly string[]): void {
  if (output.json) return printValue(output, { name, id: it["id"], status: it["status"], output: it["output"], error: it["error"], files });
  const error = it["error"] as { code: string; message: string } | null; // as the API has it
  const shown =
    files.length > 0
      ? files.join(" ")
      : error
        ? printable(`${error.code}: ${error.message}`)
        : dim(printable(JSON.stringify(it["output"] ?? null).slice(0, 100)));
  output.line(`${statusText(it["status"])}  ${printable(name)}  ${shown}`);
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
          return [{ place: `${file}:${index + 1}`, name: `${basename(where)}:${index + 1}`, input: () => value }];
        });
      }
      if (/\.json$/i.test(file)) {
        const value = parsed(textOf(file), file);
        return [{ place: file, name: basename(file), input: () => value }];
      }
      if (template === undefined) {
        throw new UsageError(
          `${file} is not JSON. Say with --input what the model takes, such as --input '{"image": "{file}"}'; {file} becomes a reference to the uploaded file.`,
        );
      }
      return [
        { place: file, name: basename(file), file, input: (reference) => filledIn(template, { file: reference, name: basename(file) }) },
      ];
    });
  if (items.length === 0) throw new UsageError("There is nothing to submit.");
  return items;
}

/** A file, or those that a pattern names where the shell has not done so. */
function filesOf(source: string): string[] {
  if (source === "-" || existsSync(source)) return [source];
  const files = /[*?[{]/.test(source) ? globSync(source).toSorted() : [];
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

/** Asks after all that are not final yet, many in one request, until none is left. */
async function awaitAll(api: Api, all: readonly string[], progress: Progress, signal: AbortSignal): Promise<Map<string, Json>> {
  const ended = new Map<string, Json>();
  let open = all;
  while (open.length > 0) {
    for (let begin = 0; begin < open.length; begin += ASKED_AT_ONCE) {
      const asked = open.slice(begin, begin + ASKED_AT_ONCE);
      const page = await api.json("GET", "/v1/inferences", { query: { ids: asked.join(",") }, signal });
      for (const it of page["data"] as Json[]) if (it["is_final"] === true) ended.set(String(it["id"]), it); // as the API has it
    }
    progress.ended([...ended.values()]);
    open = all.filter((id) => !ended.has(id));
    if (open.length > 0) await sleep(ASK_EVERY_MS, undefined, { signal });
  }
  return new Map(
    all.flatMap((id) => {
      const it = ended.get(id);
      return it ? [[id, it] as const] : [];
    }),
  );
}

/** What of one command was uploaded and submitted: a file of JSON lines that is gone when the command has come to its end. */
class Journal {
  readonly #file: string;
  readonly #name: string;
  /** By the item's place. */
  readonly ids = new Map<string, string>();
  readonly #references = new Map<string, string>();

  constructor(command: readonly string[]) {
    const folder = join(process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "claimcheck");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#file = resolve(folder, `${createHash("sha256").update(command.join("\0")).digest("hex").slice(0, 32)}.jsonl`);
    // The last line of a killed program may be cut; its key finds the inference again.
    const entries = existsSync(this.#file) ? readFileSync(this.#file, "utf8").split("\n").flatMap(entryIn) : [];
    this.#name = entries.find((entry) => entry.name !== undefined)?.name ?? randomUUID();
    for (const { place, id, file } of entries) {
      if (place !== undefined && id !== undefined) this.ids.set(place, id);
      if (place !== undefined && file !== undefined) this.#references.set(place, file);
    }
    this.#add({ name: this.#name });
  }

  /** Good for 24 hours. */
  keyOf(place: string): string {
    return `${this.#name}-${createHash("sha256").update(place).digest("hex").slice(0, 32)}`;
  }

  /** The file of an item: as it was uploaded before, since the request that is repeated must be the same. */
  async referenceOf(place: string, uploaded: () => Promise<string>): Promise<string> {
    const known = this.#references.get(place);
    if (known !== undefined) return known;
    const file = await uploaded();
    this.#add({ place, file });
    return file;
  }

  note(place: string, id: string): void {
    this.ids.set(place, id);
    this.#add({ place, id });
  }

  #add(entry: Entry): void {
    appendFileSync(this.#file, `\n${JSON.stringify(entry)}`, { mode: 0o600 }); // the line before it may be cut
  }

  close(): void {
    rmSync(this.#file, { force: true });
  }
}

interface Entry {
  /** Of the journal. */
  readonly name?: string;
  readonly place?: string;
  readonly id?: string;
  readonly file?: string;
}

function entryIn(line: string): Entry[] {
  try {
    return [JSON.parse(line) as Entry]; // written by #add
  } catch {
    return []; // an empty line, or one that was cut
  }
}

/** A line that is drawn again and again, on a terminal alone. */
class Progress {
  readonly #output: Output;
  readonly #total: number;
  readonly #began = Date.now();
  readonly #before: number;
  #submitted: number;
  #done = 0;
  #failed = 0;
  #drawnAt = 0;

  constructor(output: Output, total: number, before: number) {
    this.#output = output;
    this.#total = total;
    this.#before = before;
    this.#submitted = before;
  }

  submitted(): void {
    this.#submitted++;
    this.#draw();
  }

  ended(inferences: readonly Json[]): void {
    this.#done = inferences.length;
    this.#failed = inferences.filter((it) => it["status"] !== "succeeded").length;
    this.#draw();
  }

  #draw(): void {
    if (!this.#output.isTerminal || Date.now() - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = Date.now();
    const submitting = this.#submitted < this.#total;
    const [count, verb] = submitting ? [this.#submitted, "submitted"] : [this.#done, "ended"];
    const seconds = (Date.now() - this.#began) / 1000;
    const rate = (submitting ? count - this.#before : count) / Math.max(0.001, seconds);
    const left = rate > 0 ? `  ${rate.toFixed(1)}/s  ${duration(((this.#total - count) / rate) * 1000)} left` : "";
    const failed = this.#failed > 0 ? `  ${red(`${this.#failed} failed`)}` : "";
    process.stderr.write(`\r\u001b[K${bar(count / this.#total)} ${count}/${this.#total} ${green(verb)}${failed}${dim(left)}`);
  }

  end(): void {
    if (this.#output.isTerminal && this.#drawnAt > 0) process.stderr.write("\r\u001b[K");
    this.#drawnAt = 0;
  }
}
