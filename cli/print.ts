/** What commands print: for people as tables and lines, with `--json` one JSON value a line. */
import { stripVTControlCharacters } from "node:util";
import type { Inference } from "../client/typescript/client.ts";
import { bold, dim, green, red, table } from "../src/local/terminal.ts";

export interface Output {
  readonly json: boolean;
  /** Whether a person looks on: then progress is shown. */
  readonly isTerminal: boolean;
  line(text: string): void;
  /** A piece of a text: as it is, but for what could steer a terminal. */
  write(text: string): void;
  /** Beside the result: progress, hints. */
  note(text: string): void;
}

export function outputOf(json: boolean): Output {
  return {
    json,
    isTerminal: process.stderr.isTTY && !json,
    line: (text) => void process.stdout.write(`${text}\n`),
    write: (text) => void process.stdout.write(process.stdout.isTTY ? printableText(text) : text),
    note: (text) => void process.stderr.write(`${process.stderr.isTTY ? text : stripVTControlCharacters(text)}\n`),
  };
}

/** One value as JSON: on one line for programs, indented for people. */
export function printValue(output: Output, value: unknown): void {
  output.line(printableJson(value, output.json ? undefined : 2));
}

/** An object as a line for each of its members, or as JSON. */
export function printFacts(output: Output, value: Readonly<Record<string, unknown>>): void {
  if (output.json) return printValue(output, value);
  const widest = Math.max(...Object.keys(value).map((name) => name.length));
  for (const [name, its] of Object.entries(value)) output.line(`${dim(printable(name).padEnd(widest))}  ${cellOf(name, its)}`);
}

/** Rows as a table, or each as a line of JSON. A column is the name of a member, perhaps with another title. */
export function printRows<Row extends object>(
  output: Output,
  rows: readonly Row[],
  columns: readonly (string | readonly [title: string, show: (row: Row) => string])[],
): void {
  if (output.json) return rows.forEach((row) => printValue(output, row));
  if (rows.length === 0) return output.note(dim("There are none."));
  const titles = columns.map((column) => (typeof column === "string" ? column : column[0]));
  const cell = (row: Row, name: string) => cellOf(name, (row as Record<string, unknown>)[name]); // a row is the object of an answer
  const cells = rows.map((row) => columns.map((column) => (typeof column === "string" ? cell(row, column) : column[1](row))));
  output.line(table(titles, cells));
}

/** A value by the name of its member. */
function cellOf(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? dim("-") : value.map(plain).join(",");
  return name.endsWith("_bytes") && typeof value === "number" ? sizeOf(value) : plain(value);
}

/** `12.5 MiB`. */
export function sizeOf(bytes: number): string {
  const unit = bytes === 0 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${Number((bytes / 1024 ** unit).toFixed(1))} ${UNITS[unit]}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A value in a cell. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return dim("-");
  if (typeof value === "string") return printable(value);
  return printable(JSON.stringify(value));
}

/** The members of a line of the log, those of an object in it beside them; an error as one phrase. */
export function factsOf(line: Readonly<Record<string, unknown>>): [name: string, value: string][] {
  return Object.entries(line).flatMap(([name, value]): [string, string][] => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [[name, plain(value)]];
    const its = value as Readonly<Record<string, unknown>>; // an object of JSON
    if (name === "error") return [[name, `${plain(its["code"])} (${plain(its["class"])}): ${plain(its["message"])}`]];
    return Object.entries(its).map(([member, inside]) => [`${name}.${member}`, plain(inside)]);
  });
}

/** What could steer a terminal, or fake a line or a cell of a table. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** On one line, and without what could steer a terminal: texts of models, files and servers are strangers'. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (character) => ESCAPES[character] ?? "\uFFFD");
}

/** The same of a text of several lines. All but the first are indented, so that none can pass for a line of the program's own. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n  ");
}

/** A text of several lines as it is, for a terminal. */
export function printableText(text: string): string {
  return text.replaceAll(UNSAFE, (character) => (character === "\n" || character === "\t" ? character : (ESCAPES[character] ?? "\uFFFD")));
}

/** JSON that is the same to a program, with escapes for what could steer a terminal. */
function printableJson(value: unknown, indent?: number): string {
  const escaped = (character: string) =>
    character === "\n"
      ? "\n"
      : character
          .split("")
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join("");
  return JSON.stringify(value, null, indent).replaceAll(UNSAFE, escaped);
}

export function statusText(status: unknown): string {
  const text = plain(status);
  if (status === "succeeded") return green(text);
  return status === "failed" || status === "expired" ? red(text) : text;
}

/** Where an inference stands, on one line. */
export function standing({
  status,
  waiting_on: waitingOn,
  queue_position: position,
  estimated_start_at: start,
  progress,
  attempts,
}: Inference): string {
  const facts = [
    status === "queued" && waitingOn !== null && `waits for: ${WAITS[waitingOn]}`,
    status === "queued" && position !== null && `position ${position}`,
    waitingOn === "scheduled" && start !== null && start !== undefined && `starts at ${start}`,
    attempts > 1 && `attempt ${attempts}`,
    typeof progress?.progress === "number" && `${Math.round(progress.progress * 100)} %`,
    progress?.message && printable(progress.message),
  ].filter((fact) => typeof fact === "string" && fact !== "");
  return `${statusText(status)}${facts.length > 0 ? `  ${dim(facts.join(", "))}` : ""}`;
}

const WAITS: Readonly<Record<NonNullable<Inference["waiting_on"]>, string>> = {
  position: "its turn",
  concurrency: "a free slot",
  backend_down: "a backend that takes work",
  retry_backoff: "its next attempt",
  scheduled: "its time",
};

/** One inference for people. */
export function describe(it: Inference): string {
  const { metrics, error, metadata } = it;
  const words = Object.entries(metadata).map(([name, value]) => `${name}=${value}`);
  const facts: [string, string | number | null | undefined][] = [
    ["model", it.version ? `${it.model} ${it.version}` : it.model],
    ["attempts", it.attempts > 0 ? attemptsOf(it) : null],
    ["metadata", words.length > 0 ? words.join(" ") : null],
    ["created", it.created_at],
    ["started", it.started_at],
    ["finished", it.finished_at],
    ["took", typeof metrics?.total_ms === "number" ? tookOf(metrics) : null],
    ["output", it.output_parts ? `${it.output_parts.length} parts` : shortOf(it.output)],
    ["error", error && `${error.code} (${error.class}): ${error.message}`],
  ];
  const lines = facts
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `  ${dim(name.padEnd(10))} ${plain(value)}`);
  return [`${bold(plain(it.id))}  ${standing(it)}`, ...lines].join("\n");
}

/** Those that reached no server don't count towards the most. */
function attemptsOf({ attempts, max_attempts: most }: Inference): string {
  return attempts > most ? `${attempts}, of which some reached no server; at most ${most} that do` : `${attempts} of at most ${most}`;
}

function tookOf({ total_ms: total, queue_ms: queued, run_ms: ran }: Inference["metrics"]): string {
  const parts = [queued !== null && `${exactly(queued)} queued`, ran !== null && `${exactly(ran)} running`].filter(Boolean);
  return `${exactly(total ?? 0)}${parts.length > 0 ? ` (${parts.join(", ")})` : ""}`;
}

const exactly = (ms: number) => (ms < 10_000 ? `${(ms / 1000).toFixed(ms < 1_000 ? 2 : 1)} s` : duration(ms));

const SHOWN = 100;

/** The beginning of an output. */
export function shortOf(output: unknown): string | null {
  if (output === null || output === undefined) return null;
  const text = JSON.stringify(output);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** `12:05:09`, as the clock on the wall has it. */
export function clockOf(at: Date): string {
  return at.toTimeString().slice(0, 8);
}

/** `3 min ago`. */
export function ageOf(at: string): string {
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(at)) / 1000));
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3_600)} h ago` : `${Math.floor(seconds / 86_400)} d ago`;
}

/** `12 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
