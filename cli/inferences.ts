/** The commands about single inferences: run, status, results, logs, cancel, redrive, list. */
import { createWriteStream, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Inference } from "../client/typescript/client.ts";
import { dim, red } from "../src/local/terminal.ts";
import type { Api, Json } from "./api.ts";
import { CommandError, EXIT, UsageError } from "./errors.ts";
import { outputFile, outputFileOf, outputFolder, partFilesOf } from "./outputs.ts";
import {
  type Output,
  ageOf,
  clockOf,
  describe,
  plain,
  printRows,
  factsOf,
  printValue,
  printable,
  printableText,
  sizeOf,
  standing,
  statusText,
} from "./print.ts";

/** What takes no longer is not worth a word in between. */
const QUIET_MS = 2_000;
/** What a page of the list has at most. */
const PAGE = 100;

export interface RunOptions {
  readonly priority?: number;
  readonly version?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Submits one inference and prints its output when it has ended. */
export async function run(api: Api, model: string, input: unknown, options: RunOptions & { file?: string }): Promise<void> {
  const { file, ...more } = options;
  const { client, output, signal } = api;
  if (file !== undefined) outputFile(file);
  const submitted = await client.submit(model, input, { ...more, signal });
  const shown = changes(output, { quietMs: QUIET_MS });
  try {
    const it = await client.wait(submitted, { signal, ...(output.isTerminal && { onUpdate: shown }) });
    if (it.status !== "succeeded") throw notSucceeded(it);
    if (file === undefined && it.output !== null && it.output !== undefined) return printValue(output, it.output);
    await saveResult(api, it.id, file ?? null);
    if (file === undefined) return;
    const bytes = statSync(file).size;
    if (output.json) printValue(output, { id: it.id, file, bytes });
    else output.line(`${printable(file)}  ${dim(sizeOf(bytes))}`);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new CommandError(`Interrupted. The inference goes on; to see it: claimcheck status ${submitted.id} --watch`, EXIT.interrupted);
  }
}

export function notSucceeded({ id, status: end, error }: Inference): CommandError {
  return new CommandError(`${id} is ${end}${error ? `: ${error.code}: ${printable(error.message)}` : ""}`, EXIT.failed);
}

/** Prints a line at each change, or the latest one when the quiet time is over: when it was seen, and where the inference stands. */
function changes(output: Output, { withId = false, quietMs = 0 }: { withId?: boolean; quietMs?: number } = {}): (it: Inference) => void {
  let last = "";
  let line = "";
  const print = () => {
    if (line !== "") output.note(line);
    line = "";
  };
  const loudAt = Date.now() + quietMs;
  setTimeout(print, quietMs).unref();
  return (it) => {
    const now = standing(it);
    if (now !== last) line = it.is_final ? "" : `${dim(clockOf(new Date()))}  ${withId ? `${printable(it.id)}  ` : ""}${now}`;
    last = now;
    if (Date.now() >= loudAt) print();
  };
}

/** Writes an output to a file, or to standard output if there is no name. */
async function saveResult({ client, signal }: Api, id: string, file: string | null): Promise<void> {
  const answer = await client.resultResponse(id, { signal });
  if (!answer.body) return;
  if (file === null && process.stdout.isTTY) {
    const type = mediaTypeOf(answer);
    if (!/^text\/|[/+]json$/.test(type)) {
      throw new UsageError(
        `The output is ${printable(type) || "binary"}, which a terminal can't show. Save it: claimcheck results ${id} -o FOLDER`,
      );
    }
    process.stdout.write(`${printableText(await answer.text()).trimEnd()}\n`);
    return;
  }
  await pipeline(Readable.fromWeb(answer.body), file === null ? process.stdout : createWriteStream(file), { end: file !== null });
}

const mediaTypeOf = (answer: Response) => (answer.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";

const EXTENSIONS: ReadonlyMap<string, string> = new Map([
  ["application/json", "json"],
  ["text/plain", "txt"],
  ["image/png", "png"],
  ["image/jpeg", "jpg"],
  ["image/webp", "webp"],
  ["video/mp4", "mp4"],
  ["audio/mpeg", "mp3"],
  ["audio/wav", "wav"],
]);

/** Saves the output of an inference, and each part that came beside it, in a folder that is there. Returns the files. */
export async function saveInto({ client, signal }: Api, folder: string, name: string, it: Inference): Promise<string[]> {
  const parts = (it.output_parts ?? []).map((part) => part.name);
  if (it.output !== null && it.output !== undefined && parts.length === 0) {
    const file = join(folder, outputFileOf(name, "json"));
    writeFileSync(file, JSON.stringify(it.output));
    return [file];
  }
  const saved: string[] = [];
  const save = async (answer: Response, file: string) => {
    const to = join(folder, file);
    if (answer.body) await pipeline(Readable.fromWeb(answer.body), createWriteStream(to));
    saved.push(to);
  };
  const answer = await client.resultResponse(it, { signal });
  await save(answer, outputFileOf(name, EXTENSIONS.get(mediaTypeOf(answer)) ?? "bin"));
  const files = partFilesOf(name, parts);
  for (const [index, part] of parts.entries()) await save(await client.resultResponse(it, { signal, part }), files[index] ?? part);
  return saved;
}

export async function results(api: Api, ids: readonly string[], folder: string | undefined): Promise<void> {
  const { client, output, signal } = api;
  if (folder !== undefined) outputFolder(folder);
  for (const id of ids) {
    if (folder === undefined) await saveResult(api, id, null);
    else {
      for (const file of await saveInto(api, folder, id, await client.get(id, { signal }))) {
        if (output.json) printValue(output, { id, file });
        else output.line(printable(file));
      }
    }
  }
}

/** Prints inferences as they are; with `watch` until all have ended, each change as it comes. Ends with 1 if one did not succeed. */
export async function status({ client, output, signal }: Api, ids: readonly string[], watch: boolean): Promise<void> {
  const show = (it: Inference) => (output.json ? printValue(output, it) : output.line(describe(it)));
  const ended = await Promise.all(
    ids.map((id) => {
      if (!watch) return client.get(id, { signal });
      const onUpdate = output.json
        ? (it: Inference) => (it.is_final ? undefined : printValue(output, it))
        : changes(output, { withId: ids.length > 1 });
      return client.wait(id, { signal, onUpdate });
    }),
  );
  ended.forEach(show);
  const failed = ended.filter((it) => it.status !== "succeeded").length;
  if (watch && failed > 0) throw new CommandError(`${failed} of ${ended.length} did not succeed`, EXIT.failed);
}

/** One change of each of several inferences; the first refusal ends it. */
export async function change({ client, output, signal }: Api, ids: readonly string[], verb: "cancel" | "redrive"): Promise<void> {
  for (const id of ids) {
    const it = await client[verb](id, { signal });
    if (output.json) printValue(output, it);
    else output.line(`${printable(it.id)}  ${statusText(it.status)}`);
  }
}

/** Prints what happened to an inference, line by line; with `follow` until its end. */
export async function logs({ client, output, signal }: Api, id: string, follow: boolean): Promise<void> {
  const print = (line: Json) => {
    const { at, event, ...more } = line;
    const facts = factsOf(more).map(([name, value]) => `${dim(`${name}=`)}${value}`);
    if (output.json) printValue(output, line);
    else output.line(`${dim(plain(at))}  ${plain(event).padEnd(14)}  ${facts.join(" ")}`.trimEnd());
  };
  if (!follow) return (await client.get(id, { logs: true, signal })).logs?.forEach(print);
  for await (const { id: place, data } of client.events(id, { signal })) {
    const { inference_id: _, inference: __, ...line } = data;
    if (place !== null) print(line); // else it is no line of the log
  }
}

export async function list({ client, output, signal }: Api, filters: Readonly<Record<string, string>>, limit: number): Promise<void> {
  const rows: Inference[] = [];
  for await (const it of client.list({ ...filters, limit: Math.min(PAGE, limit), signal })) {
    rows.push(it);
    if (rows.length >= limit) break;
  }
  printRows(output, rows, [
    "id",
    ["status", (it) => statusText(it.status)],
    "model",
    "attempts",
    process.stdout.isTTY ? ["created", (it) => ageOf(it.created_at)] : "created_at",
    ["error", (it) => (it.error ? red(printable(it.error.code)) : dim("-"))],
  ]);
}
